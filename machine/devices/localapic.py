"""The processor's local APIC, in xAPIC mode, at physical 0xfee00000 (SDM 3A chapter 10).

Accesses are 32 bits wide at multiples of 16.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from enum import IntEnum

from machine.clock import Clock
from machine.devices.apictimer import ApicTimer
from machine.devices.device import COUNTS
from machine.fields import Fields, SavedByFields, number, part, several

LOCAL_APIC, LOCAL_APIC_SIZE = 0xFEE00000, 0x1000

POWER_ON_ID = 0
"""The first processor's; the others count on."""

# fmt: off
ID, VERSION, TPR, APR, PPR, EOI, RRD, LDR, DFR, SVR = 0x20, 0x30, 0x80, 0x90, 0xA0, 0xB0, 0xC0, 0xD0, 0xE0, 0xF0
ISR, TMR, IRR, ESR, ICR, ICR_HIGH = 0x100, 0x180, 0x200, 0x280, 0x300, 0x310
LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR = range(0x320, 0x380, 0x10)
INITIAL_COUNT, CURRENT_COUNT, DIVIDE = 0x380, 0x390, 0x3E0
# fmt: on

VERSION_VALUE = 5 << 16 | 0x14
"""An integrated APIC with six entries in its local vector table."""

SVR_ENABLED = 1 << 8
SPURIOUS_VECTOR = 0xFF
DFR_CLUSTER, DFR_FLAT = 0x0, 0xF

LVT_MASKED, LVT_PERIODIC, LVT_TIMER_MODE = 1 << 16, 1 << 17, 3 << 17
LOWEST_VECTOR = 16
"""Vectors below it are illegal."""

ICR_LOGICAL, ICR_LEVEL, ICR_TRIGGER = 1 << 11, 1 << 14, 1 << 15
_ICR_KEPT = 0x000CCFFF
EVERYBODY = 0xFF

ESR_SEND_ILLEGAL, ESR_RECEIVED_ILLEGAL, ESR_ILLEGAL_REGISTER = 1 << 5, 1 << 6, 1 << 7

WRITABLE = {
    LVT_TIMER: 0x700FF,
    LVT_THERMAL: 0x107FF,
    LVT_PERFORMANCE: 0x107FF,
    LVT_LINT0: 0x1A7FF,
    LVT_LINT1: 0x1A7FF,
    LVT_ERROR: 0x100FF,
}
"""The local vector table: each entry's bits that can be written."""


class Delivery(IntEnum):
    """Delivery modes of the table, of ICR and of an I/O APIC's entries."""

    FIXED = 0
    LOWEST_PRIORITY = 1
    SMI = 2
    NMI = 4
    INIT = 5
    START_UP = 6
    EXTINT = 7


class Shorthand(IntEnum):
    """Destination shorthands of ICR."""

    NONE = 0
    SELF = 1
    ALL = 2
    OTHERS = 3


SIGNALS = frozenset((Delivery.NMI, Delivery.INIT, Delivery.START_UP))
"""What goes past the request register to the processor itself."""

Signal = Callable[[Delivery, int], None]
"""Takes one of `SIGNALS`, with the vector of the message."""


def delivery_mode(word: int) -> int:
    """Bits 8-10."""
    return word >> 8 & 7


class LocalApic(SavedByFields):
    """``changed`` is called whenever what `pending` says may have changed, ``ended`` with the vector of a
    level-triggered interrupt whose handler is through.  ``signal`` takes NMI, INIT and start-up messages; without it
    they are refused.  ``bus`` is all local APICs that it can send to.

    The first processor's starts as firmware leaves it: enabled, the 8259 pair on LINT0, NMI on LINT1 ("virtual wire",
    MP 1.4 3.6.2.2); the others' as a reset does.
    """

    FIELDS = Fields(
        "local APIC",
        timer=part,
        id=number(0xFF),
        task_priority=number(0xFF),
        spurious=number(0x1FF),
        in_service=number((1 << 256) - 1),
        level=number((1 << 256) - 1),
        request=number((1 << 256) - 1),
        _logical=number(0xFF),
        _model=number(0xF),
        _errors=number(0xFF),
        _errors_told=number(0xFF),
        _command=several(number(0xFFFFFFFF), 2, 2),
        _table=several(number(0x7FFFF), len(WRITABLE), len(WRITABLE)),
        refused=COUNTS,
    )

    def __init__(
        self,
        clock: Clock,
        changed: Callable[[], None],
        ended: Callable[[int], None],
        *,
        number: int = POWER_ON_ID,
        signal: Signal | None = None,
    ) -> None:
        self._changed = changed
        self._ended = ended
        self._signal = signal
        self.bus: Sequence[LocalApic] = (self,)
        self.timer = ApicTimer(clock, lambda: self._local(LVT_TIMER))
        self.id = number
        self.refused: Counter[int] = Counter()
        """How often each `Delivery` was asked for that the machine does not have."""
        self._clear()
        if number == POWER_ON_ID:
            self.spurious |= SVR_ENABLED
            self._table[LVT_LINT0 - LVT_TIMER >> 4] = Delivery.EXTINT << 8
            self._table[LVT_LINT1 - LVT_TIMER >> 4] = Delivery.NMI << 8

    def _clear(self) -> None:
        self.task_priority = 0
        self.spurious = SPURIOUS_VECTOR
        self.in_service = self.level = self.request = 0  # ISR, TMR, IRR: bit n for vector n
        self._logical = 0
        self._model = DFR_FLAT
        self._errors = self._errors_told = 0
        self._command = [0, 0]
        self._table = [LVT_MASKED] * len(WRITABLE)

    def reset(self) -> None:
        """What an INIT does: all but the ID as at power-on (SDM 3A 10.4.7.3)."""
        self._clear()
        self.timer.reset()
        self._changed()

    # Interrupts

    @property
    def enabled(self) -> bool:
        """Bit 8 of the spurious-interrupt vector register."""
        return bool(self.spurious & SVR_ENABLED)

    @property
    def passes_external(self) -> bool:
        """Whether the 8259 pair's output reaches the processor, by LINT0."""
        entry = self.entry(LVT_LINT0)
        return not entry & LVT_MASKED and delivery_mode(entry) == Delivery.EXTINT

    @property
    def processor_priority(self) -> int:
        """PPR: the higher of the task's and the running handler's (SDM 3A 10.8.3.1)."""
        served = max(self.in_service.bit_length() - 1, 0)
        return self.task_priority if self.task_priority >> 4 >= served >> 4 else served & 0xF0

    def pending(self) -> bool:
        """Whether a request outranks the processor's priority."""
        if not self.request or not self.enabled:
            return False
        return self.request.bit_length() - 1 >> 4 > self.processor_priority >> 4

    def acknowledge(self) -> int:
        """Put the highest request in service and return its vector; the spurious one if none is pending."""
        if not self.pending():
            return self.spurious & 0xFF
        vector = self.request.bit_length() - 1
        self.request &= ~(1 << vector)
        self.in_service |= 1 << vector
        return vector

    def accept(self, vector: int, *, level: bool) -> None:
        """An interrupt message of the fixed or lowest-priority kind."""
        if not self.enabled:
            return
        if vector < LOWEST_VECTOR:
            self._report(ESR_RECEIVED_ILLEGAL)
            return
        bit = 1 << vector
        self.request |= bit
        self.level = self.level | bit if level else self.level & ~bit
        self._changed()

    def deliver(self, mode: int, vector: int, *, level: bool) -> None:
        """A message of any kind that has this processor for its destination."""
        if mode in (Delivery.FIXED, Delivery.LOWEST_PRIORITY):
            self.accept(vector, level=level)
        elif self._signal is not None and mode in SIGNALS:
            self._signal(Delivery(mode), vector)
        else:
            self.refused[mode] += 1

    def is_destination(self, destination: int, *, logical: bool) -> bool:
        """Whether a message for ``destination`` (8 bits) is for this processor (SDM 3A 10.6.2)."""
        if destination == EVERYBODY:
            return True
        if not logical:
            return destination == self.id
        if self._model == DFR_FLAT:
            return bool(destination & self._logical)
        cluster, members = destination >> 4, destination & 0xF
        return cluster in (self._logical >> 4, 0xF) and bool(members & self._logical)

    def _local(self, entry: int) -> None:
        """An interrupt of the local vector table."""
        word = self.entry(entry)
        if not word & LVT_MASKED:
            mode = Delivery.FIXED if entry in (LVT_TIMER, LVT_ERROR) else delivery_mode(word)
            self.deliver(mode, word & 0xFF, level=False)

    def _report(self, error: int) -> None:
        first = not self._errors & error
        self._errors |= error
        # An illegal vector of the error interrupt itself would report itself for ever.
        if first and self.entry(LVT_ERROR) & 0xFF >= LOWEST_VECTOR:
            self._local(LVT_ERROR)

    # Registers

    def entry(self, offset: int) -> int:
        """An entry of the local vector table."""
        return self._table[offset - LVT_TIMER >> 4]

    def read_memory(self, offset: int, size: int) -> int:
        """A register; what lies between them reads 0."""
        if offset & 0xF or size != 4:
            return 0
        for base, bits in ((ISR, self.in_service), (TMR, self.level), (IRR, self.request)):
            if base <= offset < base + 0x80:
                return bits >> 2 * (offset - base) & 0xFFFFFFFF
        if offset in WRITABLE:
            return self.entry(offset)
        reader = _READERS.get(offset)
        if reader is None:
            self._report(ESR_ILLEGAL_REGISTER)
            return 0
        return reader(self)

    def write_memory(self, offset: int, value: int, size: int) -> None:
        """A register; those that only tell something ignore it."""
        if offset & 0xF or size != 4:
            return
        if offset in WRITABLE:
            self._write_entry(offset, value)
        elif writer := _WRITERS.get(offset):
            writer(self, value)
        elif offset not in _READERS and not ISR <= offset < ESR:
            self._report(ESR_ILLEGAL_REGISTER)

    def _write_entry(self, offset: int, value: int) -> None:
        masked = 0 if self.enabled else LVT_MASKED
        self._table[offset - LVT_TIMER >> 4] = value & WRITABLE[offset] | masked
        if offset == LVT_TIMER:
            self._configure_timer()
        self._changed()  # LINT0 may have opened

    def _configure_timer(self) -> None:
        word = self.entry(LVT_TIMER)
        self.timer.configure(periodic=word & LVT_TIMER_MODE == LVT_PERIODIC, armed=not word & LVT_MASKED)

    def _write_spurious(self, value: int) -> None:
        self.spurious = value & 0x1FF
        if not self.enabled:
            self._table = [word | LVT_MASKED for word in self._table]
            self._configure_timer()
        self._changed()

    def _end_of_interrupt(self, _value: int) -> None:
        if not self.in_service:
            return
        vector = self.in_service.bit_length() - 1
        self.in_service &= ~(1 << vector)
        if self.level >> vector & 1:
            self._ended(vector)
        self._changed()

    def _write_task_priority(self, value: int) -> None:
        self.task_priority = value & 0xFF
        self._changed()

    def _write_id(self, value: int) -> None:
        self.id = value >> 24

    def _write_logical(self, value: int) -> None:
        self._logical = value >> 24

    def _write_model(self, value: int) -> None:
        self._model = value >> 28

    def _write_errors(self, _value: int) -> None:
        """A write makes the register tell what has come up since the last one."""
        self._errors_told, self._errors = self._errors, 0

    def _write_command_high(self, value: int) -> None:
        self._command[1] = value & 0xFF000000

    def _write_command(self, value: int) -> None:
        """Send an interrupt (SDM 3A 10.6.1): it has gone as soon as it is written."""
        self._command[0] = value & _ICR_KEPT
        mode, vector = delivery_mode(value), value & 0xFF
        if mode in (Delivery.FIXED, Delivery.LOWEST_PRIORITY) and vector < LOWEST_VECTOR:
            self._report(ESR_SEND_ILLEGAL)
        elif mode == Delivery.INIT and value & ICR_TRIGGER and not value & ICR_LEVEL:
            return  # the end of an INIT, which only the APIC bus of old had a use for
        else:
            for apic in taking(mode, self._destinations(value)):
                if apic is not self or mode not in (Delivery.INIT, Delivery.START_UP):
                    apic.deliver(mode, vector, level=False)

    def _destinations(self, command: int) -> Sequence[LocalApic]:
        """Those that a command is for."""
        others = [apic for apic in self.bus if apic is not self]
        match Shorthand(command >> 18 & 3):
            case Shorthand.SELF:
                return [self]
            case Shorthand.ALL:
                return self.bus
            case Shorthand.OTHERS:
                return others
        destination, logical = self._command[1] >> 24, bool(command & ICR_LOGICAL)
        return [apic for apic in self.bus if apic.is_destination(destination, logical=logical)]

    def arbitration_priority(self) -> int:
        """APR (SDM 3A 10.6.2.4)."""
        requested, served = (max(bits.bit_length() - 1, 0) & 0xF0 for bits in (self.request, self.in_service))
        task = self.task_priority
        return task if task >> 4 >= requested >> 4 and task >> 4 > served >> 4 else max(task & 0xF0, requested, served)


def taking(mode: int, destinations: Sequence[LocalApic]) -> Sequence[LocalApic]:
    """Those among a message's destinations that get it: of lowest priority, one (SDM 3A 10.6.2.4)."""
    if mode != Delivery.LOWEST_PRIORITY or len(destinations) < 2:
        return destinations
    return [min(destinations, key=lambda apic: apic.processor_priority)]


# fmt: off
_READERS: dict[int, Callable[[LocalApic], int]] = {
    ID:            lambda apic: apic.id << 24,
    VERSION:       lambda apic: VERSION_VALUE,
    TPR:           lambda apic: apic.task_priority,
    APR:           LocalApic.arbitration_priority,
    PPR:           lambda apic: apic.processor_priority,
    EOI:           lambda apic: 0,
    RRD:           lambda apic: 0,
    LDR:           lambda apic: apic._logical << 24,
    DFR:           lambda apic: apic._model << 28 | 0x0FFFFFFF,
    SVR:           lambda apic: apic.spurious,
    ESR:           lambda apic: apic._errors_told,
    ICR:           lambda apic: apic._command[0],
    ICR_HIGH:      lambda apic: apic._command[1],
    INITIAL_COUNT: lambda apic: apic.timer.initial,
    CURRENT_COUNT: lambda apic: apic.timer.count(),
    DIVIDE:        lambda apic: apic.timer.divide,
}
_WRITERS: dict[int, Callable[[LocalApic, int], None]] = {
    ID:            LocalApic._write_id,
    TPR:           LocalApic._write_task_priority,
    EOI:           LocalApic._end_of_interrupt,
    LDR:           LocalApic._write_logical,
    DFR:           LocalApic._write_model,
    SVR:           LocalApic._write_spurious,
    ESR:           LocalApic._write_errors,
    ICR:           LocalApic._write_command,
    ICR_HIGH:      LocalApic._write_command_high,
    INITIAL_COUNT: lambda apic, value: apic.timer.start(value),
    DIVIDE:        lambda apic, value: apic.timer.set_divide(value),
}
# fmt: on

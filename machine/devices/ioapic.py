"""The I/O APIC at physical 0xfec00000, with 24 inputs (Intel 82093AA data sheet, 290566; EOI register of version 20h).

Lines are driven by what they mean: the polarity bit of an entry changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from machine.devices.localapic import Delivery, LocalApic, delivery_mode, taking
from machine.fields import Fields, SavedByFields, number, several

IO_APIC, IO_APIC_SIZE = 0xFEC00000, 0x1000
PINS = 24
VERSION = 0x20

SELECT, WINDOW, EOI = 0x00, 0x10, 0x40
"""Offsets of the registers in memory."""

ID, VERSION_REGISTER, ARBITRATION, REDIRECTION = 0x00, 0x01, 0x02, 0x10
"""Indexes behind them; two for each entry of the redirection table."""

LOGICAL, REMOTE_IRR, LEVEL, MASKED = 1 << 11, 1 << 14, 1 << 15, 1 << 16
_WRITABLE = 0xFF << 56 | 0x1AFFF
"""Bits of an entry: not the delivery status in bit 12, which is always "idle", and not the remote IRR."""

TIMER_PIN = 2
EXTERNAL_PIN = 0
"""Where the PC wires the timer's IRQ 0, and the 8259 pair's output; all others keep their number."""


def power_on_id(processors: int) -> int:
    """As firmware sets it, behind the processors'."""
    return processors


class IoApic(SavedByFields):
    """``entries`` is the redirection table, ``lines`` the inputs, bit n for pin n."""

    FIELDS = Fields(
        "I/O APIC",
        id=number(15),
        lines=number((1 << PINS) - 1),
        entries=several(number((1 << 64) - 1), PINS, PINS),
        _index=number(0xFF),
    )

    def __init__(self, processors: Sequence[LocalApic]) -> None:
        self._processors = processors
        self.id = power_on_id(len(processors))
        self.lines = 0
        self.entries = [MASKED] * PINS
        self._index = 0

    # Interrupts

    def set_line(self, pin: int, level: bool) -> None:
        """Drive an input: a rising edge interrupts unless it is masked, a level as long as it lasts."""
        bit = 1 << pin
        rising = level and not self.lines & bit
        self.lines = self.lines | bit if level else self.lines & ~bit
        if self.entries[pin] & LEVEL:
            self._serve_level(pin)
        elif rising and not self.entries[pin] & MASKED:
            self._send(pin)

    def _serve_level(self, pin: int) -> None:
        entry = self.entries[pin]
        if self.lines >> pin & 1 and not entry & (MASKED | REMOTE_IRR) and self._send(pin):
            self.entries[pin] |= REMOTE_IRR

    def _send(self, pin: int) -> bool:
        """Send an entry's message; whether a processor takes it in service, so that its end will be told."""
        entry = self.entries[pin]
        mode, vector, logical = delivery_mode(entry), entry & 0xFF, bool(entry & LOGICAL)
        found = [apic for apic in self._processors if apic.is_destination(entry >> 56, logical=logical)]
        if mode == Delivery.EXTINT or not found:
            return False
        for apic in taking(mode, found):
            apic.deliver(mode, vector, level=bool(entry & LEVEL))
        return mode in (Delivery.FIXED, Delivery.LOWEST_PRIORITY)

    @property
    def passes_external(self) -> bool:
        """Whether the 8259 pair's output reaches the first processor, by pin 0."""
        entry = self.entries[EXTERNAL_PIN]
        return not entry & MASKED and delivery_mode(entry) == Delivery.EXTINT and self._processors[0].enabled

    def end_of_interrupt(self, vector: int) -> None:
        """The handler of a level-triggered interrupt is through: what still asks interrupts again."""
        for pin, entry in enumerate(self.entries):
            if entry & LEVEL and entry & 0xFF == vector and entry & REMOTE_IRR:
                self.entries[pin] &= ~REMOTE_IRR
                self._serve_level(pin)

    # Registers

    def read_memory(self, offset: int, size: int) -> int:
        """The index, or the register that it selects."""
        if offset == SELECT:
            return self._index
        return self._read() if offset == WINDOW else 0

    def write_memory(self, offset: int, value: int, size: int) -> None:
        """Select a register, write to it, or end an interrupt by its vector."""
        if offset == SELECT:
            self._index = value & 0xFF
        elif offset == WINDOW and size == 4:
            self._write(value)
        elif offset == EOI:
            self.end_of_interrupt(value & 0xFF)

    def _read(self) -> int:
        pin, high = divmod(self._index - REDIRECTION, 2)
        if 0 <= pin < PINS:
            return self.entries[pin] >> 32 * high & 0xFFFFFFFF
        if self._index == VERSION_REGISTER:
            return (PINS - 1) << 16 | VERSION
        return self.id << 24 if self._index in (ID, ARBITRATION) else 0

    def _write(self, value: int) -> None:
        pin, high = divmod(self._index - REDIRECTION, 2)
        if 0 <= pin < PINS:
            self._write_entry(pin, value, high=bool(high))
        elif self._index == ID:
            self.id = value >> 24 & 0xF

    def _write_entry(self, pin: int, value: int, *, high: bool) -> None:
        before = self.entries[pin]
        half = 0xFFFFFFFF << 32 if high else 0xFFFFFFFF
        entry = (before & ~half | (value << 32 if high else value)) & _WRITABLE
        # An edge has no remote IRR: so a driver gets rid of one.
        self.entries[pin] = entry | (before & REMOTE_IRR if entry & LEVEL else 0)
        if entry & LEVEL:
            self._serve_level(pin)

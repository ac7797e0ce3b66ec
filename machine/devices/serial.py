"""A 16550A serial port (National Semiconductor PC16550D data sheet).

Bytes go out at once; the transmitter is always empty again.  Input waits until the guest reads it: the FIFO holds as
much of it as fits, and the silence after which fewer bytes than the trigger level are told has always passed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from machine.fields import Fields, SavedByFields, flag, number, raw


class PortRow(NamedTuple):
    """Where a PC has a serial port: its name, its first I/O port, its IRQ."""

    name: str
    base: int
    irq: int


PORTS = (
    PortRow("COM1", 0x3F8, 4),
    PortRow("COM2", 0x2F8, 3),
    PortRow("COM3", 0x3E8, 4),
    PortRow("COM4", 0x2E8, 3),
)
"""In the order in which firmware lists them; two share each IRQ line."""


RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR = range(8)

IER_RECEIVED, IER_TRANSMIT_EMPTY, IER_LINE_STATUS, IER_MODEM_STATUS = 1, 2, 4, 8
IIR_MODEM_STATUS, IIR_NONE, IIR_TRANSMIT_EMPTY, IIR_RECEIVED, IIR_LINE_STATUS, IIR_TIMEOUT = 0, 1, 2, 4, 6, 12
IIR_FIFOS = 0xC0
FCR_ENABLE, FCR_CLEAR_RECEIVER = 1, 2
LCR_BREAK, LCR_DIVISOR_LATCH = 0x40, 0x80
MCR_DTR, MCR_RTS, MCR_OUT1, MCR_OUT2, MCR_LOOPBACK = 1, 2, 4, 8, 16
LSR_DATA_READY, LSR_OVERRUN, LSR_BREAK, LSR_TRANSMIT_EMPTY, LSR_TRANSMITTER_IDLE, LSR_FIFO_ERROR = (
    *(1, 2, 0x10),
    *(0x20, 0x40, 0x80),
)
MSR_RI_ENDED = 4
"""The change bits 0, 1 and 3 stand for either edge of CTS, DSR and DCD; of RI only the end counts."""

MSR_CTS, MSR_DSR, MSR_RI, MSR_DCD = 0x10, 0x20, 0x40, 0x80

FIFO_DEPTH = 16
TRIGGER_LEVELS = (1, 4, 8, 14)
"""By the highest two bits of FCR."""
NEWLINE, MOST_SHOWN = 0x0A, 256
MOST_WAITING = 1 << 24
"""Bytes of waiting input that a snapshot keeps at most."""


class Serial(SavedByFields):
    """One UART.  ``send`` takes what the guest writes; ``interrupt`` drives its IRQ line."""

    FIELDS = Fields(
        "16550A",
        _outside=raw(MOST_WAITING),
        _looped=raw(FIFO_DEPTH),
        _divisor=number(0xFFFF),
        _fifos=flag,
        _trigger=number(14, 1),
        _transmit_empty_pending=flag,
        _errors=number(LSR_OVERRUN | LSR_BREAK),
        _changes=number(15),
        _ier=number(15),
        _lcr=number(0xFF),
        _mcr=number(0x1F),
        _scr=number(0xFF),
        _line=flag,
        shown=raw(MOST_SHOWN),
    )
    width = 1

    def __init__(self, send: Callable[[bytes], None], interrupt: Callable[[bool], None]) -> None:
        self.send = send
        self._interrupt = interrupt
        self._outside: deque[int] = deque()
        self._looped: deque[int] = deque()
        self._divisor = 1
        self._fifos = False
        self._trigger = TRIGGER_LEVELS[0]
        self._transmit_empty_pending = False
        self._errors = 0  # bits of LSR that are told once
        self._changes = 0  # the low half of MSR
        self._ier = self._lcr = self._mcr = self._scr = 0
        self._line = False
        self.shown = bytearray()
        """What was sent since the last newline, or the end of it: the line that a terminal's cursor is on."""

    def receive(self, data: bytes) -> None:
        """Bytes from the outside; they wait on the host's side until the guest takes them, so none is lost."""
        self._outside.extend(data)
        self._update()

    @property
    def line(self) -> bool:
        """Whether it asks for an interrupt: its part of the level of an IRQ line that two ports share."""
        return self._line

    @property
    def backlog(self) -> int:
        """Bytes from the outside that the guest has not taken yet."""
        return len(self._outside)

    @property
    def listening(self) -> bool:
        """The guest has asked to be interrupted by input: what comes before, a driver that starts throws away."""
        return bool(self._ier & IER_RECEIVED)

    @property
    def _waiting(self) -> deque[int]:
        """Where the receiver takes its bytes from: its own transmitter in loopback, else the outside."""
        return self._looped if self._mcr & MCR_LOOPBACK else self._outside

    def _cause(self) -> int:
        """The highest-priority interrupt (data sheet, table "Interrupt Control Functions")."""
        if self._errors and self._ier & IER_LINE_STATUS:
            return IIR_LINE_STATUS
        if self._waiting and self._ier & IER_RECEIVED:
            reached = not self._fifos or len(self._waiting) >= self._trigger
            return IIR_RECEIVED if reached else IIR_TIMEOUT
        if self._transmit_empty_pending and self._ier & IER_TRANSMIT_EMPTY:
            return IIR_TRANSMIT_EMPTY
        if self._changes and self._ier & IER_MODEM_STATUS:
            return IIR_MODEM_STATUS
        return IIR_NONE

    def _update(self) -> None:
        # The PC lets a UART reach its IRQ line through OUT2 alone.
        level = self._cause() != IIR_NONE and bool(self._mcr & MCR_OUT2) and not self._mcr & MCR_LOOPBACK
        if level != self._line:
            self._line = level
            self._interrupt(level)

    def read_port(self, offset: int, size: int) -> int:
        """A register; reading RBR, IIR, LSR and MSR acknowledges what they report."""
        latch = self._lcr & LCR_DIVISOR_LATCH
        if offset == RBR:
            return self._divisor & 0xFF if latch else self._receive_buffer()
        if offset == IER:
            return self._divisor >> 8 if latch else self._ier
        reader = (None, None, self._identify, None, None, self._line_status, self._modem_status, None)[offset]
        return reader() if reader else (0, 0, 0, self._lcr, self._mcr, 0, 0, self._scr)[offset]

    def _receive_buffer(self) -> int:
        byte = self._waiting.popleft() if self._waiting else 0
        self._update()
        return byte

    def _identify(self) -> int:
        cause = self._cause()
        if cause == IIR_TRANSMIT_EMPTY:
            self._transmit_empty_pending = False
            self._update()
        return cause | (IIR_FIFOS if self._fifos else 0)

    def _line_status(self) -> int:
        status = LSR_TRANSMIT_EMPTY | LSR_TRANSMITTER_IDLE
        if self._waiting:
            status |= LSR_DATA_READY
        if self._errors & LSR_BREAK and self._fifos:
            status |= LSR_FIFO_ERROR
        status, self._errors = status | self._errors, 0
        self._update()
        return status

    def _modem_status(self) -> int:
        status, self._changes = self.modem_lines | self._changes, 0
        self._update()
        return status

    @property
    def modem_lines(self) -> int:
        """CTS, DSR, RI and DCD as in MSR: a terminal that is there; in loopback the port's own outputs."""
        if not self._mcr & MCR_LOOPBACK:
            return MSR_CTS | MSR_DSR | MSR_DCD
        pairs = ((MCR_RTS, MSR_CTS), (MCR_DTR, MSR_DSR), (MCR_OUT1, MSR_RI), (MCR_OUT2, MSR_DCD))
        return sum(status for control, status in pairs if self._mcr & control)

    def write_port(self, offset: int, value: int, size: int) -> None:
        """A register; LSR and MSR ignore writes."""
        latch = self._lcr & LCR_DIVISOR_LATCH
        if offset == RBR:
            if latch:
                self._divisor = self._divisor & 0xFF00 | value
            else:
                self._transmit(value)
        elif offset == IER:
            if latch:
                self._divisor = self._divisor & 0xFF | value << 8
            else:
                self._enable(value)
        else:
            self._configure(offset, value)
        self._update()

    def _transmit(self, value: int) -> None:
        if self._mcr & MCR_LOOPBACK:
            self._loop(value)
        else:
            self.send(bytes([value]))
            self._show(value)
        self._transmit_empty_pending = True

    def _loop(self, value: int) -> None:
        """The receiver takes a byte: a full FIFO keeps what it has, a single register the newest."""
        if len(self._looped) >= (FIFO_DEPTH if self._fifos else 1):
            self._errors |= LSR_OVERRUN
            if self._fifos:
                return
            self._looped.clear()
        self._looped.append(value)

    def _show(self, value: int) -> None:
        if value == NEWLINE:
            self.shown.clear()
        else:
            self.shown.append(value)
            del self.shown[:-MOST_SHOWN]

    def _enable(self, value: int) -> None:
        if value & ~self._ier & IER_TRANSMIT_EMPTY:
            self._transmit_empty_pending = True
        self._ier = value & 15

    def _configure(self, offset: int, value: int) -> None:
        if offset == IIR:  # FCR
            self._control_fifos(value)
        elif offset == LCR:
            begins = value & ~self._lcr & LCR_BREAK
            self._lcr = value
            if begins and self._mcr & MCR_LOOPBACK:
                self._errors |= LSR_BREAK
                self._loop(0)
        elif offset == MCR:
            before = self.modem_lines
            self._mcr = value & 0x1F
            self._note_changes(before, self.modem_lines)
        elif offset == SCR:
            self._scr = value

    def _control_fifos(self, value: int) -> None:
        switched = bool(value & FCR_ENABLE) != self._fifos
        self._fifos = bool(value & FCR_ENABLE)
        self._trigger = TRIGGER_LEVELS[value >> 6] if self._fifos else TRIGGER_LEVELS[0]
        if switched or value & FCR_CLEAR_RECEIVER:  # what waits outside is not in the FIFO yet
            self._looped.clear()

    def _note_changes(self, before: int, after: int) -> None:
        edges = (before ^ after) & (MSR_CTS | MSR_DSR | MSR_DCD)
        self._changes |= edges >> 4 | (MSR_RI_ENDED if before & ~after & MSR_RI else 0)

"""ACPI's fixed hardware: PM1a event and control registers, PM timer (ACPI 6.4, 4.8.3).

ACPI mode is always on: there is no SMI command port.  The power button is the fixed one.
"""

from __future__ import annotations

from collections.abc import Callable

from machine.clock import NANOSECONDS, NEVER, Clock
from machine.fields import Fields, SavedByFields, number

PM1A_EVENT, PM1A_CONTROL, PM_TIMER = 0x600, 0x604, 0x608
FIRST_PORT, PORTS = PM1A_EVENT, 12
SCI_IRQ = 9

TIMER_HZ = 3_579_545
TIMER_BITS = 24

STATUS, ENABLE, CONTROL, TIMER = 0, 2, 4, 8
"""Offsets of the registers: three of two bytes, one of four."""

EVENT_TIMER, EVENT_GLOBAL_LOCK, EVENT_POWER_BUTTON, EVENT_RTC = 1 << 0, 1 << 5, 1 << 8, 1 << 10
ENABLES = EVENT_TIMER | EVENT_GLOBAL_LOCK | EVENT_POWER_BUTTON | EVENT_RTC

CONTROL_SCI_ENABLE, CONTROL_BUS_MASTER_RELOAD = 1 << 0, 1 << 1
CONTROL_SLEEP_TYPE, CONTROL_SLEEP_ENABLE = 7 << 10, 1 << 13

SLEEP_TYPE_S5 = 5
"""What the DSDT's _S5 says: the one sleep state there is."""

_HALF = 1 << TIMER_BITS - 1
"""Ticks between two changes of the timer's highest bit, which are what its event reports."""


def ticks(nanoseconds: int) -> int:
    """PM timer ticks in a span of virtual time."""
    return nanoseconds * TIMER_HZ // NANOSECONDS


class PowerManagement(SavedByFields):
    """The registers, byte by byte.  ``interrupt`` drives the SCI, a level; ``power_off`` is called for S5."""

    FIELDS = Fields(
        "power management",
        _status=number(0xFFFF),
        enable=number(ENABLES),
        _control=number(0xFFFF),
        _seen=number(NEVER),
    )
    width = 1

    def __init__(self, clock: Clock, interrupt: Callable[[bool], None], power_off: Callable[[], None]) -> None:
        self._clock = clock
        self._interrupt = interrupt
        self._power_off = power_off
        self._set_deadline = clock.register(self._timer_changed)
        self._status = 0
        self.enable = 0
        self._control = CONTROL_SCI_ENABLE
        self._seen = 0  # halves of the timer's period that had begun when its event was last cleared

    def press_power_button(self) -> None:
        """The user's press, short: an event for the guest."""
        self._status |= EVENT_POWER_BUTTON
        self._update()

    def read_port(self, offset: int, size: int) -> int:
        """A byte of a register."""
        register, shift = (TIMER, 8 * (offset - TIMER)) if offset >= TIMER else (offset & ~1, 8 * (offset & 1))
        return self._read(register) >> shift & 0xFF

    def _read(self, register: int) -> int:
        if register == STATUS:
            return self.status
        if register == ENABLE:
            return self.enable
        if register == TIMER:
            return ticks(self._clock.now()) & (1 << TIMER_BITS) - 1
        return self._control if register == CONTROL else 0

    @property
    def status(self) -> int:
        """PM1 status, with the timer's event by virtual time."""
        return self._status | (EVENT_TIMER if self._halves() > self._seen else 0)

    def _halves(self) -> int:
        return ticks(self._clock.now()) // _HALF

    def write_port(self, offset: int, value: int, size: int) -> None:
        """A byte of a register: ones clear status bits; SLP_EN acts and reads as 0."""
        register, shift = offset & ~1, 8 * (offset & 1)
        keep, bits = ~(0xFF << shift), value << shift
        if register == STATUS:
            self._clear(bits)
        elif register == ENABLE:
            self.enable = (self.enable & keep | bits) & ENABLES
            self._update()
        elif register == CONTROL:
            self._write_control(self._control & keep | bits)

    def _clear(self, bits: int) -> None:
        self._status &= ~bits
        if bits & EVENT_TIMER:
            self._seen = self._halves()
        self._update()

    def _write_control(self, value: int) -> None:
        self._control = value & (CONTROL_BUS_MASTER_RELOAD | CONTROL_SLEEP_TYPE) | CONTROL_SCI_ENABLE
        if value & CONTROL_SLEEP_ENABLE and value & CONTROL_SLEEP_TYPE == SLEEP_TYPE_S5 << 10:
            self._power_off()

    def _update(self) -> None:
        self._interrupt(bool(self.status & self.enable))
        waits = self.enable & EVENT_TIMER and not self.status & EVENT_TIMER
        self._set_deadline(self._next_half() if waits else NEVER)

    def _next_half(self) -> int:
        return -(-(self._halves() + 1) * _HALF * NANOSECONDS // TIMER_HZ)

    def _timer_changed(self, _time: int) -> None:
        self._update()

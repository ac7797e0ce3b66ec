"""The local APIC's timer: a count that runs down with the crystal's clock, once or again and again (SDM 3A 10.5.4)."""

from __future__ import annotations

from collections.abc import Callable

from machine.clock import KICK, NANOSECONDS, NEVER, Clock
from machine.fields import Fields, SavedByFields, flag, number

CRYSTAL_HZ = 25_000_000
"""Rate of the core crystal clock, which CPUID leaf 0x15 tells: the timer's input."""

_NANOSECONDS = NANOSECONDS // CRYSTAL_HZ
_MOST = 0xFFFFFFFF


class ApicTimer(SavedByFields):
    """Initial count, current count, divide configuration.  ``expired`` is called when the count reaches 0.

    While it is not ``armed``, because its interrupt is masked, the count runs and nobody is called.
    """

    FIELDS = Fields(
        "APIC timer",
        initial=number(_MOST),
        divide=number(0b1011),
        _periodic=flag,
        _armed=flag,
        _first=number(_MOST),
        _start=number(NEVER),
        _fires_at=number(NEVER),
    )

    def __init__(self, clock: Clock, expired: Callable[[], None]) -> None:
        self._clock = clock
        self._expired = expired
        self._set_deadline = clock.register(self._fire)
        self.reset()

    def reset(self) -> None:
        """Stop; all registers 0."""
        self.initial = self.divide = 0
        self._periodic = self._armed = False
        self._first = self._start = 0  # the count that runs down first, and since when
        self._fires_at = NEVER
        self._set_deadline(NEVER)

    @property
    def _tick(self) -> int:
        """Nanoseconds of one count: the crystal's divided by 2, 4, ... 128, or 1."""
        power = (self.divide >> 1 & 4 | self.divide & 3) + 1
        return _NANOSECONDS << (power & 7)

    def count(self) -> int:
        """The current count."""
        passed = (self._clock.now() - self._start) // self._tick
        if passed < self._first:
            return self._first - passed
        if not self._periodic or not self.initial:
            return 0
        return self.initial - (passed - self._first) % self.initial

    def start(self, initial: int) -> None:
        """A write to the initial count: run down from there; 0 stops."""
        self.initial = initial
        self._run_from(initial)

    def set_divide(self, value: int) -> None:
        """A write to the divide configuration: the count goes on from where it is."""
        count = self.count()
        self.divide = value & 0b1011
        self._go_on_from(count)

    def configure(self, *, periodic: bool, armed: bool) -> None:
        """What the timer's entry of the local vector table says."""
        if periodic != self._periodic:
            count = self.count()
            self._periodic = periodic
            self._go_on_from(count)
        if armed and not self._armed:
            self._skip_past()
        self._armed = armed
        self._arm()

    def _go_on_from(self, count: int) -> None:
        if self._fires_at > self._clock.now():  # else it is due, and comes
            self._run_from(count)

    def _run_from(self, count: int) -> None:
        self._first, self._start = count, self._clock.now()
        self._fires_at = self._start + count * self._tick if count else NEVER
        self._arm()

    def _skip_past(self) -> None:
        """What came due while nobody was to be called is lost."""
        if self._fires_at <= self._clock.now():
            self._fires_at = self._next_after(self._clock.now()) if self._periodic else NEVER

    def _next_after(self, time: int) -> int:
        """The first end of a period after a time that is not before the end of the first one."""
        if not self.initial:
            return NEVER
        first, period = self._start + self._first * self._tick, self.initial * self._tick
        return first + ((time - first) // period + 1) * period

    def _arm(self) -> None:
        self._set_deadline(self._fires_at if self._armed else NEVER)

    def _fire(self, time: int) -> None:
        # Periods shorter than a block of code can take are one interrupt: the request bit holds no more.
        self._fires_at = self._next_after(max(time, self._fires_at + KICK) - 1) if self._periodic else NEVER
        self._arm()
        self._expired()

"""Virtual time, in nanoseconds: one per byte of guest code executed, plus the time that HLT skipped.

Host time never enters.  A device asks to be called at a deadline; the machine calls it at the first instruction
boundary that is not before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from machine.errors import Error
from machine.fields import Fields, State, number, several

NANOSECONDS = 1_000_000_000
NEVER = 1 << 62

KICK = 4096
"""Nanoseconds after a port access before which nothing that it caused can happen.

Longer than any block of code: the block that holds the access is already counted in the clock.
"""

TSC_HZ = 1_000_000_000
"""Rate of the time-stamp counter: one tick per virtual nanosecond."""


class Deadline(NamedTuple):
    """A device's next event: virtual nanoseconds, then the order in which devices registered."""

    time: int
    order: int


_FIELDS = Fields("clock", warp=number(NEVER), _deadlines=several(number(NEVER), 1 << 10))


class Clock:
    """Virtual time and the devices' deadlines.

    ``progress`` gives the bytes of code executed, exact at the instruction that asks.
    """

    def __init__(self, progress: Callable[[], int]) -> None:
        self._progress = progress
        self.warp = 0
        """Nanoseconds that HLT skipped."""
        self._deadlines: list[int] = []
        self._callbacks: list[Callable[[int], None]] = []
        self.next = NEVER
        """The earliest deadline."""
        self.inside = False
        """A port access is under way, in the middle of a block that the clock has counted."""

    def soonest(self) -> int:
        """The earliest time at which something decided now can happen."""
        return self.now() + (KICK if self.inside else 0)

    def now(self) -> int:
        """Virtual time at the instruction that runs, in nanoseconds."""
        return self._progress() + self.warp

    def register(self, callback: Callable[[int], None]) -> Callable[[int], None]:
        """Give a device a deadline of its own.

        Returns the function that sets it (virtual nanoseconds, `NEVER` for none; from a port access, `soonest` at
        least); ``callback``
        gets the deadline's time when it is reached and must set the next one.
        """
        order = len(self._callbacks)
        self._callbacks.append(callback)
        self._deadlines.append(NEVER)

        def set_deadline(time: int) -> None:
            self._deadlines[order] = max(time, self.soonest()) if self.inside and time < NEVER else time
            self.next = min(self._deadlines)

        return set_deadline

    def run_due(self, now: int) -> None:
        """Call every device whose deadline has come, in order of (time, registration)."""
        while self.next <= now:
            due = min(Deadline(time, order) for order, time in enumerate(self._deadlines))
            self._deadlines[due.order] = NEVER
            self.next = min(self._deadlines)
            self._callbacks[due.order](due.time)

    def save(self) -> dict[str, object]:
        """Skipped time and deadlines, in order of registration; progress is the processor's."""
        return _FIELDS.save(self)

    def load(self, state: State) -> None:
        """Take a saved state.  Raises `Error`, also for deadlines of other devices than are registered here."""
        deadlines = state.get("deadlines")
        if isinstance(deadlines, list) and len(deadlines) != len(self._deadlines):
            raise Error(f"clock: deadlines of {len(deadlines)} devices, not of {len(self._deadlines)}")
        _FIELDS.load(self, state)
        self.next = min(self._deadlines, default=NEVER)

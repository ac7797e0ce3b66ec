"""How much to run between two looks at the outside: some milliseconds, whatever the guest does."""

from __future__ import annotations

import time
from collections.abc import Callable

from machine.clock import NEVER
from machine.machine import SLICE, Machine
from machine.stop import Stop
from ringscope.serial.lines import Lines

SECONDS = 0.005
"""Host time that a slice shall take: so long may Ctrl-C wait."""

FIRST, SHORTEST = SLICE // 16, 4096
"""Bytes of code in the first slice, and at least in any."""


class Pace:
    """Runs a machine in slices.

    A guest that polls a port runs a hundred times slower than one that computes, so slices grow and shrink.  Host
    time decides only where a run is looked at from outside, which the guest cannot see.  Between two slices the serial
    ports' peers on the host are heard.
    """

    def __init__(self, machine: Machine, lines: Lines | None = None) -> None:
        self._machine = machine
        self._lines = lines
        self._budget = FIRST

    def run(self, until: int = NEVER) -> Stop | None:
        """One slice, which ends at virtual time ``until`` (nanoseconds) at the latest but for the block it runs in."""
        machine = self._machine
        budget = self._budget if until == NEVER else min(self._budget, max(until - machine.clock.now(), 1))
        return self._slice(machine.run, budget, until)

    def run_to_turn(self, number: int) -> Stop | None:
        """One slice on the way to a processor's turn, which is `machine.stop.Arrived`."""
        return self._slice(self._machine.run_to_turn, number, self._budget)

    def _slice(self, run: Callable[[int, int], Stop | None], *arguments: int) -> Stop | None:
        if self._lines is not None:
            self._lines.take()
        began = time.monotonic()
        stop = run(*arguments)
        if stop is None:  # else it was not the budget that ended it
            slow = time.monotonic() - began > SECONDS
            self._budget = min(max(self._budget // 2 if slow else self._budget * 2, SHORTEST), SLICE)
        if self._lines is not None:
            self._lines.flush()
        return stop

    def step(self) -> Stop:
        """One instruction, or one event."""
        if self._lines is not None:
            self._lines.take()
        stop = self._machine.step()
        if self._lines is not None:
            self._lines.flush()
        return stop

"""What a step is where an exception or interrupt is delivered instead of an instruction."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from machine import stop
from machine.machine import Machine
from ringscope.pace import Pace


class Policy(Enum):
    """Where a step ends that meets an event; the value is the policy's word.

    Handlers run to their end, with their interrupts: no event is held back, so the guest takes the same course whatever
    the policy.
    """

    RAW = "raw"
    """At the handler's first instruction."""

    MASK_INTERRUPTS = "mask-interrupts"
    """Behind the instruction, once the handlers of interrupts from outside have returned to it."""

    OVER_EXCEPTIONS = "over-exceptions"
    """Behind the instruction, once those of exceptions have too. A debug exception (#DB) ends the step as ever."""


class _Place(NamedTuple):
    """Where a handler returns to: linear address, stack pointer and ring."""

    address: int
    stack_pointer: int
    ring: int


class Stepper:
    """Steps a machine by a policy.

    A handler that never returns there, because it ends the program, lets the machine run until something else stops it.
    """

    def __init__(self, machine: Machine, pace: Pace) -> None:
        self.policy = Policy.RAW
        self._machine = machine
        self._pace = pace
        self._return: _Place | None = None

    def run(self) -> stop.Stop | None:
        """One slice of a step; the stop once it is over."""
        if self._return is None:
            return self._step()
        reason = self._pace.run()
        if reason is None:
            return None
        if reason == stop.Breakpoint(self._return.address) and self._is_back():
            self.release()
            return self._step()
        self.release()
        return reason

    def release(self) -> None:
        """Between two slices: forget the step."""
        if self._return is not None:
            self._machine.cpu.breakpoints.remove(self._return.address, self._is_back)
            self._return = None

    def _step(self) -> stop.Stop | None:
        if self.policy is Policy.RAW:
            return self._pace.step()
        place, before = self._here(), self._handled()
        reason = self._pace.step()
        if not isinstance(reason, stop.Stepped) or self._handled() == before:
            return reason
        points, handler = self._machine.cpu.breakpoints, self._machine.cpu.linear_pc
        if handler in points and points.wants(handler):
            return stop.Breakpoint(handler)
        self._return = place
        points.insert(place.address, self._is_back)
        return None

    def _is_back(self) -> bool:
        """Before the instruction that the handler returns to: not in another task or a deeper call."""
        place, cpu = self._return, self._machine.cpu
        return place is not None and (cpu.read_register("rsp"), cpu.cpl) == (place.stack_pointer, place.ring)

    def _here(self) -> _Place:
        cpu = self._machine.cpu
        return _Place(cpu.linear_pc, cpu.read_register("rsp"), cpu.cpl)

    def _handled(self) -> int:
        """Deliveries so far that the policy steps over."""
        tallies = self._machine.cpu.progress.tallies
        return tallies.interrupts + (tallies.faults if self.policy is Policy.OVER_EXCEPTIONS else 0)

"""A step of one thread, whatever the scheduler does meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kernel.errors import Error as KernelError
from machine import stop
from machine.machine import Machine
from ringscope.pace import Pace
from ringscope.stepping import Stepper
from ringscope.views import View


class _Wait(NamedTuple):
    """The pinned thread has lost the processor, and goes on at a linear address with a stack pointer.  ``steps``:
    whether its instruction is still to be run then."""

    thread: int
    address: int
    stack_pointer: int
    steps: bool


class Pin:
    """How the machine runs next: on, or for one instruction of one thread.

    A thread that does not stand on the processor gets its step when the guest's scheduler comes to it: the machine
    runs until then, and other threads' breakpoints are met on the way.
    """

    def __init__(self, machine: Machine, pace: Pace, view: Callable[[], View], stepper: Stepper) -> None:
        self._stepper = stepper
        self._machine = machine
        self._pace = pace
        self._view = view
        self._thread: int | None = None
        self._wait: _Wait | None = None
        self._under_way = False  # whether the step has begun

    def hold(self, thread: int | None) -> None:
        """Step a thread, or let all run."""
        if self._thread is not None:
            self.release()
        self._thread = thread
        if thread is not None and self._view().running() != thread:
            self._await(thread, steps=True)

    def release(self) -> None:
        """Between two slices: forget the step."""
        self._stepper.release()
        if self._wait is not None:
            self._end_wait()
        self._thread = None
        self._under_way = False

    def run(self) -> stop.Stop | None:
        """One slice; the stop if there was one."""
        if self._thread is None:
            return self._pace.run()
        reason = self._step(self._thread) if self._wait is None else self._look(self._wait)
        if reason is not None:
            self.release()
        return reason

    def _step(self, thread: int) -> stop.Stop | None:
        if not self._under_way and len(self._machine.cpus) > 1:
            reason = self._pace.run_to_turn(self._view().processor(thread))
            if not isinstance(reason, stop.Arrived):
                return reason
        self._under_way = True
        reason = self._stepper.run()
        if reason is None:
            return None
        view = self._view()
        view.forget()
        if isinstance(reason, stop.Stepped) and view.running() != thread and self._await(thread, steps=False):
            return None
        return reason

    def _await(self, thread: int, *, steps: bool) -> bool:
        """Wait for a thread where it will go on; False if that is not known."""
        try:
            saved = self._view().saved(thread)
        except KernelError:
            return False
        if saved is None:
            return False
        self._wait = _Wait(thread, saved.values["rip"], saved.values["rsp"], steps)
        self._machine.cpu.breakpoints.insert(self._wait.address, self._has_come)
        return True

    def _end_wait(self) -> None:
        if self._wait is not None:
            self._machine.cpu.breakpoints.remove(self._wait.address, self._has_come)
            self._wait = None

    def _has_come(self) -> bool:
        """Before the instruction that the thread goes on with: whether it is this thread that has come there."""
        wait, view = self._wait, self._view()
        if wait is None or self._machine.cpu.read_register("rsp") != wait.stack_pointer:
            return False
        view.forget()
        return view.running() == wait.thread

    def _look(self, wait: _Wait) -> stop.Stop | None:
        """One slice of waiting."""
        reason = self._pace.run()
        if reason != stop.Breakpoint(wait.address) or not self._has_come():
            return reason
        if not wait.steps:
            return stop.Stepped()
        self._end_wait()
        return self._step(wait.thread)

"""The PC as it runs: run, step, stop, and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable

from machine.board import Mainboard
from machine.clock import NEVER
from machine.cpu import Cpu
from machine.engine.choice import Engine
from machine.limits import DEFAULT_MEMORY, QUANTUM
from machine.positions import Goal, Position
from machine.processor import Processor
from machine.stop import (
    Arrived,
    Breakpoint,
    Exited,
    Halted,
    Interrupted,
    Shutdown,
    Stepped,
    Stop,
)

SLICE = 4 << 20
"""Bytes of code that one `Machine.run` executes at most, a few milliseconds of host time."""

EVENTS = 256
"""Exceptions that one `Machine.run` delivers at most: a guest whose handler faults makes no other progress."""

WAKES = 32
"""Times that one `Machine.run` wakes a halted processor at most."""


class Machine(Mainboard):
    """A PC with ``memory`` bytes of RAM and ``cpus`` processors (1 to `machine.limits.MOST_PROCESSORS`).

    ``send`` gets what the guest writes to its first serial port, of which there are ``serial_ports`` (1 to 4).
    ``engine`` names the engine that runs the processors; all give the same results, but the fast one runs one alone.
    Several processors take turns of ``quantum`` bytes of code: `machine.turns`.  Raises `EngineError`, `Error`.
    """

    def __init__(
        self,
        memory: int = DEFAULT_MEMORY,
        *,
        send: Callable[[bytes], None] = lambda data: None,
        serial_ports: int = 1,
        engine: Engine | None = None,
        cpus: int = 1,
        quantum: int = QUANTUM,
    ) -> None:
        super().__init__(memory, send, serial_ports, engine, cpus, quantum)
        self.goal: Goal | None = None
        """Where the next run that comes there shall stop; it is forgotten then, and when it is behind."""
        self.last: Stop | None = None
        """Why it last stopped."""
        self._awaited: Cpu | None = None
        self._interrupted = False

    @property
    def position(self) -> Position:
        """Where the run is."""
        return Position(self.cpu.progress.clock, self.cpu.events)

    def interrupt(self) -> None:
        """Ask for a stop at the next slice; the one call that another thread may make."""
        self._interrupted = True

    def stop_here(self) -> None:
        """Between two runs: this is where the user stopped, so a breakpoint here has been told."""
        self.cpu.told_at = self.cpu.linear_pc

    def power_off(self) -> None:
        """End the machine as its exit port would, with code 0; it does not run again."""
        self._exit = Exited(0)

    def run(self, budget: int = SLICE, until: int = NEVER) -> Stop | None:
        """Run until something stops the machine, or ``budget`` bytes of code have run.

        Returns None when the budget ended first, when virtual time ``until`` came while the processor was halted, or
        when only the outside can wake it (`idle`).  How a run is cut changes nothing that the guest can see.
        """
        if self.goal is not None and self.goal.reached(self.position):
            self.goal = None
        return self._run(budget, until) if self.goal is None else self.run_to(self.goal, budget, until)

    def _run(self, budget: int, until: int) -> Stop | None:
        progress = self.cpu.progress
        slice_end, wakes = progress.clock + budget, WAKES
        most_events = progress.most_events = progress.events + EVENTS
        while True:
            stop, progress = self._stopped(), self.cpu.progress
            if stop is not None:
                return self._tell(stop)
            start = progress.clock
            if start >= slice_end or not wakes or progress.events >= most_events:
                return None
            now = self._look(start + self.clock.warp)
            current = self.turns.current
            if self._awaited is self.cpu and not current.rests:
                return Arrived()
            due = self._serve(now)
            if not (current.held or self.cpu.halted):
                if not self.cpu.stopped_by_hook and self._advance(start, min(due - self.clock.warp, NEVER), slice_end):
                    slice_end = self.cpu.progress.clock
            elif self._rest(until):
                wakes -= 1
            else:
                return None if self.turns.is_wakeable() else self._tell(Halted(self.cpu.linear_pc))

    def run_to_turn(self, number: int, budget: int = SLICE, until: int = NEVER) -> Stop | None:
        """`run`, and stop with `Arrived` where a processor has the turn and its next instruction can be stepped."""
        self._awaited = self.cpus[number]
        try:
            return self._run(budget, until)
        finally:
            self._awaited = None

    def run_to(self, goal: Goal, budget: int = SLICE, until: int = NEVER) -> Stop | None:
        """`run`, and stop where ``goal`` says with `Arrived`.  Raises `Error` if that is behind."""
        goal.check_ahead(self.position)
        if goal.reached(self.position):
            return self._tell(Arrived())
        # Not into a block that ends at the goal: behind its last instruction another event could follow at once.
        left = goal.progress - self.position.progress - 1
        if left > 0:
            stop = self._run(min(budget, left), until)
        elif self.cpu.told_at != self.cpu.linear_pc and self.cpu.breakpoints.wants(self.cpu.linear_pc):
            stop = Breakpoint(self.cpu.linear_pc)
        else:
            stop = self._stopped() or self.step()
        if stop is None or isinstance(stop, Stepped):
            stop = Arrived() if goal.reached(self.position) else None
        if isinstance(stop, Arrived) and goal == self.goal:
            self.goal = None
        return None if stop is None else self._tell(stop)

    def _advance(self, start: int, due: int, slice_end: int) -> bool:
        """From ``start`` to the first instruction boundary at or after ``due`` bytes; whether the slice ends before.

        A slice ends before the block that crosses its end, unless it has no other: it need not be exact.
        """
        progress, end = self.cpu.progress, due if due < slice_end else slice_end
        refused = self.cpu.run(end)
        if not refused or progress.limit != end or progress.clock >= end:  # not refused: a hook lowered the limit
            return False
        if slice_end < due and progress.clock > start:
            return True
        self._creep(end)
        return False

    def _creep(self, end: int) -> None:
        """To the first instruction boundary at or after ``end``: the block that crosses it was refused."""
        progress = self.cpu.progress
        while progress.clock < end and not (self.cpu.halted or self._noticed()):
            events = self.cpu.events
            self.cpu.approach(end)
            due = min(self.clock.next, self.turns.current.look_at, self.turns.others_due(self.clock.now()))
            if self.cpu.events != events or due - self.clock.warp < end:
                break

    def step(self) -> Stop:
        """Run one instruction, or deliver one interrupt that is due; of a halt, skip some deadlines at most."""
        stop = self._stopped(ignore_interrupt=True)
        if stop is not None:
            return self._tell(stop)
        events = self.cpu.progress.events
        self.cpu.told_at = self.cpu.linear_pc
        self._serve(self._look(self.cpu.progress.clock + self.clock.warp))
        if self.turns.current.rests:
            for _ in range(WAKES):
                if not self._rest() or not self.cpu.halted:
                    break
            if self.cpu.halted and not self.turns.is_wakeable():
                return self._tell(Halted(self.cpu.linear_pc))
        elif self.cpu.progress.events == events:
            self.cpu.step()
        return self._tell(self._stopped(ignore_interrupt=True) or Stepped())

    def _tell(self, stop: Stop) -> Stop:
        self.cpu.told_at = self.cpu.linear_pc
        self.last = stop
        return stop

    def _noticed(self) -> bool:
        cpu = self.cpu
        return cpu.stopped_by_hook or bool(self._exit or self._interrupted)

    def _stopped(self, *, ignore_interrupt: bool = False) -> Stop | None:
        """The reason to stop that the hooks left, if any; taking it clears it, but a machine that ended stays so."""
        points, watches = self.cpu.breakpoints, self.cpu.watchpoints
        if self._exit:  # first: the rest of the block that wrote to the exit port ran too
            return self._exit
        if self.cpu.shutdown:
            return Shutdown(self.cpu.shutdown)
        if watches.hit and (watched := watches.take()):
            return self.cpu.catches.claim(watched)
        if self.cpu.catches.hit:
            caught, self.cpu.catches.hit = self.cpu.catches.hit, None
            return caught
        if points.hit is not None:
            address, points.hit = points.hit, None
            return Breakpoint(address)
        if self._interrupted and not ignore_interrupt:
            self._interrupted = False
            return Interrupted()
        return None

    def _look(self, now: int) -> int:
        """Call devices that are due at a time, and give the turn on; the time."""
        if self.clock.next <= now:
            self.clock.run_due(now)
        if self.turns.several:
            self._give_to(self.turns.choose(now, self.cpu.progress.clock))
        return now

    def _serve(self, now: int) -> int:
        """Deliver an interrupt if one can be; the time to look again."""
        again = self.turns.current.serve(now)
        if not self.turns.several:
            return min(self.clock.next, again)
        return min(self.clock.next, again, self.turns.others_due(now), self.turns.end(now) + self.clock.warp)

    def _give_to(self, processor: Processor) -> None:
        """The turn."""
        if processor.cpu is not self.cpu:
            processor.cpu.progress.take_over(self.cpu.progress)
            self.cpu = processor.cpu

    @property
    def halted(self) -> bool:
        """Whether no processor runs, as all wait for an interrupt or to be started."""
        return all(processor.rests for processor in self.turns.processors)

    @property
    def idle(self) -> bool:
        """Halted with interrupts enabled and no deadline: only input from outside can wake a processor."""
        return self.halted and self.clock.next == NEVER and self.turns.is_wakeable() and self.turns.due() == NEVER

    def _rest(self, until: int = NEVER) -> bool:
        """All are halted: skip time to the next deadline, or ``until`` if that is sooner; False if they stay so."""
        if not self.turns.is_wakeable():
            return False
        if self.turns.woken() is None:
            now, deadline = self.clock.now(), min(self.clock.next, self.turns.start())
            if deadline == NEVER or deadline > until:
                self.clock.warp += max(until - now, 0) if until < NEVER else 0
                return False
            self.clock.warp += max(deadline - now, 0)
            self.clock.run_due(self.clock.now())
            self.turns.look(self.clock.now())
        woken = self.turns.woken()
        if woken is not None:
            self._give_to(self.turns.give(woken, self.cpu.progress.clock))
            woken.deliver(self.clock.now())
        return True

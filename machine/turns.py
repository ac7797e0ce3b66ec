"""Whose turn it is: processors run one after the other, each for a quantum of code.

A turn ends at the first instruction boundary at or after its last byte, with a halt, or behind a PAUSE, which says that
the processor waits for another; while nobody else has anything to run it does not end.  All is decided at exact
positions of the run, so the order is the same in every run, however the run is cut and whatever a debugger does;
another quantum gives another order.

There is one clock: the bytes that all of them have executed.  So the time-stamp counter never goes backwards from one
processor to the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from machine.clock import NEVER
from machine.cpu import Cpu
from machine.engine.choice import Engine
from machine.errors import EngineError, Error
from machine.limits import MOST_PROCESSORS
from machine.memory import Memory
from machine.processor import Processor
from machine.sharedcode import SharedCode

if TYPE_CHECKING:
    from machine.intercepts import Board


def make_processors(count: int, memory: Memory, board: Board, engine: Engine | None) -> list[Cpu]:
    """Processors that share memory, and what a debugger wants of them.  Raises `Error` and `EngineError`."""
    if not 1 <= count <= MOST_PROCESSORS:
        raise Error(f"{count} processors: there can be 1 to {MOST_PROCESSORS}")
    if count == 1:
        return [Cpu(memory, board, engine)]
    if engine is Engine.FAST:
        raise EngineError(f"{count} processors: the fast engine runs one alone; the portable one runs several")
    shared = SharedCode(memory, count)
    made = [Cpu(memory, board, engine or Engine.PORTABLE, number=n, shared_code=shared) for n in range(count)]
    for cpu in made[1:]:
        cpu.follow(made[0])
    return made


class Turns:
    """The processors of a machine in their ring, and the one that has the turn."""

    def __init__(self, processors: Sequence[Processor], quantum: int) -> None:
        if quantum < 1:
            raise Error(f"a quantum of {quantum} bytes: a turn has 1 at least")
        self.processors = processors
        self.several = len(processors) > 1
        self.quantum = quantum
        self.current = processors[0]
        self._end = quantum

    def _after_current(self) -> Iterator[Processor]:
        """All others, in the order in which they come next, and the current one last."""
        at = self.current.number + 1
        yield from self.processors[at:]
        yield from self.processors[:at]

    def choose(self, now: int, progress: int) -> Processor:
        """Of several, at a virtual time and so many bytes: whose turn it is now."""
        self.look(now)
        if progress < self._end and self.current.runs(now):
            return self.current
        chosen = next((processor for processor in self._after_current() if processor.runs(now)), self.current)
        return chosen if chosen is self.current else self.give(chosen, progress)

    def look(self, now: int) -> None:
        """Take the messages that it is time for."""
        for processor in self.processors if self.several else ():
            processor.look(now)

    def give(self, processor: Processor, progress: int) -> Processor:
        """The turn, at so many bytes; returns who has it."""
        if processor is not self.current:
            shared = self.current.cpu.shared_code
            assert shared is not None, "processors that take turns share their code"
            self.current.cpu.progress.compare_heads(shared)
            shared.end_turn(self.current.number)
            self.current, self._end = processor, progress + self.quantum
        return processor

    def end_early(self) -> None:
        """The turn is over at the next instruction boundary."""
        self._end = 0

    def end(self, now: int) -> int:
        """The bytes at which the turn ends; NEVER while nobody else has anything to run."""
        others = (processor for processor in self.processors if processor is not self.current)
        return self._end if any(processor.runs(now) for processor in others) else NEVER

    def others_due(self, now: int = 0) -> int:
        """When an interrupt or message for another than the current one is looked at, behind ``now``; NEVER if none."""
        if not self.several:
            return NEVER
        others = [processor.due() for processor in self.processors if processor is not self.current]
        return min((time for time in others if time > now), default=NEVER)

    def due(self) -> int:
        """When an interrupt or message for any of them is looked at."""
        return min(self.current.look_at, self.others_due()) if self.several else self.current.look_at

    def hold(self, numbers: Collection[int]) -> None:
        """Between two runs: let these rest, and no others.  The order of turns is another one then."""
        for processor in self.processors:
            processor.held = processor.number in numbers

    # While all are halted

    def woken(self) -> Processor | None:
        """The next that has something to run, or wakes by what waits for it."""
        return next((found for found in self._after_current() if not found.rests or found.wakes()), None)

    def start(self) -> int:
        """When a message that starts or resets a processor is looked at; NEVER if there is none."""
        return min(processor.due() if processor.starts() else NEVER for processor in self.processors)

    def is_wakeable(self) -> bool:
        """Whether anything but the outside can end the halt of any of them."""
        return any(processor.is_wakeable() for processor in self.processors)

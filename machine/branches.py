"""The branch trace of a processor: blocks of code in the order in which they ran.

A block begins where a jump, an interrupt or an exception led to, or where recording began, and ends with the last
instruction before the next of these; a jump to the very next instruction ends none. So an instruction that raised an
exception ends its block, one before which an interrupt came is not in it, and a REP string instruction counts once.
Addresses are linear.

Who reads a trace disassembles memory as it is then. Code of another address space is told only where this one has the
same code; the trace cannot know that code was overwritten.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from capstone import CS_ARCH_X86, CS_MODE_16, CS_MODE_32, CS_MODE_64, Cs

from machine.engine.decode import code_mode
from machine.engine.trace import Run, Trace
from machine.errors import MemoryFault
from machine.linear import LinearMemory

MODES = (CS_MODE_64, CS_MODE_32, CS_MODE_16)


class Block(NamedTuple):
    """Code that ran without a branch: the addresses of its first and of its last instruction."""

    begin: int
    end: int


class Mark(NamedTuple):
    """A place in the trace: how many runs were recorded, and the address of the next instruction."""

    number: int
    address: int


class _Last(NamedTuple):
    """The last instruction of a run: its address, and whether it is a REP string instruction."""

    address: int
    repeats: bool


class Branches:
    """Records the branches of a machine's processor, while wanted; nothing is slower while not."""

    def __init__(self, machine: LinearMemory) -> None:
        self._machine = machine
        self._cpu = machine.cpu

    @property
    def _trace(self) -> Trace | None:
        return self._cpu.progress.trace

    @property
    def recording(self) -> bool:
        """Whether branches are recorded."""
        return self._trace is not None

    def start(self, capacity: int) -> None:
        """Record from now on, with room for so many blocks; what was recorded before is forgotten."""
        self._cpu.progress.record(Trace(self._cpu.uc, capacity))
        self._cpu.uc.ctl_flush_tb()

    def stop(self) -> None:
        """Record no more, and forget."""
        self._cpu.progress.record(None)

    def mark(self) -> Mark:
        """Where the trace is now."""
        return Mark(self._trace.written if self._trace is not None else 0, self._cpu.linear_pc)

    def all(self, root: int | None = None) -> list[Block]:
        """What is recorded, the oldest first, up to the instruction that comes next, which ends the last block.

        ``root`` are the page tables through which it will be disassembled; those that are loaded without.
        """
        trace = self._trace
        return self._told([], root, 1) if trace is None else self._told(trace.runs(), root, trace.capacity)

    def since(self, mark: Mark, root: int | None = None) -> list[Block] | None:
        """The same from a mark on, with the instruction there; None if some of it is lost."""
        trace = self._trace
        runs = trace.since(mark.number) if trace is not None else None
        if trace is None or runs is None:
            return None
        blocks = self._told([Run(mark.address, mark.address, 0, 1), *runs], root, trace.capacity + 2)
        return blocks if len(blocks) < trace.capacity + 2 else None

    def _told(self, runs: Iterable[Run], root: int | None, most: int) -> list[Block]:
        here = self._cpu.linear_pc
        blocks = _Blocks(most)
        reader = _Reader(self._machine, root)
        for run in runs:
            last = reader.last(run)
            if last is not None:
                blocks.add(run, last)
        blocks.add(Run(here, here, 0, 1), _Last(here, False))
        return list(blocks.done())


class _Blocks:
    """Puts runs together; keeps the newest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._done: deque[Block] = deque(maxlen=most)
        self._begin: int | None = None
        self._end = 0  # behind the last instruction
        self._last = _Last(0, False)

    def add(self, run: Run, last: _Last) -> None:
        whole = last.repeats and last.address == run.begin  # one REP string instruction
        goes_on = run.begin == self._end or (whole and run.begin == self._last.address)
        if self._begin is None or not goes_on:
            self._close()
            self._begin = run.begin
        self._end, self._last = run.end, last
        for _ in range(0 if whole else min(run.times - 1, self._most)):
            self._close()
            self._begin = run.begin

    def _close(self) -> None:
        if self._begin is not None:
            self._done.append(Block(self._begin, self._last.address))

    def done(self) -> Iterator[Block]:
        self._close()
        return iter(self._done)


class _Reader:
    """Finds the last instructions of runs, in memory."""

    def __init__(self, machine: LinearMemory, root: int | None) -> None:
        self._machine = machine
        self._root = root
        machine.cpu.state.load()
        mode = code_mode(machine.cpu.state.front.hflags)
        self._modes = (mode, *(other for other in MODES if other != mode))
        self._known: dict[tuple[int, int, int], _Last | None] = {}

    def last(self, run: Run) -> _Last | None:
        """None where the code is not there any more."""
        if run.begin == run.end:
            return _Last(run.begin, False)
        key = run[:3]
        if key not in self._known:
            self._known[key] = self._find(run)
        return self._known[key]

    def _find(self, run: Run) -> _Last | None:
        length = run.end - run.begin
        try:
            code = self._machine.read_linear(run.begin, length, self._root)
            if code != self._machine.read_linear(run.begin, length, run.root):
                return None
        except MemoryFault:
            return None
        return next(filter(None, (_last_instruction(run, code, mode) for mode in self._modes)), None)


def _last_instruction(run: Run, code: bytes, mode: int) -> _Last | None:
    """In a mode in which the code ends with an instruction; the trace does not keep the mode."""
    decoded = deque(Cs(CS_ARCH_X86, mode).disasm_lite(code, run.begin), maxlen=1)
    for address, size, name, _ in decoded:
        return _Last(address, name.startswith("rep")) if address + size == run.end else None
    return None

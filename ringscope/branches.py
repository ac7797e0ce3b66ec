"""The machine's branch trace as the stub's threads see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gdbstub.values import BranchBlock
from machine.branches import Block, Branches, Mark
from machine.machine import Machine
from ringscope.views import View

BRANCH_LENGTH = 24
"""Bytes in which hardware keeps a branch (SDM 3B 18.4.9.1, a BTS record in 64-bit mode)."""


class MachineBranches:
    """A target's part that records branches; ``view`` tells what threads are.

    There is one trace, the processor's; of a thread that does not run nothing is told.
    """

    def __init__(self, machine: Machine, view: Callable[[], View]) -> None:
        self._branches = Branches(machine)
        self._view = view
        self._rooms: dict[int, int] = {}
        self._read: dict[int, Mark] = {}
        """Where the traces of threads were last read."""

    def record_branches(self, thread: int, length: int) -> None:
        """Record from now on; the trace is as large as the first thread wants it."""
        if not self._rooms:
            self._branches.start(max(length // BRANCH_LENGTH, 1))
        self._rooms[thread] = length
        self._read[thread] = self._branches.mark()

    def forget_branches(self, thread: int) -> None:
        """Record no more once no thread is left."""
        self._rooms.pop(thread, None)
        if not self._rooms:
            self._branches.stop()

    def forget_all_branches(self) -> None:
        """Record nothing."""
        for thread in list(self._rooms):
            self.forget_branches(thread)

    def branch_room(self, thread: int) -> int | None:
        """As it was asked for."""
        return self._rooms.get(thread)

    def branches(self, thread: int) -> Sequence[BranchBlock]:
        """All that is kept."""
        self._read[thread] = self._branches.mark()
        return _blocks(self._branches.all())

    def new_branches(self, thread: int) -> Sequence[BranchBlock] | None:
        """Since it was last read, or recording began."""
        new = self._branches.since(self._read[thread])
        if new is None:
            return None
        self._read[thread] = self._branches.mark()
        return _blocks(new)


def _blocks(blocks: Sequence[Block]) -> list[BranchBlock]:
    return [BranchBlock(*block) for block in blocks]

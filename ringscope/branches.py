"""The machine's branch trace as the stub's threads see it."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence

from gdbstub.errors import TargetError
from gdbstub.values import BranchBlock
from machine.branches import Block, Branches, Mark
from machine.machine import Machine
from ringscope.views import View

BRANCH_LENGTH = 24
"""Bytes in which hardware keeps a branch (SDM 3B 18.4.9.1, a BTS record in 64-bit mode)."""


class MachineBranches:
    """A target's part that records branches; ``view`` tells what threads are.

    There is one trace, the processor's, told for the thread that stands on it; of others nothing is told.
    """

    def __init__(self, machine: Machine, view: Callable[[], View]) -> None:
        self._branches = Branches(machine)
        self._cpus = machine.cpus
        self._view = view
        self._rooms: dict[int, int] = {}
        self._read: dict[int, Mark] = {}
        """Where the traces of threads were last read; of those that did not run then there is nothing to go on from."""

    def record_branches(self, thread: int, length: int) -> None:
        """Record from now on; the trace is as large as the first thread wants it."""
        if count := len(self._cpus) - 1:
            raise TargetError(errno.ENOTSUP, f"--cpus {count + 1}: branches are recorded on one processor alone")
        if not self._rooms:
            self._branches.start(max(length // BRANCH_LENGTH, 1))
        self._rooms[thread] = length
        self._mark(thread)

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
        return _blocks(self._branches.all()) if self._mark(thread) else []

    def new_branches(self, thread: int) -> Sequence[BranchBlock] | None:
        """Since it was last read, or recording began."""
        since = self._read.get(thread)
        new = self._branches.since(since) if since is not None and self._runs(thread) else None
        if new is None:
            return None
        self._mark(thread)
        return _blocks(new)

    def _mark(self, thread: int) -> bool:
        """Note where the trace is now; False for a thread that does not run."""
        self._read.pop(thread, None)
        if self._runs(thread):
            self._read[thread] = self._branches.mark()
        return thread in self._read

    def _runs(self, thread: int) -> bool:
        return thread == self._view().running()


def _blocks(blocks: Sequence[Block]) -> list[BranchBlock]:
    return [BranchBlock(*block) for block in blocks]

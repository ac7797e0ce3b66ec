"""Watchpoints: engine hooks on physical memory, and an exact stop behind the instruction that touched it.

The engine calls the hook before the access and, the portable one, can leave only after it, with RIP still at the
instruction.  So a store is undone there, and the instruction run once more by itself, to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from unicorn import UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE, UC_MEM_WRITE

from machine.breakpoints import When
from machine.engine.progress import Progress, Touched
from machine.errors import MemoryFault
from machine.memory import Memory
from machine.stop import Access, Watchpoint
from machine.walk import Paging, Walks

_KINDS = {
    Access.WRITE: UC_HOOK_MEM_WRITE,
    Access.READ: UC_HOOK_MEM_READ,
    Access.ANY: UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE,
}


class Watch(NamedTuple):
    """A watched range of ``length`` bytes at linear ``address``, or at a ``physical`` one."""

    access: Access
    address: int
    length: int
    physical: bool = False


class _Planted(NamedTuple):
    runs: tuple[tuple[int, int], ...]  # physical (address, length)
    hooks: tuple[int, ...]


class _Caught(NamedTuple):
    """A store about to be done when the engine was told to leave."""

    address: int  # physical
    before: bytes


class Watchpoints:
    """What one processor watches.

    ``caught`` says that the engine left in the middle of an instruction, which `undo` puts back to its start;
    ``hit`` is set once the instruction is through, and taken by the run loop.  While ``whole`` is set, instructions
    run one by one, and a hit need not leave the engine.
    """

    def __init__(self, progress: Progress, memory: Memory, *, walks: Walks, can_leave: Callable[[], bool]) -> None:
        self._progress = progress
        self._memory = memory
        self._walks = walks
        self._can_leave = can_leave
        self._wanted: dict[Watch, list[When | None]] = {}
        self._hits: list[tuple[Watch, Watchpoint]] = []
        self._planted: dict[Watch, _Planted] = {}
        self._stores: list[_Caught] = []
        self.whole = False
        self.caught = False

    def watches(self) -> list[Watch]:
        """Every watched range, by address."""
        return sorted(self._wanted, key=lambda watch: watch.address)

    def insert(self, watch: Watch, when: When | None = None) -> None:
        """Stop after an instruction that accesses a range of linear memory, if ``when`` says so behind it."""
        self._wanted.setdefault(watch, []).append(when)

    def remove(self, watch: Watch, when: When | None = None) -> None:
        """Take one insert back, with the same ``when``.  Raises KeyError if there is none."""
        if when not in self._wanted[watch]:
            raise KeyError(watch)
        self._wanted[watch].remove(when)
        if not self._wanted[watch]:
            del self._wanted[watch]

    @property
    def hit(self) -> Watchpoint | None:
        """The first range that was touched and not taken yet."""
        return self._hits[0][1] if self._hits else None

    def forget(self) -> None:
        """Throw away what was touched and not taken."""
        self._hits.clear()

    def take(self) -> Watchpoint | None:
        """Between two instructions: the first hit that is wanted, all being asked; there is none left then."""
        hits, self._hits = self._hits, []
        wanted = [hit for watch, hit in hits if self._wants(watch)]
        return wanted[0] if wanted else None

    def _wants(self, watch: Watch) -> bool:
        return True in [when is None or when() for when in self._wanted.get(watch, ())]

    @property
    def concerned(self) -> bool:
        """Whether there is anything to plant or to take out."""
        return bool(self._wanted or self._planted)

    def plant(self, paging: Paging) -> bool:
        """Before the processor runs: make hooks agree with what is wanted; True if any came or went."""
        changed = False
        for watch in [*self._planted]:
            if watch not in self._wanted or self._runs(paging, watch) != self._planted[watch].runs:
                for hook in self._planted.pop(watch).hooks:
                    self._progress.unwatch(hook)
                changed = True
        for watch in self._wanted.keys() - self._planted.keys():
            if runs := self._runs(paging, watch):
                self._planted[watch] = _Planted(runs, tuple(self._hooks(watch, runs)))
                changed = True
        return changed

    def _runs(self, paging: Paging, watch: Watch) -> tuple[tuple[int, int], ...]:
        if watch.physical:
            return ((watch.address, watch.length),)
        # A range that is not mapped yet is looked at again whenever the processor starts.
        try:
            return tuple(self._walks.pages(paging, watch.address, watch.length))
        except MemoryFault:
            return ()

    def _hooks(self, watch: Watch, runs: tuple[tuple[int, int], ...]) -> Iterator[int]:
        linear = watch.address
        for physical, length in runs:
            touched = self._on_access(watch, physical, linear)
            yield self._progress.watch(_KINDS[watch.access], physical, physical + length - 1, touched)
            linear += length

    def _on_access(self, watch: Watch, physical: int, linear: int) -> Touched:
        def touched(access: int, address: int, size: int) -> bool:
            if not self.whole and self._can_leave():
                self._leave(access, address, size)
                return True
            if all(other != watch for other, _ in self._hits):
                kind = Access.WRITE if access == UC_MEM_WRITE else Access.READ
                at = linear + max(address, physical) - physical
                told = watch.access if watch.access is Access.ANY and not watch.physical else kind
                self._hits.append((watch, Watchpoint(told, at, watch.address, watch.physical)))
            return False

        return touched

    def _leave(self, access: int, address: int, size: int) -> None:
        self.caught = True
        if access == UC_MEM_WRITE and address + size <= self._memory.size:
            self._stores.append(_Caught(address, bytes(self._memory.ram[address : address + size])))

    def undo(self) -> None:
        """Outside the engine: take back the store that was caught; RIP is at its instruction."""
        self.caught = False
        for store in reversed(self._stores):
            self._memory.ram[store.address : store.address + len(store.before)] = store.before
        self._stores.clear()

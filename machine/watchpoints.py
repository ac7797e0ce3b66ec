"""Watchpoints: engine hooks on physical memory, and an exact stop behind the instruction that touched it.

The engine calls the hook before the access and, the portable one, can leave only after it, with RIP still at the
instruction.  So a store is undone there, and the instruction run once more by itself, to its end.  Most instructions
the fast one runs so without being left (native/watch.c).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from unicorn import UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE, UC_MEM_WRITE

from machine.breakpoints import When
from machine.engine.progress import Progress, Touched
from machine.memory import PAGE, Memory
from machine.stop import Access, Watchpoint
from machine.walk import Entries, Paging, Walks

_KINDS = {
    Access.WRITE: UC_HOOK_MEM_WRITE,
    Access.READ: UC_HOOK_MEM_READ,
    Access.ANY: UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE,
}


_ENTRY = 8  # bytes of page tables that are watched at once
_LAST = (1 << 64) - 1


class Watch(NamedTuple):
    """A watched range of ``length`` bytes at linear ``address``, or at a ``physical`` one."""

    access: Access
    address: int
    length: int
    physical: bool = False


class _Run(NamedTuple):
    """Watched bytes on one page."""

    linear: int
    physical: int
    length: int


class _Planted(NamedTuple):
    """A watch with its hooks, and what it was found by."""

    runs: tuple[_Run, ...]
    hooks: tuple[int, ...]
    paging: Paging
    entries: Entries

    def still(self, paging: Paging, walks: Walks) -> bool:
        """Whether it would be found by the same again."""
        return self.paging == paging and walks.are(self.entries)


class _Caught(NamedTuple):
    """A store about to be done when the engine was told to leave."""

    address: int  # physical
    before: bytes


class Watchpoints:
    """What one processor watches.

    Where the engine was left in the middle of an instruction, `undo` puts it back to its start;
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
        self._entries: dict[int, int] = {}  # hooks on the page tables, by the entry's number
        self._stores: list[_Caught] = []
        self._paging: Paging | None = None
        self.whole = False

    def follow(self, first: Watchpoints) -> None:
        """Watch what another processor does: what is inserted for one is so for both."""
        self._wanted = first._wanted

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

    @property
    def follows(self) -> bool:
        """Whether what is watched moves with the page tables."""
        return any(not watch.physical for watch in self._wanted)

    def plant(self, paging: Paging) -> bool:
        """Before the processor runs: make hooks agree with what is wanted; True if any came or went."""
        self._paging = paging
        if self._planted.keys() == self._wanted.keys() and all(self._is_still(watch, paging) for watch in self._wanted):
            return False
        gone = self._planted.keys() - self._wanted.keys()
        for watch in gone:
            self._take_out(watch)
        moved = [self._put(watch, paging) for watch in self._wanted]
        return self._watch_entries() or bool(gone) or True in moved

    def _put(self, watch: Watch, paging: Paging) -> bool:
        """Have a watch's hooks where its bytes are now; True if they were elsewhere."""
        planted = self._planted.get(watch)
        if planted is not None and self._is_still(watch, paging):
            return False
        runs, entries = self._find(watch, paging)
        if planted is not None and planted.runs == runs:
            self._planted[watch] = planted._replace(paging=paging, entries=entries)
            return False
        if planted is not None:
            self._take_out(watch)
        self._planted[watch] = _Planted(runs, tuple(self._hooks(watch, runs)), paging, entries)
        return True

    def _is_still(self, watch: Watch, paging: Paging) -> bool:
        """Whether a planted watch's bytes are where they were found."""
        return watch.physical or self._planted[watch].still(paging, self._walks)

    def _take_out(self, watch: Watch) -> None:
        for hook in self._planted.pop(watch).hooks:
            self._progress.unwatch(hook)

    def _find(self, watch: Watch, paging: Paging) -> tuple[tuple[_Run, ...], Entries]:
        """The watched bytes that are mapped, and the entries of the page tables that decide it."""
        if watch.physical:
            return (_Run(watch.address, watch.address, watch.length),), ()
        runs: list[_Run] = []
        entries: dict[int, int] = {}
        address, end = watch.address, watch.address + watch.length
        while address < end:
            offset = address % PAGE
            count = min(end - address, PAGE - offset)
            place = self._walks.place(paging, (address - offset) & _LAST)
            if place.physical is not None:
                runs.append(_Run(address, place.physical + offset, count))
            entries.update(place.entries)
            address += count
        return tuple(runs), tuple(entries.items())

    def _hooks(self, watch: Watch, runs: Iterable[_Run]) -> Iterator[int]:
        for run in runs:
            last = run.physical + run.length - 1
            yield self._progress.watch(_KINDS[watch.access], run.physical, last, self._on_access(watch, run))

    def _watch_entries(self) -> bool:
        """Hook stores to the entries that decide where watched bytes are; True if hooks came or went."""
        wanted = {number for planted in self._planted.values() for number, _ in planted.entries}
        gone, come = self._entries.keys() - wanted, wanted - self._entries.keys()
        for number in gone:
            self._progress.unwatch(self._entries.pop(number))
        for number in come:
            at = number * _ENTRY
            self._entries[number] = self._progress.watch(UC_HOOK_MEM_WRITE, at, at + _ENTRY - 1, self._on_entry)
        return bool(gone or come)

    def _on_entry(self, access: int, address: int, size: int) -> bool:
        """A store to the page tables: what is watched is looked up again behind it."""
        return self._leaves(access, address, size)

    def _on_access(self, watch: Watch, run: _Run) -> Touched:
        def touched(access: int, address: int, size: int) -> bool:
            if self._leaves(access, address, size, run.linear + address - run.physical):
                return True
            if all(other != watch for other, _ in self._hits):
                kind = Access.WRITE if access == UC_MEM_WRITE else Access.READ
                at = run.linear + max(address, run.physical) - run.physical
                told = watch.access if watch.access is Access.ANY and not watch.physical else kind
                self._hits.append((watch, Watchpoint(told, at, watch.address, watch.physical)))
            return False

        return touched

    def _leaves(self, access: int, address: int, size: int, linear: int | None = None) -> bool:
        """From a hook: leave the engine at this access, if that can be; else it is left at the block's end."""
        if self.whole or self._progress.alone or not self._can_leave():
            return False
        if access == UC_MEM_WRITE and self._progress.leaves_behind_access:
            for at, count in self._pieces(address, size, linear):
                self._stores.append(_Caught(at, bytes(self._memory.ram[at : at + count])))
        return True

    def _pieces(self, address: int, size: int, linear: int | None) -> Iterator[tuple[int, int]]:
        """Physical memory that a store may change: that of the next linear page too, which the engine does not tell."""
        if address + size <= self._memory.size:
            yield address, size
        room = PAGE - address % PAGE
        if linear is not None and room < size and self._paging is not None:
            following = self._walks.place(self._paging, (linear + room) & _LAST).physical
            if following is not None and following < self._memory.size:
                yield following, size - room

    def undo(self) -> None:
        """Outside the engine: take back the store that was caught; RIP is at its instruction."""
        for store in reversed(self._stores):
            self._memory.ram[store.address : store.address + len(store.before)] = store.before
        self._stores.clear()

"""Watchpoints: engine hooks on physical memory, and an exact stop behind the instruction that touched it.

The engine calls the hook before the access and, the portable one, can leave only after it, with RIP still at the
instruction.  So a store is undone there, and the instruction run once more by itself, to its end.  Most instructions
the fast one runs so without being left (native/watch.c).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from unicorn import UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE, UC_MEM_WRITE

from machine.breakpoints import When
from machine.engine.progress import Progress, Touched
from machine.memory import PAGE, Memory
from machine.stop import Access, Watchpoint
from machine.walk import CR0_PG, CR4_PAGING, Entries, Paging, Place, Walks

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


class _Places(NamedTuple):
    """Where all watched bytes are under some page tables, as far as they are mapped, and the entries that say so."""

    runs: tuple[tuple[Watch, _Run], ...]
    entries: Entries
    numbers: frozenset[int]
    """The entries' numbers."""


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
        self._watches: tuple[Watch, ...] = ()  # what hooks were planted for
        self._mode = (0, 0, 0)
        self._known: dict[int, _Places] = {}  # by CR3
        self._stale = False
        self._hooks: dict[tuple[Watch, _Run], int] = {}
        self._entries: dict[int, int] = {}  # hooks on the page tables, by the entry's number
        self._changes = memory.changes
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
        return bool(self._wanted or self._hooks)

    @property
    def follows(self) -> bool:
        """Whether what is watched moves with the page tables."""
        return any(not watch.physical for watch in self._wanted)

    def plant(self, paging: Paging) -> bool:
        """Before the processor runs: make hooks agree with what is wanted; True if any came or went."""
        self._forget(paging)
        root = paging.cr3 if self.follows else 0
        places = self._known.get(root)
        if places is None or not self._walks.are(places.entries):
            if places is None and len(self._known) >= self._progress.most_tables:
                self._known.clear()
            self._known[root] = self._find(paging)
            self._stale = True
        changed = self._stale and self._settle()
        self._stale = False
        self._progress.use_tables(list(self._known).index(root))
        return changed

    def _forget(self, paging: Paging) -> None:
        """Forget the page tables of which something else may be true now, without a store that was seen."""
        watches, mode = tuple(self._wanted), self._mode
        if paging != self._paging:
            self._paging, mode = paging, (paging.cr0 & CR0_PG, paging.cr4 & CR4_PAGING, paging.efer)
        if watches != self._watches or mode != self._mode:
            self._watches, self._mode, self._stale = watches, mode, True
            self._known.clear()
        if self._changes != self._memory.changes:
            self._changes, self._stale = self._memory.changes, True
            self._known = {root: places for root, places in self._known.items() if self._walks.are(places.entries)}

    def _find(self, paging: Paging) -> _Places:
        """Under the page tables that are loaded."""
        runs: list[tuple[Watch, _Run]] = []
        entries: dict[int, int] = {}
        for watch in self._wanted:
            if watch.physical:
                runs.append((watch, _Run(watch.address, watch.address, watch.length)))
                continue
            for place, run in self._find_linear(watch, paging):
                runs += [(watch, run)] if run else []
                entries.update(place.entries)
        return _Places(tuple(runs), tuple(entries.items()), frozenset(entries))

    def _find_linear(self, watch: Watch, paging: Paging) -> Iterator[tuple[Place, _Run | None]]:
        """Each page of a watch, with the bytes that are watched there if it is mapped."""
        address, end = watch.address, watch.address + watch.length
        while address < end:
            offset = address % PAGE
            count = min(end - address, PAGE - offset)
            place = self._walks.place(paging, (address - offset) & _LAST)
            yield place, None if place.physical is None else _Run(address, place.physical + offset, count)
            address += count

    def _settle(self) -> bool:
        """Have the hooks that are needed under the known page tables; True if any came or went."""
        known = self._known.values()
        runs = dict.fromkeys(run for places in known for run in places.runs)  # in order: the first hit is told
        entries = dict.fromkeys(number for places in known for number, _ in places.entries)
        gone = [self._hooks.pop(run) for run in self._hooks.keys() - runs]
        gone += [self._entries.pop(number) for number in self._entries.keys() - entries]
        for hook in gone:
            self._progress.unwatch(hook)
        come = [run for run in runs if run not in self._hooks]
        come_entries = [number for number in entries if number not in self._entries]
        self._hooks.update({(watch, run): self._hook(watch, run) for watch, run in come})
        self._entries.update({number: self._hook_entry(number * _ENTRY) for number in come_entries})
        self._tell()
        return bool(gone or come or come_entries)

    def _tell(self) -> None:
        self._progress.tell_tables({root: self._linear_hooks(places) for root, places in self._known.items()})

    def _hook(self, watch: Watch, run: _Run) -> int:
        last = run.physical + run.length - 1
        return self._progress.watch(_KINDS[watch.access], run.physical, last, self._on_access(watch, run))

    def _hook_entry(self, at: int) -> int:
        return self._progress.watch(UC_HOOK_MEM_WRITE, at, at + _ENTRY - 1, self._on_entry)

    def _linear_hooks(self, places: _Places) -> list[int]:
        return [self._hooks[watch, run] for watch, run in places.runs if not watch.physical]

    def _on_entry(self, access: int, address: int, size: int) -> bool:
        """A store to page tables: what is watched is looked up again where they serve, here behind the instruction."""
        stored = {address // _ENTRY, (address + size - 1) // _ENTRY}
        roots = list(self._known)
        loaded = roots[self._progress.used_tables()]
        kept = [root for root in roots if root == loaded or stored.isdisjoint(self._known[root].numbers)]
        if len(kept) < len(roots):
            self._known = {root: self._known[root] for root in kept}
            self._tell()
            self._progress.use_tables(kept.index(loaded))
        return not stored.isdisjoint(self._known[loaded].numbers) and self._leaves(access, address, size)

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

"""Breakpoints and watchpoints: engine hooks at addresses; guest memory is never patched.

The engine compiles hooks into the code it translates, so planting one throws translations away.  A debugger takes
its breakpoints out at every stop and puts them back: hooks are therefore planted when the machine runs again, and
stay in place, unarmed, when a breakpoint goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from unicorn import UC_HOOK_CODE, UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE, UC_MEM_WRITE, Uc

from machine.engine.progress import Progress
from machine.errors import MemoryFault
from machine.memory import Memory
from machine.stop import Access, Watchpoint
from machine.walk import Paging, pages

IDLE_HOOKS = 64
"""Unarmed hooks kept in place before they are all taken out."""

WIDEST_ACCESS = 8
"""Bytes of the engine's widest single memory access."""

Key = TypeVar("Key")

_KINDS = {
    Access.WRITE: UC_HOOK_MEM_WRITE,
    Access.READ: UC_HOOK_MEM_READ,
    Access.ANY: UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE,
}


class Watch(NamedTuple):
    """A watched range of ``length`` bytes at linear ``address``."""

    access: Access
    address: int
    length: int


class _Planted(NamedTuple):
    runs: tuple[tuple[int, int], ...]  # physical (address, length)
    hooks: tuple[int, ...]


class Breakpoints:
    """What one processor stops at.  `hit` and `watch_hit` are set by the hooks and taken by the run loop."""

    def __init__(self, uc: Uc, memory: Memory, progress: Progress) -> None:
        self._uc = uc
        self._memory = memory
        self._progress = progress
        self._armed: Counter[int] = Counter()
        self._planted: dict[int, int] = {}
        self._watches: Counter[Watch] = Counter()
        self._watching: dict[Watch, _Planted] = {}
        self._unlook: Callable[[], None] | None = None
        self._passed: tuple[int, int] | None = None
        self.hit: int | None = None
        self.watch_hit: Watchpoint | None = None

    def __contains__(self, address: int) -> bool:
        return address in self._armed

    def addresses(self) -> list[int]:
        """Every armed breakpoint's linear address, in order."""
        return sorted(self._armed)

    def watches(self) -> list[Watch]:
        """Every watched range, by address."""
        return sorted(self._watches, key=lambda watch: watch.address)

    def insert(self, address: int) -> None:
        """Stop before the instruction at a linear address; several inserts want as many removes."""
        self._armed[address] += 1

    def remove(self, address: int) -> None:
        """Take one insert back.  Raises KeyError if there is none."""
        _take(self._armed, address)

    def insert_watch(self, watch: Watch) -> None:
        """Stop after an instruction that accesses a range of linear memory."""
        self._watches[watch] += 1

    def remove_watch(self, watch: Watch) -> None:
        """Take one insert back.  Raises KeyError if there is none."""
        _take(self._watches, watch)

    def pass_once(self, address: int | None) -> None:
        """Let the next instruction go, if it lies at linear ``address``: a stop was already told for it."""
        self._passed = None if address is None else (address, self._progress.cells.clock)

    def stops_at(self, address: int) -> bool:
        """From a hook before the instruction at linear ``address``: whether a breakpoint stops there now."""
        return address in self._armed and self._passed != (address, self._progress.exact(address))

    def plant(self, paging: Paging) -> None:
        """Before the processor runs: make hooks agree with what is wanted."""
        missing = self._armed.keys() - self._planted.keys()
        crowded = len(self._planted) - len(self._armed) > IDLE_HOOKS
        if not missing and not crowded and not self._watches and not self._watching:
            return
        stale = self._plant_watches(paging)
        for address in missing:
            self._planted[address] = self._uc.hook_add(UC_HOOK_CODE, self._on_code, None, address, address)
        if crowded:
            for address in self._planted.keys() - self._armed.keys():
                self._uc.hook_del(self._planted.pop(address))
        if missing or crowded or stale:
            self._uc.ctl_flush_tb()

    def _on_code(self, uc: Uc, address: int, _size: int, _data: object) -> None:
        if self.stops_at(address):
            self.hit = address
            uc.emu_stop()

    def _plant_watches(self, paging: Paging) -> bool:
        stale = False
        for watch in [*self._watching]:
            if watch not in self._watches or self._runs(paging, watch) != self._watching[watch].runs:
                for hook in self._watching.pop(watch).hooks:
                    self._uc.hook_del(hook)
                stale = True
        for watch in self._watches.keys() - self._watching.keys():
            if runs := self._runs(paging, watch):
                self._watching[watch] = _Planted(runs, tuple(self._watch_hooks(watch, runs)))
                stale = True
        if bool(self._watching) != (self._unlook is not None):
            self._look_after_each_instruction(bool(self._watching))
        return stale

    def _runs(self, paging: Paging, watch: Watch) -> tuple[tuple[int, int], ...]:
        # A range that is not mapped yet is looked at again whenever the processor starts.
        try:
            return tuple(pages(self._memory, paging, watch.address, watch.length))
        except MemoryFault:
            return ()

    def _watch_hooks(self, watch: Watch, runs: tuple[tuple[int, int], ...]) -> list[int]:
        hooks, linear = [], watch.address
        for physical, length in runs:
            callback = self._on_access(watch, physical, length, linear)
            first = max(physical - WIDEST_ACCESS + 1, 0)  # the engine checks an access's first byte only
            hooks.append(self._uc.hook_add(_KINDS[watch.access], callback, None, first, physical + length - 1))
            linear += length
        return hooks

    def _on_access(self, watch: Watch, physical: int, length: int, linear: int) -> Callable[..., None]:
        def touched(_uc: Uc, access: int, address: int, size: int, _value: int, _data: object) -> None:
            if address + size <= physical or address >= physical + length or self.watch_hit:
                return
            kind = Access.WRITE if access == UC_MEM_WRITE else Access.READ
            at = linear + max(address, physical) - physical
            self.watch_hit = Watchpoint(watch.access if watch.access is Access.ANY else kind, at, watch.address)
            self._progress.cells.pending = 1

        return touched

    def _look_after_each_instruction(self, wanted: bool) -> None:
        # A stop inside a memory hook would run the instruction twice; the look stops before the next one.
        if self._unlook:
            self._unlook()
            self._unlook = None
        if wanted:
            self._unlook = self._progress.add_pending_check()


def _take(counts: Counter[Key], key: Key) -> None:
    if key not in counts:
        raise KeyError(key)
    counts[key] -= 1
    if not counts[key]:
        del counts[key]

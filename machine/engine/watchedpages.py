"""Memory hooks of the fast engine: only pages that hold a watched byte take accesses the slow way (native/watch.c)."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Mapping

from unicorn import UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE, Uc

from machine.engine.machinecode import READS, WRITES, Cells, OnAccess, Watch, Watched, pointer, u64
from machine.engine.progress import WIDEST_ACCESS
from machine.engine.rawhook import add_hook, remove_hook
from machine.memory import PAGE

_ANY_TABLES = (1 << 64) - 1

_LISTS_WITHIN = 0x558 // 8
"""Words at the engine's start that hold its lists of hooks."""


class WatchedPages:
    """The hooks of one engine.  ``entry`` is the machine code that they call; ``flush`` empties the TLB."""

    def __init__(self, uc: Uc, cells: Cells, entry: int, flush: Callable[[], None]) -> None:
        self._uc, self._cells = uc, cells
        self._entry, self._flush = pointer(entry), flush
        self._hooks: dict[int, tuple[Watch, tuple[int, int, int]]] = {}
        self._learned = 0  # kinds of hooks
        self._marked: set[tuple[int, int, int]] = set()
        self._removed: list[Watch] = []
        self._pages: ctypes.Array[Watched] | None = None

    def watch(self, kinds: int, first: int, last: int, touched: Callable[..., object]) -> int:
        """As `Progress.watch`; no translation is stale: the TLB brings accesses to the hook, from `tell_tables` on."""
        data = Watch(ctypes.addressof(self._cells), OnAccess(touched), first, last, _ANY_TABLES)
        before = self._words() if kinds & ~self._learned else None
        # An access that begins on the page before takes the slow path anyway.
        hook = add_hook(self._uc, kinds, self._entry, data, at=(max(first - WIDEST_ACCESS + 1, 0), last))
        if before:
            self._learn_lists(before)
            self._learned |= kinds
        marks = (READS if kinds & UC_HOOK_MEM_READ else 0) | (WRITES if kinds & UC_HOOK_MEM_WRITE else 0)
        self._hooks[hook] = data, (first // PAGE, last // PAGE, marks)
        return hook

    def unwatch(self, hook: int) -> None:
        """Take a hook of `watch` out."""
        remove_hook(self._uc, hook)
        self._removed.append(self._hooks.pop(hook)[0])

    def tell_tables(self, tables: Mapping[int, Iterable[int]]) -> None:
        """As `Progress.tell_tables`."""
        cells = self._cells
        cells.tables[: len(tables)], cells.tables_count = list(tables), len(tables)
        under: dict[int, int] = {}
        for index, hooks in enumerate(tables.values()):
            for hook in hooks:
                under[hook] = under.get(hook, 0) | 1 << index
        for hook, bits in under.items():
            self._hooks[hook][0].tables = bits
        self._mark()

    def left(self) -> None:
        """The engine was left, and has let go of the hooks that were taken out."""
        self._removed.clear()

    @property
    def hides_hooks(self) -> bool:
        """Whether the engine's lists of hooks on memory are known, so that it translates as if there were none."""
        return 0 not in self._cells.lists[:]

    def _mark(self) -> None:
        """Let the TLB be filled with marks on the pages that are watched, anew where there are others."""
        cells, pages = self._cells, {pages for _, pages in self._hooks.values()}
        if pages == self._marked:
            return
        self._pages = (Watched * len(pages))(*(Watched(*page) for page in pages))
        cells.watched, cells.watched_count = ctypes.addressof(self._pages), len(pages)
        if not pages <= self._marked:
            self._flush()
        self._marked = pages

    def _words(self) -> list[int]:
        return (u64 * _LISTS_WITHIN).from_address(self._cells.uc)[:]

    def _learn_lists(self, before: list[int]) -> None:
        """Where the engine keeps a list that was empty before a hook: its head and tail are the hook's item now."""
        words, lists = self._words(), self._cells.lists
        for index in range(_LISTS_WITHIN - 1):
            is_list = words[index] and words[index] == words[index + 1] and not (before[index] or before[index + 1])
            at = self._cells.uc + 8 * index
            if is_list and at not in lists[:] and 0 in lists[:]:
                lists[lists[:].index(0)] = at

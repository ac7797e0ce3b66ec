"""Pages that hold translated code: a store to one of them, by whatever address, must throw the translations away.

The engine forgets that for a page it has seen written through another linear address (it resets its marks by linear
address, not by physical).  A memory hook that covers a physical page keeps its marks from ever being cleared; such
hooks are put around every page that code is translated from, and are never called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from unicorn import UC_HOOK_MEM_WRITE_PROT, Uc

from machine.engine.rawhook import remove_hook
from machine.memory import PAGE

Hook = Callable[[int, int], int]
"""Puts a hook on stores to the physical memory from a first to a last address; returns its handle."""

MOST_HOOKS = 32
"""The engine walks the list of hooks at every slow store, so a guest with scattered code gets coarser ones."""

COARSER = 4
"""Factor by which the covered granules grow when there are too many."""


class CodePages:
    """The physical memory that one processor's translations come from, in granules of one page and up.

    ``hook`` is for those that want to know of stores there.
    """

    def __init__(self, uc: Uc, hook: Hook | None = None) -> None:
        self._uc = uc
        self._put = hook or self._put_idle
        self._granule = PAGE
        self._covered: set[int] = set()
        self._found: set[int] = set()
        self._hooks: list[int] = []

    @property
    def found(self) -> bool:
        """Whether pages wait to be covered."""
        return bool(self._found)

    def knows(self, physical: int) -> bool:
        """Whether the page at a physical address is covered."""
        return physical // self._granule in self._covered

    def add(self, physical: int) -> None:
        """From a hook: code was translated from a page that is not covered; `cover` follows before it runs."""
        self._found.add(physical)

    def cover(self) -> None:
        """Outside the engine: cover the pages found; the TLB must be flushed after it."""
        new = {physical // self._granule for physical in self._found}
        self._found.clear()
        self._covered |= new
        if len(self._hooks) < MOST_HOOKS:
            self._hook(_runs(new))
        else:
            self._merge()

    def _merge(self) -> None:
        for hook in self._hooks:
            remove_hook(self._uc, hook)
        self._hooks.clear()
        runs = list(_runs(self._covered))
        while len(runs) > MOST_HOOKS // 2:
            self._granule *= COARSER
            self._covered = {granule // COARSER for granule in self._covered}
            runs = list(_runs(self._covered))
        self._hook(runs)

    def _hook(self, runs: Iterable[tuple[int, int]]) -> None:
        for first, last in runs:
            end = (last + 1) * self._granule - 1
            self._hooks.append(self._put(first * self._granule, end))

    def _put_idle(self, first: int, last: int) -> int:
        return int(self._uc.hook_add(UC_HOOK_MEM_WRITE_PROT, _never, None, first, last))


def _runs(granules: set[int]) -> Iterator[tuple[int, int]]:
    """Neighbours as (first, last), in order."""
    ordered = sorted(granules)
    first = ordered[0] if ordered else 0
    for here, following in zip(ordered, [*ordered[1:], None], strict=True):
        if following != here + 1:
            yield first, here
            first = following if following is not None else 0


def _never(*_: object) -> bool:
    return False  # RAM is writable for the engine: this hook exists to be installed, not to be called

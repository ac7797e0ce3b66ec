"""Pages that hold translated code: a store to one of them, by whatever address, must throw the translations away.

The engine forgets that for a page it has seen written through another linear address (it resets its marks by linear
address, not by physical).  A memory hook that covers a physical page keeps its marks from ever being cleared; such
hooks are put on every page that code is translated from, and are never called.
"""

from __future__ import annotations

from collections.abc import Iterator

from unicorn import UC_HOOK_MEM_WRITE_PROT, Uc

from machine.memory import PAGE

MOST_HOOKS = 48
"""The engine walks the list of hooks at every slow store: with more, neighbours are merged, or all learned anew."""


class CodePages:
    """The physical pages that one processor's translations come from."""

    def __init__(self, uc: Uc) -> None:
        self._uc = uc
        self._known: set[int] = set()
        self._found: set[int] = set()
        self._hooks: list[int] = []

    @property
    def found(self) -> bool:
        """Whether pages wait to be covered."""
        return bool(self._found)

    def knows(self, physical: int) -> bool:
        """Whether the page at a physical address is covered."""
        return physical // PAGE in self._known

    def add(self, physical: int) -> None:
        """From a hook: code was translated from a page that is not covered; `cover` follows before it runs."""
        self._found.add(physical // PAGE)

    def cover(self) -> bool:
        """Outside the engine: cover the pages found; True if what was translated before must go."""
        new, self._found = self._found, set()
        self._known |= new
        if len(self._hooks) + len(new) <= MOST_HOOKS:
            self._hook(_runs(new))
            return False
        return self._merge(new)

    def _merge(self, new: set[int]) -> bool:
        for hook in self._hooks:
            self._uc.hook_del(hook)
        self._hooks.clear()
        runs = list(_runs(self._known))
        forgotten = len(runs) > MOST_HOOKS // 2
        if forgotten:  # most of them hold code no more; those that do are found again
            self._known = new
            runs = list(_runs(new))
        self._hook(iter(runs))
        return forgotten

    def _hook(self, runs: Iterator[tuple[int, int]]) -> None:
        for first, last in runs:
            end = (last + 1) * PAGE - 1
            self._hooks.append(self._uc.hook_add(UC_HOOK_MEM_WRITE_PROT, _never, None, first * PAGE, end))


def _runs(pages: set[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring pages as (first, last), in order."""
    first = last = None
    for page in sorted(pages):
        if last is not None and page == last + 1:
            last = page
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = page
    if first is not None and last is not None:
        yield first, last


def _never(*_: object) -> bool:
    return False  # RAM is writable for the engine: this hook exists to be installed, not to be called

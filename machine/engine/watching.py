"""What the fast engine does for those who watch memory: native/watch.c from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from machine.engine.machinecode import MOST_TABLES, Cells
from machine.engine.progress import Progress, Touched
from machine.engine.watchedpages import WatchedPages

Guarded = Callable[[Callable[..., object]], Callable[..., object]]


class Watching(Progress):
    """The clock of an engine that the machine code watches memory for."""

    leaves_behind_access = False
    most_tables = MOST_TABLES
    watched: WatchedPages
    _cells: Cells
    _guarded: Guarded

    def watch(self, kinds: int, first: int, last: int, touched: Touched) -> int:
        """As `Progress.watch`; no translation is stale.

        The engine is left before the access, or not at all: most instructions are run once more, by themselves, in the
        engine, and it is left behind them.  ``touched`` is called again then.
        """
        return self.watched.watch(kinds, first, last, self._guarded(touched))

    def unwatch(self, hook: int) -> None:
        """Take a hook of `watch` out."""
        self.watched.unwatch(hook)

    def tell_tables(self, tables: Mapping[int, Iterable[int]]) -> None:
        """As `Progress.tell_tables`: the engine is not left where these are loaded."""
        self.watched.tell_tables(tables)

    def use_tables(self, index: int) -> None:
        """As `Progress.use_tables`."""
        self._cells.table = 1 << index

    def used_tables(self) -> int:
        """As `Progress.used_tables`."""
        return self._cells.table.bit_length() - 1

    @property
    def caught(self) -> bool:
        """Whether the engine was left in the middle of an instruction, before an access of `watch`."""
        return bool(self._cells.caught)

    @property
    def alone(self) -> tuple[int, int] | None:
        """From a hook: the clock and CR2 before the instruction that runs once more for `watch`, if one does."""
        cells = self._cells
        return (cells.alone_clock, cells.alone_cr2) if cells.alone else None

    def follow(self, wanted: bool) -> None:
        """Whether to leave the engine behind an instruction that loads page tables not known; `moved` tells then."""
        self._cells.follows = wanted

    def moved(self) -> bool:
        """Whether the engine was left for that, once."""
        moved, self._cells.moved = bool(self._cells.moved), 0
        return moved

"""Tables of the guest's system: one registry for gdb's `info os` and the command `os`.

A table is a generator of rows, whose docstring is its description. A row shorter than the titles ends in a note, as in
`ringscope.render.table`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ringscope.session import CommandError, Session

Rows = Iterator[Sequence[str]]
Function = Callable[[Session], Rows]


class SystemTable(NamedTuple):
    """A row of the registry; ``titles`` are those of `ringscope.render.table`."""

    name: str
    title: str
    titles: str
    function: Function

    @property
    def description(self) -> str:
        """What it lists."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0].rstrip(".")

    @property
    def columns(self) -> list[str]:
        """The titles in words; a blank one is that of notes."""
        return [word.lstrip(">").replace("_", " ").strip() or "Note" for word in self.titles.split()]

    def whole_rows(self, session: Session) -> Rows:
        """The rows with all their cells; a note stands in the last."""
        width = len(self.columns)
        for row in self.function(session):
            yield row if len(row) == width else (*row[:-1], *("" for _ in range(width - len(row))), row[-1])


class TableRegistry:
    """Tables by name, in the order of their names."""

    def __init__(self) -> None:
        self._tables: dict[str, SystemTable] = {}

    def table(self, name: str, title: str, titles: str) -> Callable[[Function], Function]:
        """Enter a generator of rows under a name. Raises ValueError if it is taken."""

        def enter(function: Function) -> Function:
            if name in self._tables:
                raise ValueError(f"two tables are called {name!r}")
            self._tables[name] = SystemTable(name, title, titles, function)
            return function

        return enter

    def __iter__(self) -> Iterator[SystemTable]:
        return iter(sorted(self._tables.values()))

    def find(self, name: str) -> SystemTable:
        """The table of a name. Raises CommandError naming those there are."""
        if name not in self._tables:
            raise CommandError(f"no table {name!r}; there are: {', '.join(sorted(self._tables))}")
        return self._tables[name]


TABLES = TableRegistry()
"""The one registry; `ringscope.commandset` fills it."""

os_table = TABLES.table

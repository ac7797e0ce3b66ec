"""Aligned tables, and colour where gdb's own output has it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence

import gdb

_CODES = {"title": "1", "good": "32", "bad": "31", "mark": "33"}
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def coloured() -> bool:
    """gdb's `style enabled` is on and its output is a terminal that takes escapes."""
    return bool(gdb.parameter("style enabled")) and os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb"


def paint(text: str, style: str) -> str:
    """`text` in a style of `_CODES`, or as it is without colour."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text and coloured() else text


def table(header: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of an aligned table. `header` holds the titles: `>` aligns a column right, `_` is a space.

    A row shorter than the header ends in a note that runs over the remaining columns.
    """
    titles = header.split()
    right = [title.startswith(">") for title in titles]
    titles = [title.lstrip(">").replace("_", " ").strip() for title in titles]
    body = [list(row) for row in rows]
    widths = [len(title) for title in titles]
    for row in body:
        cells = row if len(row) == len(titles) else row[:-1]
        for column, cell in enumerate(cells):
            widths[column] = max(widths[column], _visible(cell))
    yield paint(_line(titles, widths, right), "title")
    for row in body:
        yield _line(row, widths, right)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    aligned = []
    for cell, width, is_right in zip(cells[:-1], widths, right, strict=False):
        blanks = " " * (width - _visible(cell))
        aligned.append(blanks + cell if is_right else cell + blanks)
    return "  ".join([*aligned, cells[-1]]).rstrip()


def _visible(cell: str) -> int:
    """Columns that a cell takes on the screen: its length without escapes."""
    return len(_ESCAPE.sub("", cell))


def hexadecimal(value: int, digits: int = 16) -> str:
    """`value` as 0x and at least `digits` digits."""
    return f"{value:#0{digits + 2}x}"

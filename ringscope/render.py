"""Aligned tables as lines of text. Marked lines are strings of a class of their own, which a front door may colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from machine.x86.bits import Layout


class Progress(str):
    """A line that says how far a command is: it is wanted at once."""

    __slots__ = ()


class Heading(str):
    """The titles of a table."""

    __slots__ = ()


class Good(str):
    """A line that says yes."""

    __slots__ = ()


class Bad(str):
    """A line that says no."""

    __slots__ = ()


def table(titles: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of an aligned table. A title that starts with ``>`` aligns its column right; ``_`` is a blank.

    A row shorter than the titles ends in a note that runs over the columns that are left.
    """
    words = titles.split()
    right = [word.startswith(">") for word in words]
    heads = [word.lstrip(">").replace("_", " ").strip() for word in words]
    body = [list(row) for row in rows]
    widths = [len(head) for head in heads]
    for row in body:
        for column, cell in enumerate(row if len(row) == len(heads) else row[:-1]):
            widths[column] = max(widths[column], len(cell))
    yield Heading(_line(heads, widths, right))
    for row in body:
        yield _line(row, widths, right)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    aligned = [
        cell.rjust(width) if is_right else cell.ljust(width)
        for cell, width, is_right in zip(cells, widths, right, strict=False)
    ]
    if not cells:
        return ""
    if len(cells) < len(widths):
        aligned[-1] = cells[-1]
    return "  ".join(aligned).rstrip()


def hexadecimal(value: int, digits: int = 16) -> str:
    """``value`` as 0x and at least ``digits`` digits."""
    return f"{value:#0{digits + 2}x}"


def bits_of(title: str, layout: Layout, word: int) -> Iterator[str]:
    """A word bit by bit."""
    yield title
    rows = (("", row.name, row.bits, row.text, row.meaning) for row in layout.rows(word))
    yield from table("_ Field >Bits >Value Meaning", rows)
    reserved = layout.reserved_bits(word)
    if reserved:
        yield Bad(f"Reserved bits are set: {reserved:#x}.")


def ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Runs of successive numbers as (first, last)."""
    first = last = None
    for number in sorted(numbers):
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = number
    if first is not None and last is not None:
        yield first, last

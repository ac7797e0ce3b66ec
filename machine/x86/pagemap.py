"""All that a set of page tables maps, as ranges; every paging mode (SDM 3A chapter 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from .bits import sign_extend
from .control import EFER
from .entries import PTE
from .paging import LevelFormat, Mode, PagingState, ReadPhysical, paging_mode

MOST_TABLES = 4096
"""Tables read at most: tables that point to themselves map more than anybody can list."""

_P, _W, _U, _XD = (PTE.mask(name) for name in ("present", "writable", "user", "no_execute"))
_NXE = EFER.mask("NXE")


class Rights(NamedTuple):
    """What all levels leave of an address's rights."""

    writable: bool
    user: bool
    no_execute: bool

    @property
    def letters(self) -> str:
        """``rwx``, a minus for what is not allowed."""
        return f"r{'w' if self.writable else '-'}{'-' if self.no_execute else 'x'}"

    def __str__(self) -> str:
        """``rwx user`` and the like."""
        return f"{self.letters} {'user' if self.user else 'supervisor'}"


_ALL = Rights(True, True, False)


class Mapping(NamedTuple):
    """Linear addresses from ``first`` to ``last`` that lie at ``physical`` and behind it, in pages of one size."""

    first: int
    last: int
    physical: int
    page_size: int
    rights: Rights

    def joins(self, other: Mapping) -> bool:
        """Whether ``other`` goes on where this one ends, in the same way."""
        length = self.last + 1 - self.first
        return (
            other.first == self.last + 1
            and other.physical == self.physical + length
            and (other.page_size, other.rights) == (self.page_size, self.rights)
        )


class Truncated(NamedTuple):
    """More tables than `MOST_TABLES`: nothing is said of ``address`` and what follows it."""

    address: int


def mappings(read: ReadPhysical, cr3: int, state: PagingState) -> Iterator[Mapping | Truncated]:
    """Yield what is mapped, lowest index first, neighbours joined; `Truncated` is the last if there is one.

    ``read(physical address, length)`` returns fewer bytes where there is no memory. Entries with reserved bits set map
    nothing.
    """
    held: Mapping | None = None
    for found in _Walk(read, state).pages(cr3):
        if held is not None and isinstance(found, Mapping) and held.joins(found):
            held = held._replace(last=found.last)
            continue
        if held is not None:
            yield held
            held = None
        if isinstance(found, Truncated):
            yield found
            return
        held = found
    if held is not None:
        yield held


class _Walk:
    """One pass through the tables."""

    def __init__(self, read: ReadPhysical, state: PagingState) -> None:
        self._read = read
        self._mode: Mode = paging_mode(state)
        self._execute_disable = _XD if state.efer & _NXE else 0
        self._tables = count(1)

    def pages(self, cr3: int) -> Iterator[Mapping | Truncated]:
        if not self._mode.levels:
            yield Mapping(0, 0xFFFF_FFFF, 0, 1 << 32, _ALL)
            return
        yield from self._table(cr3 & self._mode.cr3_mask, self._mode.levels, 0, _ALL)

    def _table(
        self, address: int, levels: Sequence[LevelFormat], base: int, rights: Rights
    ) -> Iterator[Mapping | Truncated]:
        level = levels[0]
        if next(self._tables) > MOST_TABLES:
            yield Truncated(self._linear(base))
            return
        for index, raw in self._entries(address, level):
            linear = base | index << level.shift
            here = self._limit(level, raw, rights)
            large = level.table is None or (level.page is not None and raw & 1 << 7)
            layout = level.page if large else level.table
            assert layout is not None, "a level has tables or pages"
            if raw & (level.page_reserved if large else level.table_reserved):
                continue
            frame = layout["frame"]
            if large:
                first = self._linear(linear)
                yield Mapping(first, first + level.page_size - 1, frame.get(raw) << level.shift, level.page_size, here)
            else:
                yield from self._table(raw & frame.mask, levels[1:], linear, here)

    def _entries(self, address: int, level: LevelFormat) -> Iterator[tuple[int, int]]:
        """The present entries of a table."""
        size = self._mode.entry_size
        data = self._read(address, size * (level.index_mask + 1))
        for index in range(len(data) // size):
            raw = int.from_bytes(data[index * size : (index + 1) * size], "little")
            if raw & _P:
                yield index, raw

    def _limit(self, level: LevelFormat, raw: int, above: Rights) -> Rights:
        no_execute = above.no_execute or bool(raw & self._execute_disable)
        if not level.limits_rights:
            return Rights(above.writable, above.user, no_execute)
        return Rights(above.writable and bool(raw & _W), above.user and bool(raw & _U), no_execute)

    def _linear(self, address: int) -> int:
        return sign_extend(address, self._mode.linear_bits) if self._mode.linear_bits > 32 else address

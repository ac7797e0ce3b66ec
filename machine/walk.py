"""Linear to physical, without side effects: no accessed or dirty bit is set, CR2 stays, nothing faults in the guest.

`x86.paging` holds the rules and explains a walk level by level; this module is its short form for the machine's own
accesses, made from the same tables.  What it cannot translate, it asks `x86.paging` about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import NamedTuple

from machine.errors import MemoryFault
from machine.memory import PAGE, PHYSICAL_BITS, Memory
from machine.x86 import paging as rules
from machine.x86.bits import Layout
from machine.x86.control import CR0, CR4, EFER
from machine.x86.entries import PTE

PRESENT, WRITABLE, USER = (PTE.mask(name) for name in ("present", "writable", "user"))
ACCESSED, DIRTY = PTE.mask("accessed"), PTE.mask("dirty")
CR0_WP, CR4_SMAP, EFER_LMA = CR0.mask("WP"), CR4.mask("SMAP"), EFER.mask("LMA")
CR0_PG, CR4_PAGING = CR0.mask("PG"), CR4.mask("PSE") | CR4.mask("PAE") | CR4.mask("LA57")
"""Bits that choose how page tables are read, beside EFER's."""

_LARGE = 1 << 7


class Paging(NamedTuple):
    """The registers that decide how a linear address translates."""

    cr0: int
    cr3: int
    cr4: int
    efer: int

    @property
    def state(self) -> rules.PagingState:
        """The same for `x86.paging`."""
        return rules.PagingState(self.cr0, self.cr4, self.efer, PHYSICAL_BITS)


class Translation(NamedTuple):
    """Where a linear address lies.

    ``rights`` is the AND of all levels' low bits (`WRITABLE`, `USER`); ``entries`` the physical addresses of the
    entries walked through, leaf last.
    """

    physical: int
    page_size: int
    rights: int
    entries: tuple[int, ...]


class NotMapped(MemoryFault):
    """The walk ended at an entry that is not present, has reserved bits set, or lies outside RAM.

    ``entries`` are the physical addresses of the entries in RAM that it came by.
    """

    def __init__(self, address: int, reason: str, *, reserved: bool, entries: tuple[int, ...] = ()) -> None:
        super().__init__(address, f"not mapped: {reason}")
        self.reserved = reserved
        self.entries = entries


Entries = tuple[tuple[int, int], ...]
"""Entries of page tables with their values: 8 bytes of RAM each, by their number from address 0."""


class Place(NamedTuple):
    """Where a page lies: its physical address, None if it has none, and the entries that say so."""

    physical: int | None
    entries: Entries


class _Step(NamedTuple):
    """One level, ready to be walked: masks of an entry's bits."""

    name: str
    shift: int
    index_mask: int
    table_frame: int  # 0 at the last level
    table_reserved: int
    page_frame: int  # 0 where the level maps no page, _SPLIT where its address is in two pieces
    page_reserved: int
    rights: int  # what of the low bits limits the rights


_SPLIT = -1

_MOST_WALKS = 4096
"""Kept by `Walks`; with more, it begins anew."""


def _page_frame(page: Layout | None) -> int:
    if page is None:
        return 0
    return page["frame"].mask if len(page["frame"].pieces) == 1 else _SPLIT


@lru_cache(maxsize=64)
def _steps(state: rules.PagingState) -> tuple[_Step, ...]:
    return tuple(
        _Step(
            level.name,
            level.shift,
            level.index_mask,
            level.table["frame"].mask if level.table else 0,
            level.table_reserved,
            _page_frame(level.page),
            level.page_reserved,
            WRITABLE | USER if level.limits_rights else 0,
        )
        for level in rules.paging_mode(state).levels
    )


def translate(memory: Memory, paging: Paging, address: int) -> Translation:
    """Translate one linear address.  Raises `NotMapped`, or `MemoryFault` for a non-canonical address."""
    state, ram = paging.state, memory.ram
    mode = rules.paging_mode(state)
    if mode.linear_bits == 32:
        address &= 0xFFFFFFFF
    elif not rules.is_canonical(address, mode.linear_bits):
        raise MemoryFault(address, "not a canonical address")
    table, rights = paging.cr3 & mode.cr3_mask, WRITABLE | USER
    entries: list[int] = []
    for name, shift, mask, table_frame, table_reserved, page_frame, page_reserved, limits in _steps(state):
        at = table + (address >> shift & mask) * mode.entry_size
        raw = ram[at : at + mode.entry_size]
        entry = int.from_bytes(raw, "little")
        if raw and not entry & PRESENT:
            what = f"{name} entry {entry:#x} is not present"
            raise NotMapped(address, what, reserved=False, entries=(*entries, at))
        is_page = not table_frame or (page_frame and entry & _LARGE)
        reserved = page_reserved if is_page else table_reserved
        if not raw or entry & reserved or (is_page and page_frame == _SPLIT):
            break
        entries.append(at)
        rights &= entry | ~limits
        if is_page:
            offset = address & ((1 << shift) - 1)
            return Translation(entry & page_frame | offset, 1 << shift, rights, tuple(entries))
        table = entry & table_frame
    return _ask_the_rules(memory, paging, address)


class Walks:
    """Walks kept for as long as every entry on their way is what it was, for pages that are asked for often."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._entries = memory.ram.cast("Q")
        self._kept: dict[tuple[Paging, int], tuple[int, Entries]] = {}

    def physical(self, paging: Paging, address: int) -> int:
        """Physical address behind a linear one.  Raises as `translate` does."""
        page, entries = address & -PAGE, self._entries
        kept = self._kept.get((paging, page))
        if kept is not None:
            for at, value in kept[1]:
                if entries[at] != value:
                    break
            else:
                return kept[0] | address - page
        return self._walk(paging, page) | address - page

    def pages(self, paging: Paging, address: int, length: int) -> list[tuple[int, int]]:
        """As the function `pages`."""
        return _runs(partial(self.physical, paging), address, length)

    def place(self, paging: Paging, page: int) -> Place:
        """Where a page lies, by its linear address; not mapped is an answer."""
        try:
            self.physical(paging, page)
        except NotMapped as fault:
            return Place(None, self._values(fault.entries))
        except MemoryFault:
            return Place(None, ())
        return Place(*self._kept[paging, page])

    def are(self, entries: Entries) -> bool:
        """Whether entries still have their values."""
        now = self._entries
        return all(now[at] == value for at, value in entries)

    def _values(self, entries: tuple[int, ...]) -> Entries:
        return tuple((at >> 3, self._entries[at >> 3]) for at in entries)

    def _walk(self, paging: Paging, page: int) -> int:
        found = translate(self._memory, paging, page)
        if len(self._kept) >= _MOST_WALKS:
            self._kept.clear()
        self._kept[paging, page] = found.physical, self._values(found.entries)
        return found.physical


def _addresses(levels: Iterable[rules.Level]) -> tuple[int, ...]:
    return tuple(level.entry_address for level in levels)


def _ask_the_rules(memory: Memory, paging: Paging, address: int) -> Translation:
    def read(at: int, length: int) -> bytes:
        return bytes(memory.ram[at : at + length])

    match rules.translate(read, paging.cr3, address, paging.state):
        case rules.Translation() as found:  # paging is off, or a page whose address is in two pieces
            rights = (WRITABLE if found.writable else 0) | (USER if found.user else 0)
            return Translation(found.physical, found.page_size, rights, _addresses(found.levels))
        case rules.ReservedBit(levels=levels, bits=bits):
            what = f"{levels[-1].name} entry {levels[-1].raw:#x} has reserved bits {bits:#x} set"
            raise NotMapped(address, what, reserved=True, entries=_addresses(levels))
        case rules.Unreadable(levels=levels, format=level, entry_address=at):
            # The open bus reads all ones: reserved bits, had the processor walked here.
            what = f"{level.name} entry at {at:#x} is outside RAM"
            raise NotMapped(address, what, reserved=True, entries=_addresses(levels))
    raise MemoryFault(address, "not a canonical address")


def pages(memory: Memory, paging: Paging, address: int, length: int) -> list[tuple[int, int]]:
    """Physical (address, length) runs behind ``length`` bytes of linear memory.

    Raises `MemoryFault` at the first byte that is not mapped.
    """
    return _runs(lambda at: translate(memory, paging, at).physical, address, length)


def _runs(translated: Callable[[int], int], address: int, length: int) -> list[tuple[int, int]]:
    runs, end = [], address + length
    while address < end:
        physical = translated(address & 0xFFFFFFFFFFFFFFFF)
        count = min(end - address, PAGE - address % PAGE)
        runs.append((physical, count))
        address += count
    return runs

"""The page walk of every paging mode, without side effects (SDM 3A chapter 4).

Level names are Linux's (PGD P4D PUD PMD PTE); `LevelFormat` has Intel's (PML5 PML4 PDPT PD PT) beside them.
A walk sets no accessed or dirty bit and raises no fault; who may use what it finds is said in `access`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from . import entries
from .bits import Layout, sign_extend
from .control import CR0, CR3, CR3_PAE, CR4, EFER


class PagingState(NamedTuple):
    """The registers and processor properties that decide how tables are read."""

    cr0: int
    cr4: int
    efer: int
    physical_bits: int = 52  # MAXPHYADDR (CPUID 0x80000008): frame bits above are reserved
    gigabyte_pages: bool = True  # CPUID 0x80000001 EDX bit 26


class LevelFormat(NamedTuple):
    """How one level is read: names, the address bits that index it (from `shift`), and its entries' layouts.

    `table` is the layout of an entry that points on, None at the last level; `page` that of one that maps a
    page, None where the level maps none. The `*_reserved` bits fault when set.
    """

    name: str
    intel: str
    shift: int
    index_mask: int
    table: Layout | None
    page: Layout | None
    table_reserved: int = 0
    page_reserved: int = 0

    @property
    def page_size(self) -> int:
        """Bytes that one entry covers, and that its page has."""
        return 1 << self.shift

    @property
    def limits_rights(self) -> bool:
        """Entries have R/W and U/S bits: all but PAE PDPTEs."""
        return self.table is not entries.PAE_PDPTE


class Mode(NamedTuple):
    """A paging mode (SDM 3A 4.1.1): its levels from the top; `cr3_mask` is the top table's address bits."""

    name: str
    levels: tuple[LevelFormat, ...]
    entry_size: int  # bytes
    linear_bits: int  # of a canonical address; 32 outside long mode
    cr3_mask: int


class Level(NamedTuple):
    """One step of a walk: the entry used. `table` and `entry_address` are physical."""

    format: LevelFormat
    table: int
    index: int  # type: ignore[assignment]
    entry_address: int
    raw: int
    layout: Layout

    @property
    def name(self) -> str:
        """Linux's name of the level: PGD P4D PUD PMD PTE."""
        return self.format.name

    @property
    def fields(self) -> dict[str, int]:
        """The entry, decoded."""
        return self.layout.decode(self.raw)

    @property
    def is_page(self) -> bool:
        """The entry maps a page and points to no table."""
        return self.layout is self.format.page

    def describe(self) -> str:
        """The set flags and fields, without the frame: `present writable user accessed`."""
        if not self.raw & _P:
            return "not present"
        return self.layout.format(self.raw, skip=("frame", "ignored"))


class Translation(NamedTuple):
    """The walk found a page: where the address lies, and the rights that all levels leave."""

    address: int
    physical: int
    page_size: int
    writable: bool
    user: bool
    no_execute: bool
    levels: tuple[Level, ...]

    @property
    def page(self) -> int:
        """Physical address of the page."""
        return self.physical & -self.page_size

    @property
    def rights(self) -> str:
        """`rwx user` and the like; what CR0.WP, SMEP and SMAP change is for `access.verdict`."""
        letters = f"r{'w' if self.writable else '-'}{'-' if self.no_execute else 'x'}"
        return f"{letters} {'user' if self.user else 'supervisor'}"


class NotPresent(NamedTuple):
    """The last entry of `levels` is not present: #PF with P=0."""

    address: int
    levels: tuple[Level, ...]


class ReservedBit(NamedTuple):
    """The last entry of `levels` has reserved `bits` set: #PF with RSVD=1."""

    address: int
    bits: int
    levels: tuple[Level, ...]


class NonCanonical(NamedTuple):
    """Bits from `linear_bits` up differ from the one below: #GP(0), or #SS(0) for the stack."""

    address: int
    linear_bits: int
    levels: tuple[Level, ...] = ()


class Unreadable(NamedTuple):
    """The entry of `format` at physical `entry_address` could not be read: there is no memory."""

    address: int
    format: LevelFormat
    entry_address: int
    levels: tuple[Level, ...]


Outcome = Translation | NotPresent | ReservedBit | NonCanonical | Unreadable
ReadPhysical = Callable[[int, int], bytes]

_PG = CR0.mask("PG")
_PSE, _PAE, _LA57 = CR4.mask("PSE"), CR4.mask("PAE"), CR4.mask("LA57")
_LMA, _NXE = EFER.mask("LMA"), EFER.mask("NXE")
_P, _W, _U = (entries.PTE.mask(name) for name in ("present", "writable", "user"))
_PS = entries.PMD.mask("large")
_XD = entries.PTE.mask("no_execute")

# fmt: off
# Linux folds the P4D into the PGD where there are four levels (Documentation/mm/page_tables).
#                        name   Intel  shift index  table               page
_PML5  = LevelFormat("PGD", "PML5", 48, 0x1FF, entries.PGD,       None)
_P4D   = LevelFormat("P4D", "PML4", 39, 0x1FF, entries.PGD,       None)
_PML4  = LevelFormat("PGD", "PML4", 39, 0x1FF, entries.PGD,       None)
_PUD   = LevelFormat("PUD", "PDPT", 30, 0x1FF, entries.PUD,       entries.PUD_1G)
_PMD   = LevelFormat("PMD", "PD",   21, 0x1FF, entries.PMD,       entries.PMD_2M)
_PTE   = LevelFormat("PTE", "PT",   12, 0x1FF, None,              entries.PTE)
_PAE3  = LevelFormat("PGD", "PDPT", 30, 0x003, entries.PAE_PDPTE, None)
_PAE2  = LevelFormat("PMD", "PD",   21, 0x1FF, entries.PAE_PDE,   entries.PAE_PDE_2M)
_PAE1  = LevelFormat("PTE", "PT",   12, 0x1FF, None,              entries.PAE_PTE)
_PDE32 = LevelFormat("PGD", "PD",   22, 0x3FF, entries.PDE_32,    entries.PDE_32_4M)
_PTE32 = LevelFormat("PTE", "PT",   12, 0x3FF, None,              entries.PTE_32)

#                 name                    levels                            entry bits  CR3
_OFF     = Mode("paging off",             (),                                0,   32,  0)
_LEGACY  = Mode("32-bit paging",          (_PDE32, _PTE32),                  4,   32,  0xFFFF_F000)
_PAE_    = Mode("PAE paging",             (_PAE3, _PAE2, _PAE1),             8,   32,  CR3_PAE.mask("frame"))
_FOUR    = Mode("4-level paging",         (_PML4, _PUD, _PMD, _PTE),         8,   48,  CR3.mask("frame"))
_FIVE    = Mode("5-level paging",         (_PML5, _P4D, _PUD, _PMD, _PTE),   8,   57,  CR3.mask("frame"))
# fmt: on


def is_canonical(address: int, bits: int = 48) -> bool:
    """Whether a 64-bit linear address is canonical with `bits` (48 or 57) address bits (SDM 1 3.3.7.1)."""
    return address == sign_extend(address, bits)


def canonical(address: int, bits: int = 48) -> int:
    """The canonical address with the same low `bits` (48 or 57) bits."""
    return sign_extend(address, bits)


@lru_cache(maxsize=64)
def paging_mode(state: PagingState) -> Mode:
    """The mode in force, with the reserved bits of each level worked out (SDM 3A 4.1.1, figure 4-1)."""
    mode = _mode(state)
    return mode._replace(levels=tuple(_with_reserved(level, state) for level in mode.levels))


def walk(read: ReadPhysical, cr3: int, address: int, state: PagingState) -> Iterator[Level | Outcome]:
    """Yield the entry used at each level from the top, then the outcome.

    `read(physical address, length)` returns fewer bytes where there is no memory. Any CR3 will do, not
    only the one in use. Outside long mode, address bits from 32 are ignored.
    """
    mode = paging_mode(state)
    address &= 0xFFFF_FFFF if mode.linear_bits == 32 else 0xFFFF_FFFF_FFFF_FFFF
    outcome = _before(mode, address)
    table = cr3 & mode.cr3_mask
    levels: tuple[Level, ...] = ()
    for level_format in mode.levels if outcome is None else ():
        index = address >> level_format.shift & level_format.index_mask
        entry_address = table + index * mode.entry_size
        data = read(entry_address, mode.entry_size)
        if len(data) < mode.entry_size:
            outcome = Unreadable(address, level_format, entry_address, levels)
            break
        raw = int.from_bytes(data, "little")
        level = Level(level_format, table, index, entry_address, raw, _layout(level_format, raw))
        levels += (level,)
        yield level
        outcome = _ending(level, levels, address, state)
        if outcome is not None:
            break
        table = raw & level.layout["frame"].mask
    assert outcome is not None, "the last level of a mode maps a page or faults"
    yield outcome


def translate(read: ReadPhysical, cr3: int, address: int, state: PagingState) -> Outcome:
    """The outcome of a walk, which holds the levels passed."""
    *_, outcome = walk(read, cr3, address, state)
    assert not isinstance(outcome, Level)
    return outcome


def _mode(state: PagingState) -> Mode:
    if not state.cr0 & _PG:
        return _OFF
    if not state.cr4 & _PAE:
        return _LEGACY
    if not state.efer & _LMA:
        return _PAE_
    return _FIVE if state.cr4 & _LA57 else _FOUR


def _with_reserved(level: LevelFormat, state: PagingState) -> LevelFormat:
    page: Layout | None = level.page
    large_reserved = 0
    if level is _PDE32 and not state.cr4 & _PSE:
        page = None
    elif level is _PUD and not state.gigabyte_pages:
        page, large_reserved = None, _PS
    return level._replace(
        page=page,
        table_reserved=large_reserved | _reserved(level.table, 12, state),
        page_reserved=_reserved(page, level.shift, state),
    )


def _reserved(layout: Layout | None, shift: int, state: PagingState) -> int:
    """Bits that fault in an entry whose frame counts units of 1 << shift bytes (SDM 3A 4.7, RSVD flag)."""
    if layout is None:
        return 0
    frame = layout["frame"]
    beyond = frame.maximum & -(1 << max(0, state.physical_bits - shift))
    bits = layout.reserved | frame.put(0, beyond)
    return bits | _XD if "no_execute" in layout and not state.efer & _NXE else bits


def _layout(level: LevelFormat, raw: int) -> Layout:
    if level.table is not None and (level.page is None or not raw & _PS):
        return level.table
    assert level.page is not None, "a level without tables maps pages"
    return level.page


def _before(mode: Mode, address: int) -> Outcome | None:
    """What ends a walk before its first level."""
    if not mode.levels:
        return Translation(address, address, 1 << 32, True, True, False, ())
    if mode.linear_bits > 32 and not is_canonical(address, mode.linear_bits):
        return NonCanonical(address, mode.linear_bits)
    return None


def _ending(level: Level, levels: tuple[Level, ...], address: int, state: PagingState) -> Outcome | None:
    """What this level ends the walk with, or None to go on."""
    if not level.raw & _P:
        return NotPresent(address, levels)
    reserved = level.format.page_reserved if level.is_page else level.format.table_reserved
    if level.raw & reserved:
        return ReservedBit(address, level.raw & reserved, levels)
    return _translation(level, levels, address, state) if level.is_page else None


def _translation(level: Level, levels: tuple[Level, ...], address: int, state: PagingState) -> Translation:
    size = level.format.page_size
    all_set, any_set = -1, 0
    for step in levels:
        any_set |= step.raw
        if step.format.limits_rights:
            all_set &= step.raw
    return Translation(
        address,
        level.layout["frame"].get(level.raw) << level.format.shift | address & (size - 1),
        size,
        bool(all_set & _W),
        bool(all_set & _U),
        bool(any_set & _XD and state.efer & _NXE),
        levels,
    )

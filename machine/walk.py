"""Linear to physical, without side effects: no accessed or dirty bit is set, CR2 stays, nothing faults in the guest.

`x86.paging` explains a walk level by level; this module is the short form for the machine's own accesses
(SDM 3A 4.3-4.5, every paging mode).  A test holds the two together.
"""

from __future__ import annotations

from typing import NamedTuple

from machine.errors import MemoryFault
from machine.memory import PAGE, PHYSICAL_BITS, Memory

CR0_WP, CR0_PG = 1 << 16, 1 << 31
CR4_PSE, CR4_PAE, CR4_LA57, CR4_SMAP = 1 << 4, 1 << 5, 1 << 12, 1 << 21
EFER_LMA, EFER_NXE = 1 << 10, 1 << 11

PRESENT, WRITABLE, USER, ACCESSED, DIRTY, LARGE = 1, 2, 4, 0x20, 0x40, 0x80

_ADDRESS = ((1 << PHYSICAL_BITS) - 1) & ~0xFFF
_RESERVED = ((1 << 52) - 1) & ~((1 << PHYSICAL_BITS) - 1)


class Paging(NamedTuple):
    """The registers that decide how a linear address translates."""

    cr0: int
    cr3: int
    cr4: int
    efer: int


class _Level(NamedTuple):
    shift: int  # lowest bit of the linear address that indexes this table
    mask: int  # entries - 1
    size: int  # bytes of an entry
    large: bool  # bit 7 may end the walk here


_TWO_LEVEL = (_Level(22, 1023, 4, False), _Level(12, 1023, 4, False))
_TWO_LEVEL_PSE = (_Level(22, 1023, 4, True), _Level(12, 1023, 4, False))
_PAE = (_Level(30, 3, 8, False), _Level(21, 511, 8, True), _Level(12, 511, 8, False))
_FOUR_LEVEL = (_Level(39, 511, 8, False), _Level(30, 511, 8, True), *_PAE[1:])
_FIVE_LEVEL = (_Level(48, 511, 8, False), *_FOUR_LEVEL)


class Translation(NamedTuple):
    """Where a linear address lies.

    ``rights`` is the AND of all levels' low bits (`WRITABLE`, `USER`); ``entries`` the physical addresses of the
    entries walked through, leaf last.
    """

    physical: int
    page_size: int
    rights: int
    no_execute: bool
    entries: tuple[int, ...]


class NotMapped(MemoryFault):
    """The walk ended at an entry that is not present or has reserved bits set; ``level`` counts from the root."""

    def __init__(self, address: int, level: str, entry: int, reserved: bool) -> None:
        kind = "has reserved bits set" if reserved else "is not present"
        super().__init__(address, f"not mapped: {level} entry {entry:#x} {kind}")
        self.reserved = reserved


def _levels(paging: Paging) -> tuple[_Level, ...]:
    if paging.efer & EFER_LMA:
        return _FIVE_LEVEL if paging.cr4 & CR4_LA57 else _FOUR_LEVEL
    if paging.cr4 & CR4_PAE:
        return _PAE
    return _TWO_LEVEL_PSE if paging.cr4 & CR4_PSE else _TWO_LEVEL


_NAMES = {48: "PGD", 39: "PGD", 30: "PUD", 22: "PGD", 21: "PMD", 12: "PTE"}


def canonical(address: int, paging: Paging) -> bool:
    """Whether a 64-bit linear address is the sign extension of its low 48 (with LA57: 57) bits (SDM 1 3.3.7.1)."""
    top = address >> (56 if paging.cr4 & CR4_LA57 else 47)
    return top == 0 or top == (0x1FFFF if not paging.cr4 & CR4_LA57 else 0xFF)


def translate(memory: Memory, paging: Paging, address: int) -> Translation:
    """Translate one linear address.  Raises `NotMapped`, or `MemoryFault` for a non-canonical address."""
    if not paging.cr0 & CR0_PG:
        return Translation(address & 0xFFFFFFFF, 1 << 32, WRITABLE | USER, False, ())
    levels = _levels(paging)
    if levels[0].shift >= 39 and not canonical(address, paging):
        raise MemoryFault(address, "not a canonical address")
    table = paging.cr3 & (~0x1F if levels is _PAE else ~0xFFF) & ((1 << 52) - 1)
    rights, no_execute, entries = WRITABLE | USER, 0, []
    for shift, mask, size, large in levels:
        at = table + ((address >> shift) & mask) * size
        entry = int.from_bytes(memory.ram[at : at + size] or b"\xff" * size, "little")
        entries.append(at)
        reserved = entry & _RESERVED if size == 8 else 0
        if not entry & PRESENT or reserved:
            raise NotMapped(address, _NAMES[shift], entry, bool(reserved))
        if not (levels is _PAE and shift == 30):  # PAE's top entries carry no rights
            rights &= entry
        no_execute |= entry >> 63
        if shift == 12 or (large and entry & LARGE):
            offset = (1 << shift) - 1
            base = _leaf_base(entry, shift) & ~offset
            return Translation(base | address & offset, offset + 1, rights, bool(no_execute), tuple(entries))
        table = entry & _ADDRESS
    raise AssertionError("a walk ends at its last level")


def _leaf_base(entry: int, shift: int) -> int:
    if shift == 22:  # a 4 MiB page keeps bits 32-39 of its address in 13-20 (PSE-36)
        return entry & 0xFFC00000 | (entry >> 13 & 0xFF) << 32
    return entry & _ADDRESS


def pages(memory: Memory, paging: Paging, address: int, length: int) -> list[tuple[int, int]]:
    """Physical (address, length) runs behind ``length`` bytes of linear memory.

    Raises `MemoryFault` at the first byte that is not mapped.
    """
    runs, end = [], address + length
    while address < end:
        physical = translate(memory, paging, address & 0xFFFFFFFFFFFFFFFF).physical
        count = min(end - address, PAGE - address % PAGE)
        runs.append((physical, count))
        address += count
    return runs

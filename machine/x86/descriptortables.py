"""Descriptor tables in memory, entry by entry (SDM 3A 2.4, 3.5.1, 6.10). Nothing is read but what is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .bits import Layout
from .descriptors import (
    GATE,
    GATE_64,
    SEGMENT,
    SYSTEM_SEGMENT_64,
    Descriptor,
    Gate,
    SegmentDescriptor,
    decode,
    decode_gate,
    descriptor_size,
)

Read = Callable[[int, int], bytes]
"""`read(linear address, length)` returns fewer bytes where memory is unreadable: such an entry has no descriptor."""

_LAYOUTS: dict[tuple[type, int], Layout] = {
    (SegmentDescriptor, 8): SEGMENT,
    (SegmentDescriptor, 16): SYSTEM_SEGMENT_64,
    (Gate, 8): GATE,
    (Gate, 16): GATE_64,
}


class TableEntry(NamedTuple):
    """One entry of a descriptor table, `raw` its `size` bytes; `descriptor` is None where memory is
    unreadable or the limit cuts the entry.
    """

    index: int  # type: ignore[assignment]
    address: int
    size: int
    raw: int
    descriptor: Descriptor | None

    @property
    def layout(self) -> Layout:
        """Where the fields of its descriptor lie. KeyError if it has none."""
        return _LAYOUTS[type(self.descriptor), self.size]


def read_table(read: Read, base: int, limit: int, *, long_mode: bool = True) -> Iterator[TableEntry]:
    """Yield the entries of a GDT or LDT: 16-byte descriptors as one."""
    index = 0
    while index * 8 + 7 <= limit:
        address = base + index * 8
        entry = _table_entry(read, index, address, long_mode)
        if index * 8 + entry.size - 1 > limit:
            entry = TableEntry(index, address, 8, entry.raw & (1 << 64) - 1, None)
        yield entry
        index += entry.size // 8


def read_idt(read: Read, base: int, limit: int, *, long_mode: bool = True) -> Iterator[TableEntry]:
    """Yield the gates of an IDT, whose entries have all one size; unreadable ones as in `read_table`."""
    size = 16 if long_mode else 8
    for vector in range(min((limit + 1) // size, 256)):
        address = base + vector * size
        data = read(address, size)
        raw = int.from_bytes(data, "little")
        gate = decode_gate(raw, wide=long_mode) if len(data) == size else None
        yield TableEntry(vector, address, size, raw, gate)


def find_descriptor(
    read: Callable[[int, int], bytes], selector: int, base: int, limit: int, *, long_mode: bool = True
) -> TableEntry | None:
    """The entry a selector names in the table at `base`, or None beyond its limit."""
    offset = selector & 0xFFF8
    if offset + 7 > limit:
        return None
    entry = _table_entry(read, selector >> 3 & 0x1FFF, base + offset, long_mode)
    return entry if offset + entry.size - 1 <= limit else None


def _table_entry(read: Read, index: int, address: int, long_mode: bool) -> TableEntry:
    data = read(address, 8)
    if len(data) < 8:
        return TableEntry(index, address, 8, 0, None)
    low = int.from_bytes(data, "little")
    size = descriptor_size(low, long_mode=long_mode)
    if size == 16:
        data = read(address, 16)
        if len(data) < 16:
            return TableEntry(index, address, 16, low, None)
    raw = int.from_bytes(data, "little")
    return TableEntry(index, address, size, raw, decode(raw, long_mode=long_mode))


def runs(entries: Iterable[TableEntry]) -> Iterator[tuple[TableEntry, TableEntry, str]]:
    """Entries one by one, but runs of empty or unreadable ones as (first, last, note)."""
    held: tuple[TableEntry, TableEntry, str] | None = None
    for entry in entries:
        note = "unreadable" if entry.descriptor is None else "" if entry.raw else "empty"
        if held and note and held[2] == note:
            held = (held[0], entry, note)
            continue
        if held:
            yield held
        held = (entry, entry, note)
    if held:
        yield held

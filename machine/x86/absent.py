"""What Linux keeps in page-table entries that are not present (arch/x86/include/asm/pgtable_64.h: swap entries)."""

from __future__ import annotations

from collections.abc import Iterator

PROTNONE = 1 << 8
TYPE_SHIFT, TYPE_BITS, OFFSET_SHIFT = 59, 5, 9
OFFSET_MASK = (1 << TYPE_SHIFT - OFFSET_SHIFT) - 1

MOST_OFFSET = 1 << 40
"""Pages of a swap area, by far: the offset is kept upside down, so that an entry's upper bits are ones."""

MOST_TYPE = 23
"""Greater types are of migration, device memory and poisoned pages."""


def linux_meaning(raw: int) -> Iterator[str]:
    """A sentence on an 8-byte entry without the present bit, if it is one of Linux's."""
    offset = ~(raw >> OFFSET_SHIFT) & OFFSET_MASK
    kind = raw >> TYPE_SHIFT
    if raw & PROTNONE:
        yield "Of Linux's last level: a page that PROT_NONE closes."
    elif offset < MOST_OFFSET and kind <= MOST_TYPE:
        yield f"Of Linux's last level: page {offset} of swap area {kind}."

"""Where a Linux kernel really lies: KASLR moves it by a multiple of 2 MiB from where it was linked."""

from __future__ import annotations

from gdbstub.values import Offsets
from ringscope.regions import Regions

LINKED = 0xFFFF_FFFF_8100_0000
"""Linear address of a kernel's text as it is linked (Documentation/arch/x86/x86_64/mm.rst, CONFIG_PHYSICAL_START)."""

FIRST, LAST = 0xFFFF_FFFF_8000_0000, 0xFFFF_FFFF_BFFF_FFFF
"""Where KASLR may put it."""

STEP = 1 << 21


def kernel_slide(regions: Regions) -> int:
    """Bytes from where the kernel was linked to where its page tables have it; 0 before it has any, or if it did not
    move."""
    base = regions.first_mapped(FIRST, LAST)
    return base - LINKED if base is not None and base > LINKED and base % STEP == 0 else 0


def offsets(slide: int) -> Offsets:
    """As gdb takes it: a kernel that moved by the address of its first segment, which leads all others."""
    return Offsets(LINKED + slide, 0, segments=True) if slide else Offsets(0, 0)

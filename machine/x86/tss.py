"""The task-state segment with its I/O permission bitmap (SDM 3A 7.2, 7.7), frames of IRET (6.12, 6.14)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .bits import Structure

# fmt: off
TSS64 = Structure(
    "64-bit TSS", 104,
    # name   offset size  meaning (SDM 3A figure 7-11)
    ("rsp0",      4,   8, "stack on entry to ring 0"),
    ("rsp1",     12,   8, "stack on entry to ring 1"),
    ("rsp2",     20,   8, "stack on entry to ring 2"),
    ("ist1",     36,   8, "interrupt stack 1"),
    ("ist2",     44,   8, "interrupt stack 2"),
    ("ist3",     52,   8, "interrupt stack 3"),
    ("ist4",     60,   8, "interrupt stack 4"),
    ("ist5",     68,   8, "interrupt stack 5"),
    ("ist6",     76,   8, "interrupt stack 6"),
    ("ist7",     84,   8, "interrupt stack 7"),
    ("iomap",   102,   2, "offset of the I/O permission bitmap"),
)

TSS32 = Structure(
    "32-bit TSS", 104,
    # SDM 3A figure 7-2
    ("link",      0,   2, "selector of the previous task's TSS"),
    ("esp0",      4,   4, "stack on entry to ring 0"),
    ("ss0",       8,   2, "its segment"),
    ("esp1",     12,   4, "stack on entry to ring 1"),
    ("ss1",      16,   2, "its segment"),
    ("esp2",     20,   4, "stack on entry to ring 2"),
    ("ss2",      24,   2, "its segment"),
    ("cr3",      28,   4, "page directory"),
    ("eip",      32,   4, "saved register"),
    ("eflags",   36,   4, "saved register"),
    ("eax",      40,   4, "saved register"),
    ("ecx",      44,   4, "saved register"),
    ("edx",      48,   4, "saved register"),
    ("ebx",      52,   4, "saved register"),
    ("esp",      56,   4, "saved register"),
    ("ebp",      60,   4, "saved register"),
    ("esi",      64,   4, "saved register"),
    ("edi",      68,   4, "saved register"),
    ("es",       72,   2, "saved selector"),
    ("cs",       76,   2, "saved selector"),
    ("ss",       80,   2, "saved selector"),
    ("ds",       84,   2, "saved selector"),
    ("fs",       88,   2, "saved selector"),
    ("gs",       92,   2, "saved selector"),
    ("ldt",      96,   2, "selector of the LDT"),
    ("trap",    100,   2, "bit 0: #DB when switched to"),
    ("iomap",   102,   2, "offset of the I/O permission bitmap"),
)

TSS16 = Structure(
    "16-bit TSS", 44,
    # SDM 3A figure 7-10
    ("link",      0,   2, "selector of the previous task's TSS"),
    ("sp0",       2,   2, "stack on entry to ring 0"),
    ("ss0",       4,   2, "its segment"),
    ("sp1",       6,   2, "stack on entry to ring 1"),
    ("ss1",       8,   2, "its segment"),
    ("sp2",      10,   2, "stack on entry to ring 2"),
    ("ss2",      12,   2, "its segment"),
    ("ip",       14,   2, "saved register"),
    ("flags",    16,   2, "saved register"),
    ("ax",       18,   2, "saved register"),
    ("cx",       20,   2, "saved register"),
    ("dx",       22,   2, "saved register"),
    ("bx",       24,   2, "saved register"),
    ("sp",       26,   2, "saved register"),
    ("bp",       28,   2, "saved register"),
    ("si",       30,   2, "saved register"),
    ("di",       32,   2, "saved register"),
    ("es",       34,   2, "saved selector"),
    ("cs",       36,   2, "saved selector"),
    ("ss",       38,   2, "saved selector"),
    ("ds",       40,   2, "saved selector"),
    ("ldt",      42,   2, "selector of the LDT"),
)

IRET_FRAME64 = Structure(
    "64-bit interrupt frame", 40,
    # SDM 3A figure 6-9; 64-bit mode pushes SS and RSP always.
    ("rip",       0,   8, "where IRETQ returns to"),
    ("cs",        8,   8, "code segment; its RPL is the ring returned to"),
    ("rflags",   16,   8, "flags"),
    ("rsp",      24,   8, "stack pointer"),
    ("ss",       32,   8, "stack segment"),
)

IRET_FRAME32 = Structure(
    "32-bit interrupt frame", 20,
    # SDM 3A figure 6-4; ESP and SS only on a change of ring.
    ("eip",       0,   4, "where IRETD returns to"),
    ("cs",        4,   4, "code segment; its RPL is the ring returned to"),
    ("eflags",    8,   4, "flags"),
    ("esp",      12,   4, "stack pointer"),
    ("ss",       16,   4, "stack segment"),
)

IRET_FRAME16 = Structure(
    "16-bit interrupt frame", 10,
    ("ip",        0,   2, "where IRET returns to"),
    ("cs",        2,   2, "code segment"),
    ("flags",     4,   2, "flags"),
    ("sp",        6,   2, "stack pointer"),
    ("ss",        8,   2, "stack segment"),
)
# fmt: on


def stack_offset(ring: int) -> int:
    """Offset of RSP`ring` in a 64-bit TSS, in bytes; KeyError for ring 3."""
    return TSS64[f"rsp{ring}"].offset


def ist_offset(ist: int) -> int:
    """Offset of IST`ist` (1 to 7) in a 64-bit TSS, in bytes; KeyError for others."""
    return TSS64[f"ist{ist}"].offset


def io_permitted(read: Callable[[int, int], bytes], base: int, limit: int, port: int, width: int = 1) -> bool:
    """Whether the TSS at linear `base` lets CPL > IOPL access `width` (1, 2, 4) ports from `port`.

    The processor reads two bytes of the bitmap whatever the width, and denies if one lies beyond `limit`
    (SDM 1 19.5.2). `read(linear address, length)` returns fewer bytes where memory is unreadable: denied.
    """
    iomap = TSS64["iomap"]
    if iomap.offset + 1 > limit:
        return False
    data = read(base + iomap.offset, 2)
    offset = int.from_bytes(data, "little") + port // 8
    if len(data) < 2 or offset + 1 > limit:
        return False
    data = read(base + offset, 2)
    return len(data) == 2 and not int.from_bytes(data, "little") >> port % 8 & (1 << width) - 1


def permitted_ports(bitmap: bytes) -> Iterator[tuple[int, int]]:
    """Yield the ranges (first port, last port) whose bits are clear in an I/O permission bitmap."""
    first = None
    for port in range(min(len(bitmap) * 8, 0x10000)):
        clear = not bitmap[port >> 3] >> (port & 7) & 1
        if clear and first is None:
            first = port
        elif not clear and first is not None:
            yield first, port - 1
            first = None
    if first is not None:
        yield first, min(len(bitmap) * 8, 0x10000) - 1

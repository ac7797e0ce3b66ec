"""Linux's x86 boot protocol: the entries into a bzImage (Linux: Documentation/arch/x86/boot.rst).

Each entry is one row of `ENTRIES`: a function that loads the image and puts the processor at its first instruction.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from machine.boot import elf as elf_file
from machine.boot import payload, real
from machine.boot.bootparams import BOOT_PARAMS, fill
from machine.boot.bzimage import ENTRY_64_KNOWN, PLACE_KNOWN, XLF_KERNEL_64, BzImage, parse, require, where
from machine.boot.entry import (
    BOOT_CS,
    BOOT_DS,
    CODE_32,
    CODE_64,
    ESI,
    Segments,
    boot_gdt,
    long_mode,
    protected_mode,
)
from machine.boot.layout import HIGH_START, check_entry, load_segments, place
from machine.cpu import Cpu
from machine.errors import BootError
from machine.machine import Machine
from machine.memory import Memory

GDT, PAGE_TABLES = 0xF000, 0x18000
"""Physical addresses in conventional memory, beside boot_params and clear of Linux's own trampoline below the EBDA."""

ENTRY_64 = 0x200
"""Offset of startup_64 in the protected-mode part."""

MAPPED_GIB = 4
_PRESENT_WRITABLE, _LARGE = 0b11, 1 << 7

Entry = Callable[[Machine, BzImage, bytes | None, bytes], None]
"""Loads an image with its initial RAM disk and command line, and sets the processor.  Raises `BootError`."""


def enter_32(machine: Machine, image: BzImage, initrd: bytes | None, line: bytes) -> None:
    """startup_32 of the decompressor: protected mode, paging off, ESI = boot_params."""
    start, end = _load(machine.memory, image)
    _prepare(machine.memory, image, end, initrd, line, start)
    protected_mode(machine.cpu, start, {ESI: BOOT_PARAMS}, _segments(machine.memory, CODE_32))


def enter_64(machine: Machine, image: BzImage, initrd: bytes | None, line: bytes) -> None:
    """startup_64 of the decompressor: long mode, identity-mapped, RSI = boot_params."""
    require(image, ENTRY_64_KNOWN, "there is no 64-bit entry")
    if not image["xloadflags"] & XLF_KERNEL_64:
        raise BootError(
            f"{where('xloadflags')} is {image['xloadflags']:#x}: bit 0 is clear, so there is no 64-bit entry"
        )
    start, end = _load(machine.memory, image)
    _prepare(machine.memory, image, end, initrd, line, start)
    _long_mode(machine.cpu, start + ENTRY_64)


def enter_unpacked(machine: Machine, image: BzImage, initrd: bytes | None, line: bytes) -> None:
    """startup_64 of the kernel proper, which the host unpacked: long mode, identity-mapped, RSI = boot_params.

    The decompressor would also move the kernel to a random place; this entry leaves it where it was linked.
    """
    kernel = elf_file.parse(payload.unpack(image.payload()))
    if kernel.bits != 64:
        raise BootError(f"the payload is a {kernel.bits}-bit kernel: enter it at 32")
    end = load_segments(machine.memory, kernel)
    check_entry(kernel)
    start = min(segment.physical for segment in kernel.loads())
    _prepare(machine.memory, image, end, initrd, line, start)
    _long_mode(machine.cpu, kernel.entry)


# fmt: off
ENTRIES: dict[str, Entry] = {
    # name      how the image is entered
    "real":     real.boot,
    "32":       enter_32,
    "64":       enter_64,
    "unpacked": enter_unpacked,
}
# fmt: on
FASTEST = "unpacked"
"""The entry when nobody chooses: what the guest would unpack takes it seconds."""


def boot(machine: Machine, data: bytes, initrd: bytes | None, command_line: bytes, entry: str | None = None) -> str:
    """Load a bzImage and enter it; returns the entry's name.

    Raises `BootError` for a broken image, an entry that there is not, or too little RAM.
    """
    name = entry or FASTEST
    image = parse(data)
    if name not in ENTRIES:
        raise BootError(f"there is no entry {name!r} into a Linux kernel: there are {', '.join(ENTRIES)}")
    ENTRIES[name](machine, image, initrd, command_line)
    return name


def _load(memory: Memory, image: BzImage) -> tuple[int, int]:
    """Put the protected-mode part into RAM; returns its start and the end of what the kernel needs there."""
    if image.version < PLACE_KNOWN or not image["relocatable_kernel"]:
        # It unpacks itself to the place that it prefers, wherever it is loaded.
        end = real.kernel_end(memory, image)
        place(memory, HIGH_START, image.kernel, "the protected-mode part")
        return HIGH_START, end
    start, needed = image["pref_address"], max(len(image.kernel), image["init_size"])
    if start < HIGH_START:
        raise BootError(f"{where('pref_address')} is {start:#x}: below 1 MiB is no room for the kernel")
    if start + needed > memory.size:
        raise BootError(
            f"the kernel needs {needed:#x} bytes at {start:#x} ({start + needed >> 20} MiB of RAM), "
            f"there are {memory.size:#x} ({memory.size >> 20} MiB)"
        )
    place(memory, start, image.kernel, "the protected-mode part")
    return start, start + needed


def _prepare(memory: Memory, image: BzImage, end: int, initrd: bytes | None, line: bytes, start: int) -> None:
    params = fill(memory, image, end, initrd, line)
    params.set("code32_start", start)
    params.place(memory)


def _segments(memory: Memory, code: int) -> Segments:
    table = boot_gdt(code)
    place(memory, GDT, table, "the GDT")
    return Segments(BOOT_CS, BOOT_DS, GDT, len(table) - 1)


def _long_mode(cpu: Cpu, entry: int) -> None:
    place(cpu.memory, PAGE_TABLES, identity_map(PAGE_TABLES), "the page tables")
    long_mode(cpu, entry, {ESI: BOOT_PARAMS}, PAGE_TABLES, _segments(cpu.memory, CODE_64))


def identity_map(base: int) -> bytes:
    """Page tables, to stand at physical ``base``, that map the first 4 GiB to themselves in pages of 2 MiB."""
    pml4 = [base + 0x1000 | _PRESENT_WRITABLE] + [0] * 511
    pdpt = [base + 0x2000 + 0x1000 * gib | _PRESENT_WRITABLE for gib in range(MAPPED_GIB)]
    pdpt += [0] * (512 - MAPPED_GIB)
    pages = [page << 21 | _LARGE | _PRESENT_WRITABLE for page in range(512 * MAPPED_GIB)]
    return struct.pack(f"<{len(pml4 + pdpt + pages)}Q", *pml4, *pdpt, *pages)

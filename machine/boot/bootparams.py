"""struct boot_params, the "zero page": what a boot loader tells Linux (Linux: Documentation/arch/x86/zero-page.rst)."""

from __future__ import annotations

import struct

from machine.boot.bzimage import BY_NAME, HEADER, BzImage
from machine.boot.layout import LOW_END, Range, memory_map, place, place_high
from machine.errors import BootError
from machine.memory import PAGE, Memory
from machine.tables.place import RSDP

BOOT_PARAMS, COMMAND_LINE = 0x10000, 0x20000
"""Physical addresses in conventional memory, clear of what Linux itself puts below 64 KiB and below the EBDA."""

ACPI_RSDP_ADDR = 0x070
E820_ENTRIES, E820_TABLE, E820_MOST = 0x1E8, 0x2D0, 128
SETUP_HEADER_LIMIT = 0x290
"""Offsets in boot_params; the setup header's room ends at the last."""

OTHER_LOADER = 0xFF
"""type_of_loader of a boot loader that has no number of its own."""


class BootParams:
    """The zero page of an image, filled step by step; `place` stores it with the command line."""

    def __init__(self, image: BzImage) -> None:
        self._page = bytearray(PAGE)
        self._image = image
        header = image.setup_header[: SETUP_HEADER_LIMIT - HEADER]
        self._page[HEADER : HEADER + len(header)] = header
        self.set("type_of_loader", OTHER_LOADER)
        self._page[ACPI_RSDP_ADDR : ACPI_RSDP_ADDR + 8] = RSDP.to_bytes(8, "little")
        self._line = b"\0"

    def set(self, name: str, value: int) -> None:
        """Fill a field of the setup header, by its Linux name."""
        _, offset, size, _ = BY_NAME[name]
        self._page[offset : offset + size] = value.to_bytes(size, "little")

    def set_command_line(self, line: bytes) -> None:
        """Raises `BootError` if it is longer than the image's cmdline_size, or than its room."""
        most = min(self._image["cmdline_size"], LOW_END - COMMAND_LINE - 1)
        if len(line) > most:
            raise BootError(f"the command line has {len(line)} bytes: this kernel takes {most} (cmdline_size at 0x238)")
        self._line = line + b"\0"
        self.set("cmd_line_ptr", COMMAND_LINE)

    def set_memory_map(self, ranges: list[Range]) -> None:
        """Raises `BootError` if there are more than 128."""
        if len(ranges) > E820_MOST:
            raise BootError(f"the memory map has {len(ranges)} ranges: boot_params holds {E820_MOST}")
        self._page[E820_ENTRIES] = len(ranges)
        table = b"".join(struct.pack("<QQI", *run) for run in ranges)
        self._page[E820_TABLE : E820_TABLE + len(table)] = table

    def place(self, memory: Memory) -> None:
        """Store page and command line in RAM."""
        place(memory, BOOT_PARAMS, bytes(self._page), "boot_params")
        place(memory, COMMAND_LINE, self._line, "the command line")


def fill(memory: Memory, image: BzImage, kernel_end: int, initrd: bytes | None, line: bytes) -> BootParams:
    """The zero page for a kernel that uses RAM up to ``kernel_end``, with the initial RAM disk put in place.

    Raises `BootError` if the command line is too long or RAM too small.
    """
    params = BootParams(image)
    params.set_command_line(line)
    params.set_memory_map(memory_map(memory))
    if initrd:
        last = image["initrd_addr_max"]
        params.set("ramdisk_image", place_high(memory, initrd, kernel_end, "the initial RAM disk", last=last))
        params.set("ramdisk_size", len(initrd))
    return params

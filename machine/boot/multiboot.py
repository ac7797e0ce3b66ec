"""Multiboot 1 (Multiboot Specification 0.6.96), with the a.out kludge for images that are no 32-bit ELF file."""

from __future__ import annotations

import struct
from typing import NamedTuple

from machine.boot import elf as elf_file
from machine.boot import entry
from machine.boot.layout import (
    HIGH_START,
    INFO_PAGE,
    LOW_END,
    check_entry,
    load_segments,
    memory_map,
    pack,
    place,
    place_high,
)
from machine.cpu import Cpu
from machine.errors import BootError
from machine.memory import Memory

MAGIC, LOADED = 0x1BADB002, 0x2BADB002
SEARCH = 8192
"""The header lies in the first 8,192 bytes, 32-bit aligned."""

HAS_ADDRESSES = 1 << 16
INFO_MEMORY, INFO_COMMAND_LINE, INFO_MODULES, INFO_MAP = 1 << 0, 1 << 2, 1 << 3, 1 << 6


class Header(NamedTuple):
    """A Multiboot header: where in the file it was found (bytes), flags, and the address fields."""

    offset: int
    flags: int
    header_address: int
    load_address: int
    load_end: int
    bss_end: int
    entry: int


def find_header(data: bytes) -> Header | None:
    """The image's Multiboot header, None if there is none with a right checksum."""
    for offset in range(0, min(len(data), SEARCH) - 11, 4):
        magic, flags, checksum = struct.unpack_from("<3I", data, offset)
        if magic == MAGIC and (magic + flags + checksum) & 0xFFFFFFFF == 0:
            addresses = data[offset + 12 : offset + 32].ljust(20, b"\0")
            return Header(offset, flags, *struct.unpack("<5I", addresses))
    return None


def broken_header(data: bytes) -> str:
    """What is wrong with a header that has the magic number and no right checksum; nothing if there is none."""
    for offset in range(0, min(len(data), SEARCH) - 11, 4):
        magic, flags, checksum = struct.unpack_from("<3I", data, offset)
        if magic == MAGIC:
            right = -(magic + flags) & 0xFFFFFFFF
            return f"the Multiboot header at {offset:#x} has the checksum {checksum:#x}: its sum is 0 with {right:#x}"
    return ""


def boot(cpu: Cpu, data: bytes, initrd: bytes | None, command_line: bytes) -> None:
    """Load the image and enter it with EAX = 0x2BADB002 and EBX at the Multiboot information.

    Raises `BootError` if the header is broken or RAM too small.
    """
    header = find_header(data)
    if header is None:
        raise BootError("no Multiboot header in the first 8192 bytes")
    memory = cpu.memory
    start, end = _load(memory, data, header)
    module = b""
    if initrd:
        at = place_high(memory, initrd, end, "the module")
        module = struct.pack("<4I", at, at + len(initrd), 0, 0)
    runs = b"".join(struct.pack("<IQQI", 20, *run) for run in memory_map(memory))
    info_size = 88
    parts, (_, line_at, module_at, map_at) = pack(INFO_PAGE, (bytes(info_size), command_line + b"\0", module, runs))
    flags = INFO_MEMORY | INFO_COMMAND_LINE | INFO_MAP | (INFO_MODULES if module else 0)
    lower, upper = LOW_END >> 10, memory.size - HIGH_START >> 10
    info = struct.pack(
        "<7I16x2I", flags, lower, upper, 0, line_at, 1 if module else 0, module_at, len(runs), map_at
    ).ljust(info_size, b"\0")
    place(memory, INFO_PAGE, info + parts[info_size:], "the Multiboot information")
    entry.protected_mode(cpu, start, {entry.EAX: LOADED, entry.EBX: INFO_PAGE})


def _load(memory: Memory, data: bytes, header: Header) -> tuple[int, int]:
    """Returns the entry address and the end of what was loaded, both physical."""
    if not header.flags & HAS_ADDRESSES:
        file = elf_file.parse(data)
        if file.bits != 32:
            raise BootError("a 64-bit ELF file needs the address fields of the Multiboot header")
        end = load_segments(memory, file)
        check_entry(file)
        return file.entry, end
    if header.offset + 32 > len(data):
        raise BootError(f"the Multiboot header at {header.offset:#x} is cut off: the file has {len(data):#x} bytes")
    first = header.offset - (header.header_address - header.load_address)
    length = (header.load_end or len(data) - first + header.load_address) - header.load_address
    if first < 0 or length < 0 or first + length > len(data):
        raise BootError(
            f"Multiboot header: load address {header.load_address:#x}, end {header.load_end:#x} "
            f"do not fit the file's {len(data):#x} bytes"
        )
    if not header.load_address <= header.entry < max(header.load_address + length, header.bss_end):
        raise BootError(f"Multiboot header: nothing is loaded at the entry address {header.entry:#x}")
    place(memory, header.load_address, data[first : first + length], "the Multiboot image")
    loaded_end = header.load_address + length
    if header.bss_end > loaded_end:
        place(memory, loaded_end, bytes(header.bss_end - loaded_end), "the image's bss")
    return header.entry, max(loaded_end, header.bss_end)

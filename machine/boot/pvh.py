"""PVH: an ELF file whose note names a 32-bit entry point (Xen, public/arch-x86/hvm/start_info.h)."""

from __future__ import annotations

import struct

from machine.boot import entry
from machine.boot.elf import Elf
from machine.boot.layout import INFO_PAGE, check_entry, load_segments, memory_map, pack, place, place_high
from machine.cpu import Cpu
from machine.memory import PAGE
from machine.tables.place import RSDP

NOTE_NAME, PHYS32_ENTRY = b"Xen", 18
MAGIC, VERSION = 0x336EC578, 1


def entry_point(elf: Elf) -> int | None:
    """The physical entry address that the file's XEN_ELFNOTE_PHYS32_ENTRY names, None without one."""
    for note in elf.notes():
        if note.name == NOTE_NAME and note.type == PHYS32_ENTRY and len(note.description) in (4, 8):
            return int.from_bytes(note.description, "little")
    return None


def boot(cpu: Cpu, elf: Elf, initrd: bytes | None, command_line: bytes) -> None:
    """Load the file and enter it with EBX at struct hvm_start_info.  Raises `BootError` if RAM is too small."""
    memory, start = cpu.memory, entry_point(elf)
    assert start is not None
    end = load_segments(memory, elf)
    check_entry(elf._replace(entry=start))
    module = b""
    if initrd:
        at = place_high(memory, initrd, end, "the initial RAM disk")
        module = struct.pack("<4Q", at, len(initrd), 0, 0)
    map_entries = memory_map(memory)
    memmap = b"".join(struct.pack("<QQII", *run, 0) for run in map_entries)
    info_size = 56
    parts, (_, line_at, module_at, map_at) = pack(INFO_PAGE, (bytes(info_size), command_line + b"\0", module, memmap))
    info = struct.pack(
        "<4I4QII",
        MAGIC,
        VERSION,
        0,
        1 if module else 0,
        module_at if module else 0,
        line_at,
        RSDP,
        map_at,
        len(map_entries),
        0,
    )
    place(memory, INFO_PAGE, info + parts[info_size:], "the start information")
    memory.changes += 1
    entry.protected_mode(cpu, start, {entry.EBX: INFO_PAGE, entry.ESP: INFO_PAGE - PAGE})

"""Where things go in physical memory: the PC's memory map, and room for what a loader brings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from machine.boot.elf import Elf
from machine.errors import BootError, RamError
from machine.memory import PAGE, Memory

RAM, RESERVED = 1, 2
"""Types of a memory-map entry (ACPI 15)."""

LOW_END, HIGH_START = 0x9FC00, 0x100000
"""Conventional memory ends below the extended BIOS data area; RAM goes on at 1 MiB."""

INFO_PAGE = 0x9000
"""Physical address of the start information and its strings, in conventional memory."""


class Range(NamedTuple):
    """A run of the memory map: physical start and size in bytes, and its type."""

    start: int
    size: int
    type: int


def memory_map(memory: Memory) -> list[Range]:
    """The map that firmware would report (INT 15h, E820)."""
    return [
        Range(0, LOW_END, RAM),
        Range(LOW_END, 0xA0000 - LOW_END, RESERVED),
        Range(0xF0000, 0x10000, RESERVED),
        Range(HIGH_START, memory.size - HIGH_START, RAM),
    ]


def place(memory: Memory, address: int, data: bytes | memoryview, what: str) -> None:
    """Store ``data`` at a physical address.  Raises `RamError` if RAM does not hold it."""
    if address < 0 or address + len(data) > memory.size:
        raise RamError(
            f"{what}: {len(data):#x} bytes at {address:#x} do not fit in {memory.size:#x} bytes of RAM",
            address + len(data),
        )
    memory.write(address, data)


def load_segments(memory: Memory, elf: Elf) -> int:
    """Load every PT_LOAD segment at its physical address, zeros behind its file bytes.

    Returns the end of the highest one.  Raises `BootError` if there is none, `RamError` if RAM does not hold one.
    """
    loads = elf.loads()
    if not loads:
        raise BootError("the ELF file has no segment to load")
    for segment in loads:
        if segment.physical + segment.memory_size > memory.size:
            raise RamError(
                f"segment at {segment.physical:#x}: {segment.memory_size:#x} bytes do not fit "
                f"in {memory.size:#x} bytes of RAM",
                max(each.physical + each.memory_size for each in loads),
            )
        content = memoryview(elf.data)[segment.offset : segment.offset + segment.file_size]
        memory.write(segment.physical, content)
        memory.clear(segment.physical + segment.file_size, segment.memory_size - segment.file_size)
    return max(segment.physical + segment.memory_size for segment in loads)


def check_entry(elf: Elf) -> None:
    """Raises `BootError` if nothing is loaded where a file is entered, as where its entry is a virtual address."""
    if not any(segment.physical <= elf.entry < segment.physical + segment.memory_size for segment in elf.loads()):
        raise BootError(f"the ELF file's entry {elf.entry:#x} is at no physical address that a segment is loaded at")


def place_high(memory: Memory, data: bytes, above: int, what: str, *, last: int | None = None) -> int:
    """Put ``data`` on whole pages at the end of RAM, or up to the address ``last``; returns its physical address.

    ``last`` is the kernel's initrd_addr_max.  Raises `BootError` if it does not fit above ``above``: `RamError` where
    more RAM would help.
    """
    top = memory.size if last is None else min(last + 1, memory.size)
    address = top - len(data) & ~(PAGE - 1)
    if address < above:
        limit = "the end of RAM" if top == memory.size else "initrd_addr_max at 0x22c:"
        text = f"{what} of {len(data):#x} bytes does not fit between the kernel's end {above:#x} and {limit} {top:#x}"
        raise RamError(text, (above | PAGE - 1) + 1 + len(data)) if top == memory.size else BootError(text)
    memory.write(address, data)
    return address


def pack(start: int, parts: Iterable[bytes]) -> tuple[bytes, list[int]]:
    """Lay parts one behind the other from ``start``, 16-byte aligned; returns the bytes and each part's address."""
    packed, addresses = b"", []
    for part in parts:
        packed += bytes(-len(packed) % 16)
        addresses.append(start + len(packed))
        packed += part
    return packed, addresses

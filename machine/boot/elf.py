"""The parts of an ELF file that a boot loader needs: header, program headers, notes (System V ABI 4 and 5)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from machine.errors import BootError

MAGIC = b"\x7fELF"
PT_LOAD, PT_NOTE = 1, 4
EM_386, EM_X86_64 = 3, 62
MACHINES = {2: "SPARC", 8: "MIPS", 20: "PowerPC", 21: "PowerPC64", 22: "S/390", 40: "Arm", 50: "IA-64", 183: "AArch64",
            243: "RISC-V", 258: "LoongArch"}  # fmt: skip
"""Other machines that an image may be of by mistake (System V ABI, e_machine)."""
_LITTLE_ENDIAN = 1


class Segment(NamedTuple):
    """A program header: file range and memory range in bytes; ``physical`` is p_paddr."""

    type: int
    offset: int
    virtual: int
    physical: int
    file_size: int
    memory_size: int


class Note(NamedTuple):
    """An entry of a PT_NOTE segment."""

    name: bytes
    type: int
    description: bytes


class Elf(NamedTuple):
    """A parsed file: 32 or 64 ``bits``, ``entry`` address, all program headers, the file's bytes."""

    bits: int
    entry: int
    segments: tuple[Segment, ...]
    data: bytes

    def loads(self) -> list[Segment]:
        """The segments to load, those that take memory."""
        return [segment for segment in self.segments if segment.type == PT_LOAD and segment.memory_size]

    def notes(self) -> Iterator[Note]:
        """Every note of every PT_NOTE segment; a note cut short ends its segment's."""
        for segment in self.segments:
            if segment.type == PT_NOTE:
                yield from _notes(self.data[segment.offset : segment.offset + segment.file_size])


def _notes(data: bytes) -> Iterator[Note]:
    at = 0
    while at + 12 <= len(data):
        name_size, size, kind = struct.unpack_from("<3I", data, at)
        start = at + 12 + (name_size + 3 & ~3)
        if start + size > len(data):
            return
        yield Note(data[at + 12 : at + 12 + name_size].rstrip(b"\0"), kind, data[start : start + size])
        at = start + (size + 3 & ~3)


def _beginning(data: bytes) -> str:
    head = data[:16]
    return f"{head.decode()!r}" if head.isascii() and head.decode().isprintable() else head[:4].hex()


def parse(data: bytes) -> Elf:
    """Read an x86 ELF file.  Raises `BootError` that names what is wrong and where."""
    if data[:4] != MAGIC:
        raise BootError(f"no kernel image: neither ELF, Multiboot nor bzImage; it starts with {_beginning(data)}")
    if len(data) < 52:
        raise BootError(f"ELF header cut short: the file has {len(data)} bytes")
    bits = {1: 32, 2: 64}.get(data[4])
    if bits is None or data[5] != _LITTLE_ENDIAN:
        raise BootError(
            f"ELF class {data[4]} at 0x4, byte order {data[5]} at 0x5: not a little-endian 32- or 64-bit file"
        )
    layout = "<HHIQQQIHHH" if bits == 64 else "<HHIIIIIHHH"
    if len(data) < 16 + struct.calcsize(layout):
        raise BootError(f"ELF header cut short: the file has {len(data)} bytes")
    _type, machine, _version, entry, at, _, _, _, size, count = struct.unpack_from(layout, data, 16)
    if machine not in (EM_386, EM_X86_64):
        name = f" ({MACHINES[machine]})" if machine in MACHINES else ""
        raise BootError(f"ELF machine {machine}{name} at 0x12 is neither i386 ({EM_386}) nor x86-64 ({EM_X86_64})")
    return Elf(bits, entry, tuple(_segments(data, bits, at, size, count)), data)


def _segments(data: bytes, bits: int, at: int, size: int, count: int) -> Iterator[Segment]:
    layout = "<IIQQQQQ" if bits == 64 else "<IIIIIII"
    if count and size < struct.calcsize(layout):
        raise BootError(f"program headers of {size} bytes are too small")
    for number in range(count):
        start = at + number * size
        if start + struct.calcsize(layout) > len(data):
            raise BootError(f"program header {number} at {start:#x} is beyond the file's {len(data):#x} bytes")
        fields = struct.unpack_from(layout, data, start)
        kind, offset, virtual, physical, file_size, memory_size = (
            (fields[0], *fields[2:7]) if bits == 64 else fields[:6]
        )
        segment = Segment(kind, offset, virtual, physical, file_size, memory_size)
        if kind == PT_LOAD and (offset + file_size > len(data) or file_size > memory_size):
            raise BootError(
                f"segment {number}: {file_size:#x} bytes at file offset {offset:#x} do not fit "
                f"(file {len(data):#x} bytes, memory {memory_size:#x})"
            )
        yield segment

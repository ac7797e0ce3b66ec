"""The file format of snapshots: prefix, sections, sum; RAM in runs of pages.

A file is a `_PREFIX`, sections, and the SHA-256 of all before it.  A section is a `_SECTION`, with the CRC-32 of its
data, and its data.  The first section is JSON.  The others are RAM, in order: each some runs of pages that are not all
zero, compressed in one Zstandard frame.  Numbers are little-endian.  Nothing in a file depends on when, where or by
what way it was made.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple

import zstandard

from machine.errors import Error
from machine.memory import PAGE, Memory

MAGIC = b"\x89ringsnap\r\n\x1a\n\x00\x00\x00"
"""Not text, and damaged by whatever takes it for text."""

FORMAT = 1

_PREFIX = struct.Struct("<16sIII")  # magic, format, sections, CRC-32 of this prefix up to here
_SECTION = struct.Struct("<4sQI")  # name, bytes of data, CRC-32 of name, length and data
_RUN = struct.Struct("<II")  # first page, pages
_COUNT = struct.Struct("<I")
STATE, RAM = b"JSON", b"RAM\0"
_SUM = 32

SECTION_PAGES = 512
"""Pages in one section at most."""

LEVEL = 1
"""Zstandard's: the fastest that still finds most."""

_BLOCK = 16 * PAGE
_ZERO_BLOCK, _ZERO_PAGE = bytes(_BLOCK), bytes(PAGE)
MOST_STATE, MOST_RAM = 1 << 27, 2 * SECTION_PAGES * PAGE
"""Bytes of data that a section may claim."""


class Run(NamedTuple):
    """Neighbouring pages of RAM that are not all zero."""

    first: int
    pages: int


class Writer:
    """Writes a file of ``sections``, and sums up what it wrote."""

    def __init__(self, file: IO[bytes], sections: int) -> None:
        self._file = file
        self._sum = hashlib.sha256()
        prefix = _PREFIX.pack(MAGIC, FORMAT, sections, 0)[: -_COUNT.size]
        self._write(prefix + _COUNT.pack(zlib.crc32(prefix)))

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._sum.update(data)

    def section(self, name: bytes, data: bytes) -> None:
        """Append a section."""
        head = _SECTION.pack(name, len(data), 0)[: -_COUNT.size]
        self._write(head + _COUNT.pack(zlib.crc32(data, zlib.crc32(head))))
        self._write(data)

    def end(self) -> int:
        """Write the sum; the length of the file."""
        self._file.write(self._sum.digest())
        return self._file.tell()


def used(memory: Memory) -> Iterator[Run]:
    """Runs of pages that are not all zero, in order."""
    first = end = 0
    for page in _used_pages(memory):
        if page == end:
            end += 1
            continue
        if end > first:
            yield Run(first, end - first)
        first, end = page, page + 1
    if end > first:
        yield Run(first, end - first)


def _used_pages(memory: Memory) -> Iterator[int]:
    for at in range(0, memory.size, _BLOCK):
        block = bytes(memory.ram[at : at + _BLOCK])
        if block == _ZERO_BLOCK:
            continue
        for offset in range(0, len(block), PAGE):
            if block[offset : offset + PAGE] != _ZERO_PAGE:
                yield (at + offset) // PAGE


def grouped(runs: Iterator[Run]) -> Iterator[list[Run]]:
    """Runs, cut where needed, in groups of `SECTION_PAGES`."""
    group: list[Run] = []
    left = SECTION_PAGES
    for run in runs:
        first, count = run
        while count:
            taken = min(count, left)
            group.append(Run(first, taken))
            first, count, left = first + taken, count - taken, left - taken
            if not left:
                yield group
                group, left = [], SECTION_PAGES
    if group:
        yield group


def pack(memory: Memory, runs: list[Run], compressor: zstandard.ZstdCompressor) -> bytes:
    """The data of a section of RAM."""
    pages = b"".join(memory.ram[run.first * PAGE : (run.first + run.pages) * PAGE] for run in runs)
    index = b"".join(_RUN.pack(*run) for run in runs)
    return _COUNT.pack(len(runs)) + index + compressor.compress(pages)


def read_prefix(source: Reader) -> int:
    """The number of sections."""
    magic = source.file.read(len(MAGIC))
    if magic != MAGIC[: len(magic)]:
        raise Error("it does not begin as one")
    source.file.seek(0)
    prefix = source.take(_PREFIX.size, "the prefix")
    _, version, sections, check = _PREFIX.unpack(prefix)
    if zlib.crc32(prefix[: -_COUNT.size]) != check:
        raise Error("the prefix is damaged: its checksum is wrong")
    if version != FORMAT:
        raise Error(f"its format is version {version}, and this ringscope reads version {FORMAT}")
    return int(sections)


def unpack(data: bytes, decompressor: zstandard.ZstdDecompressor) -> Iterator[tuple[Run, bytes]]:
    """The runs of a section with their bytes."""
    (count,) = _COUNT.unpack(data[: _COUNT.size].ljust(_COUNT.size, b"\0"))
    frame = _COUNT.size + count * _RUN.size
    if not 0 < count <= SECTION_PAGES or frame > len(data):
        raise Error(f"a section of RAM claims {count} runs of pages")
    runs = [Run(*pair) for pair in _RUN.iter_unpack(data[_COUNT.size : frame])]
    length = sum(run.pages for run in runs) * PAGE
    try:
        if zstandard.frame_content_size(data[frame:]) != length or not length:
            raise Error(f"RAM from page {runs[0].first:#x} on has not the {length} bytes of its pages")
        pages = decompressor.decompress(data[frame:])
    except zstandard.ZstdError as error:
        raise Error(f"RAM from page {runs[0].first:#x} on cannot be unpacked: {error}") from None
    at = 0
    for run in runs:
        yield run, pages[at : at + run.pages * PAGE]
        at += run.pages * PAGE


class Reader:
    """Takes a file apart, and sums up what it read."""

    def __init__(self, file: IO[bytes], at: int = 0) -> None:
        self.file = file
        self.at = at
        self._sum = hashlib.sha256()

    def take(self, length: int, what: str) -> bytes:
        """Exactly so many bytes.  Raises `Error` if the file is cut short in ``what``."""
        data = self.file.read(length)
        if len(data) < length:
            raise Error(f"it is cut short in {what}, at byte {self.at + len(data):#x}")
        self.at += length
        self._sum.update(data)
        return data

    def section(self, name: bytes, most: int) -> bytes:
        """The data of the next section, ``most`` bytes at most, which must be of this name."""
        what = f"the section at byte {self.at:#x}"
        head = self.take(_SECTION.size, what)
        found, length, check = _SECTION.unpack(head)
        if found != name or length > most:
            raise Error(f"{what} is damaged: {found!r} of {length} bytes")
        data = self.take(length, what)
        if zlib.crc32(data, zlib.crc32(head[: -_COUNT.size])) != check:
            raise Error(f"{what} is damaged: its checksum is wrong")
        return data

    def end(self) -> None:
        """The sum of all, and nothing behind it."""
        expected, stored = self._sum.digest(), self.file.read(_SUM)
        if len(stored) < _SUM:
            raise Error(f"it is cut short in its checksum, at byte {self.at + len(stored):#x}")
        if stored != expected:
            raise Error("its checksum is wrong")
        if self.file.read(1):
            raise Error(f"something follows its end, at byte {self.at + _SUM:#x}")


def read_memory(source: Reader, sections: int, size: int) -> Iterator[tuple[Run, bytes]]:
    """The runs of pages in ``sections`` sections with their bytes, in order.  Raises `Error`, also beyond ``size``."""
    decompressor, page = zstandard.ZstdDecompressor(), 0
    for _ in range(sections):
        for run, data in unpack(source.section(RAM, MOST_RAM), decompressor):
            if run.first < page or not run.pages or run.first + run.pages > size // PAGE:
                raise Error(f"RAM at page {run.first:#x} is out of order, or beyond its end")
            page = run.first + run.pages
            yield run, data

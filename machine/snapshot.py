"""A machine in a file: format, checks, and how it comes back.

A file is a `_PREFIX`, sections, and the SHA-256 of all before it.  A section is a `_SECTION`, with the CRC-32 of its
data, and its data.  The first section is JSON: processor, devices, size of RAM, and what the caller wants to remember
of the guest.  The others are RAM, in order: each some runs of pages that are not all zero, compressed in one Zstandard
frame.  Numbers are little-endian.  Nothing in a file depends on when, where or by what way it was made.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

import zstandard

from machine import processorstate
from machine.bios import firmware
from machine.errors import Error
from machine.fields import State, mapping, number
from machine.machine import Machine
from machine.memory import MAXIMUM, MINIMUM, PAGE, Memory
from machine.positions import Position

MAGIC = b"\x89ringsnap\r\n\x1a\n\x00\x00\x00"
"""Not text, and damaged by whatever takes it for text."""

FORMAT = 1

_PREFIX = struct.Struct("<16sIII")  # magic, format, sections, CRC-32 of this prefix up to here
_SECTION = struct.Struct("<4sQI")  # name, bytes of data, CRC-32 of name, length and data
_RUN = struct.Struct("<II")  # first page, pages
_COUNT = struct.Struct("<I")
_STATE, _RAM = b"JSON", b"RAM\0"
_SUM = 32

SECTION_PAGES = 512
"""Pages in one section at most."""

LEVEL = 1
"""Zstandard's: the fastest that still finds most."""

_BLOCK = 16 * PAGE
_ZERO_BLOCK, _ZERO_PAGE = bytes(_BLOCK), bytes(PAGE)
_MOST_STATE, _MOST_RAM = 1 << 27, 2 * SECTION_PAGES * PAGE
"""Bytes of data that a section may claim."""


class SnapshotError(Error):
    """A snapshot cannot be used or written; the message names the file and why."""


class Run(NamedTuple):
    """Neighbouring pages of RAM that are not all zero."""

    first: int
    pages: int


@dataclass(frozen=True)
class Snapshot:
    """An open file that has been read from end to end and found whole.

    ``guest`` is what the caller of `save` wanted to remember; ``sections`` are the offsets of RAM's sections.
    """

    path: Path
    file: IO[bytes]
    memory: int
    guest: State
    processor: State
    machine: State
    sections: tuple[int, ...]

    @property
    def position(self) -> Position:
        """Where the run was."""
        rest = mapping(self.processor.get("rest"), "processor")
        at = (self.processor.get("progress"), rest.get("events"))
        return Position(*(number(1 << 62).load(value, None, "position") for value in at))


# Writing


def save(machine: Machine, path: Path, guest: State | None = None) -> int:
    """Write a machine between two runs to a file, which takes its name when it is whole; returns its size in bytes.

    ``guest`` are JSON values to remember with it.  The machine does not change.  Raises `SnapshotError`.
    """
    state = {
        "memory": machine.memory.size,
        "guest": guest or {},
        "processor": processorstate.save(machine.cpu),
        "machine": machine.save(),
    }
    text = json.dumps(state, sort_keys=True, separators=(",", ":")).encode()
    groups = [*_grouped(_used(machine.memory))]
    try:
        with _replacing(path) as file:
            out = _Writer(file)
            prefix = _PREFIX.pack(MAGIC, FORMAT, 1 + len(groups), 0)[: -_COUNT.size]
            out.write(prefix + _COUNT.pack(zlib.crc32(prefix)))
            out.section(_STATE, text)
            compressor = zstandard.ZstdCompressor(level=LEVEL)
            for runs in groups:
                out.section(_RAM, _pack(machine.memory, runs, compressor))
            file.write(out.sum.digest())
            return file.tell()
    except OSError as error:
        raise SnapshotError(f"{path} cannot be written: {error.strerror or error}") from error


class _Writer:
    """Writes, and sums up what it wrote."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sum = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.sum.update(data)

    def section(self, name: bytes, data: bytes) -> None:
        head = _SECTION.pack(name, len(data), 0)[: -_COUNT.size]
        self.write(head + _COUNT.pack(zlib.crc32(data, zlib.crc32(head))))
        self.write(data)


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name when it is whole."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with new.open("wb") as file:
            yield file
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _used(memory: Memory) -> Iterator[Run]:
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


def _grouped(runs: Iterator[Run]) -> Iterator[list[Run]]:
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


def _pack(memory: Memory, runs: list[Run], compressor: zstandard.ZstdCompressor) -> bytes:
    pages = b"".join(memory.ram[run.first * PAGE : (run.first + run.pages) * PAGE] for run in runs)
    index = b"".join(_RUN.pack(*run) for run in runs)
    return _COUNT.pack(len(runs)) + index + compressor.compress(pages)


# Reading


@contextmanager
def opened(path: Path) -> Iterator[Snapshot]:
    """Read a file from end to end, and check all of it but what only a machine can tell.

    Raises `SnapshotError` naming the file and what is wrong.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror or error}") from error
    with file:
        try:
            snapshot = _read(path, file)
        except OSError as error:
            raise SnapshotError(f"{path} cannot be read: {error.strerror or error}") from error
        except Error as error:
            raise SnapshotError(f"{path} is no usable snapshot: {error}") from None
        yield snapshot


def _read(path: Path, file: IO[bytes]) -> Snapshot:
    source = _Reader(file)
    sections = _read_prefix(source)
    state = _read_state(source.section(_STATE, _MOST_STATE))
    memory = number(MAXIMUM, MINIMUM).load(state.get("memory"), None, "memory")
    decompressor, at, page = zstandard.ZstdDecompressor(), [], 0
    for _ in range(sections - 1):
        at.append(source.at)
        for run, _data in _unpack(source.section(_RAM, _MOST_RAM), decompressor):
            if run.first < page or not run.pages or run.first + run.pages > memory // PAGE:
                raise Error(f"RAM at page {run.first:#x} is out of order, or beyond its end")
            page = run.first + run.pages
    source.end()
    guest, processor, machine = (mapping(state.get(name), name) for name in ("guest", "processor", "machine"))
    return Snapshot(path, file, memory, guest, processor, machine, tuple(at))


def _read_prefix(source: _Reader) -> int:
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


def _read_state(data: bytes) -> State:
    try:
        return mapping(json.loads(data), "the state")
    except (ValueError, RecursionError) as error:
        raise Error(f"the state is no JSON: {error}") from None


def _unpack(data: bytes, decompressor: zstandard.ZstdDecompressor) -> Iterator[tuple[Run, bytes]]:
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


class _Reader:
    """Takes a file apart, and sums up what it read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.at = 0
        self._sum = hashlib.sha256()

    def take(self, length: int, what: str) -> bytes:
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


# Coming back


def load(machine: Machine, snapshot: Snapshot) -> None:
    """Put a machine, between two runs, where the snapshot was taken; breakpoints and watches stay.

    Everything is checked before anything changes.  Raises `SnapshotError` naming the file and what is wrong.
    """
    try:
        if machine.memory.size != snapshot.memory:
            raise Error(f"it has {snapshot.memory >> 10} KiB of RAM, and this machine {machine.memory.size >> 10}")
        processor = processorstate.check(machine.cpu, snapshot.processor)
        _load_devices(machine, snapshot.machine)
    except Error as error:
        raise SnapshotError(f"{snapshot.path} does not fit this machine: {error}") from None
    processorstate.load(machine.cpu, processor)
    _load_memory(machine.memory, snapshot)
    machine.stop_here()


def _load_devices(machine: Machine, state: State) -> None:
    """Firmware is attached or taken out as the snapshot wants it."""
    wanted = firmware.NAME in mapping(state.get("devices"), "devices")
    attached = firmware.NAME in machine.devices
    change: dict[bool, Callable[[], None]] = {
        True: lambda: firmware.attach(machine),
        False: lambda: machine.detach(firmware.NAME),
    }
    if wanted != attached:
        change[wanted]()
    try:
        machine.load(state)
    except Error:
        if wanted != attached:
            change[attached]()
        raise


def _load_memory(memory: Memory, snapshot: Snapshot) -> None:
    memory.clear()
    source, decompressor = _Reader(snapshot.file), zstandard.ZstdDecompressor()
    for at in snapshot.sections:
        snapshot.file.seek(at)
        for run, data in _unpack(source.section(_RAM, _MOST_RAM), decompressor):
            memory.ram[run.first * PAGE : run.first * PAGE + len(data)] = data

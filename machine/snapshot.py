"""A machine in a file, and back: the format is `machine.snapshotfile`'s."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import zstandard

from machine import processorstate
from machine.bios import firmware
from machine.errors import Error
from machine.fields import State, mapping, number
from machine.machine import Machine
from machine.memory import MAXIMUM, MINIMUM, PAGE
from machine.positions import Position
from machine.snapshotfile import (
    LEVEL,
    MOST_STATE,
    RAM,
    STATE,
    Reader,
    Writer,
    grouped,
    pack,
    read_memory,
    read_prefix,
    used,
)


class SnapshotError(Error):
    """A snapshot cannot be used or written; the message names the file and why."""


@dataclass(frozen=True)
class Snapshot:
    """An open file: its head, and from where on RAM is in how many sections.

    ``guest`` is what the caller of `save` wanted to remember.
    """

    path: Path
    file: IO[bytes]
    memory: int
    guest: State
    processor: State
    machine: State
    start: int
    sections: int

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
    _check_one_processor(machine)
    if path.exists() and not path.is_file():  # a device's name is not taken from it
        raise SnapshotError(f"{path} cannot be written: it is {'a directory' if path.is_dir() else 'no regular file'}")
    state = {
        "memory": machine.memory.size,
        "guest": guest or {},
        "processor": processorstate.save(machine.cpu),
        "machine": machine.save(),
    }
    text = json.dumps(state, sort_keys=True, separators=(",", ":")).encode()
    groups = [*grouped(used(machine.memory))]
    try:
        with _replacing(path) as file:
            out = Writer(file, 1 + len(groups))
            out.section(STATE, text)
            compressor = zstandard.ZstdCompressor(level=LEVEL)
            for runs in groups:
                out.section(RAM, pack(machine.memory, runs, compressor))
            return out.end()
    except OSError as error:
        raise SnapshotError(f"{path} cannot be written: {error.strerror or error}") from error


def _check_one_processor(machine: Machine) -> None:
    if count := len(machine.cpus) - 1:
        raise SnapshotError(f"--cpus {count + 1}: a snapshot keeps one processor alone")


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


# Reading


@contextmanager
def opened(path: Path) -> Iterator[Snapshot]:
    """Read a file from end to end, and check all of it but what only a machine can tell.

    Raises `SnapshotError` naming the file and what is wrong.
    """
    with _reading(path) as file:
        with _usable(path):
            source, snapshot = _read_head(path, file)
            for _ in read_memory(source, snapshot.sections, snapshot.memory):
                pass
            source.end()
        yield snapshot


def peek(path: Path) -> Snapshot:
    """What the head of a file says, without a look at RAM; it cannot be loaded.  Raises `SnapshotError`."""
    with _reading(path) as file, _usable(path):
        return _read_head(path, file)[1]


@contextmanager
def _reading(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror or error}") from error


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except Error as error:
        raise SnapshotError(f"{path} is no usable snapshot: {error}") from None


def _read_head(path: Path, file: IO[bytes]) -> tuple[Reader, Snapshot]:
    source = Reader(file)
    sections = read_prefix(source)
    state = _read_state(source.section(STATE, MOST_STATE))
    memory = number(MAXIMUM, MINIMUM).load(state.get("memory"), None, "memory")
    if memory % PAGE:
        raise Error(f"memory is {memory:#x} bytes, no whole pages")
    guest, processor, machine = (mapping(state.get(name), name) for name in ("guest", "processor", "machine"))
    snapshot = Snapshot(path, file, memory, guest, processor, machine, source.at, sections - 1)
    snapshot.position  # noqa: B018 - checked here
    return source, snapshot


def _read_state(data: bytes) -> State:
    try:
        return mapping(json.loads(data), "the state")
    except (ValueError, RecursionError) as error:
        raise Error(f"the state is no JSON: {error}") from None


# Coming back


def load(machine: Machine, snapshot: Snapshot) -> None:
    """Put a machine, between two runs, where an `opened` snapshot was taken; breakpoints and watches stay.

    Everything is checked before anything changes.  Raises `SnapshotError` naming the file and what is wrong.
    """
    _check_one_processor(machine)
    _load_state(machine, snapshot)
    snapshot.file.seek(snapshot.start)
    _load_memory(machine, Reader(snapshot.file, snapshot.start), snapshot)


def begin(path: Path, make: Callable[[Snapshot], Machine]) -> tuple[Machine, Snapshot]:
    """A new machine, made by ``make``, where a snapshot was taken.  Raises `SnapshotError` as `opened` and `load`.

    The file is read only once: nobody has the machine before the file is found whole.
    """
    with _reading(path) as file:
        with _usable(path):
            source, snapshot = _read_head(path, file)
        machine = make(snapshot)
        _load_state(machine, snapshot)
        with _usable(path):
            _load_memory(machine, source, snapshot)
            source.end()
    return machine, snapshot


def _load_state(machine: Machine, snapshot: Snapshot) -> None:
    try:
        if machine.memory.size != snapshot.memory:
            raise Error(f"it has {snapshot.memory >> 10} KiB of RAM, and this machine {machine.memory.size >> 10}")
        processor = processorstate.check(machine.cpu, snapshot.processor)
        _load_devices(machine, snapshot.machine)
    except Error as error:
        raise SnapshotError(f"{snapshot.path} does not fit this machine: {error}") from None
    processorstate.load(machine.cpu, processor)
    if machine.cpu.progress.trace is not None:
        machine.cpu.progress.trace.clear()


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


def _load_memory(machine: Machine, source: Reader, snapshot: Snapshot) -> None:
    memory = machine.memory
    memory.clear()
    for run, data in read_memory(source, snapshot.sections, snapshot.memory):
        memory.ram[run.first * PAGE : run.first * PAGE + len(data)] = data
    machine.stop_here()

"""Snapshots by name, what they remember of a guest, and a guest out of one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kernel.errors import Error as KernelError
from kernel.image import Image, find_image
from machine import snapshot, snapshotfile
from machine.devices.serial import PORTS
from machine.engine.choice import Engine
from machine.errors import Error
from machine.fields import State, mapping
from machine.machine import Machine
from machine.snapshot import Snapshot, SnapshotError
from ringscope import cache
from ringscope.serial.spec import NULL, STDIO, Spec

if TYPE_CHECKING:
    from ringscope.boot import Guest
    from ringscope.configuration import Configuration

SUFFIX = ".snapshot"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", re.ASCII)

_WHOLE = 64 << 20
_END = 1 << 20


def directory() -> Path:
    """Where snapshots with a name are: nothing that a client types leads out of it."""
    return cache.root() / "snapshots"


def path_of(name: str) -> Path:
    """The file of a name.  Raises `SnapshotError` for what is no name: letters, digits, and - _ . inside."""
    if not _NAME.fullmatch(name):
        raise SnapshotError(f"{name!r} is no name: use letters, digits, - _ and, but for the first, .")
    return directory() / f"{name}{SUFFIX}"


def find(word: str) -> Path:
    """The file that a word on the command line means: a path, or else a name.  Raises `SnapshotError`."""
    path = Path(word)
    if path.exists() or not _NAME.fullmatch(word):
        return path
    named = path_of(word)
    if not named.exists():
        raise SnapshotError(f"there is neither a file {word} nor a snapshot of this name in {directory()}")
    return named


class Listed(NamedTuple):
    """A snapshot with a name: bytes of the file and, if that can be used, of RAM, and where the run is."""

    name: str
    length: int
    memory: int | None
    position: str
    kernel: str


def listed() -> Iterator[Listed]:
    """All snapshots with a name, by name; one that cannot be used says so in place of its position."""
    for path in sorted(directory().glob(f"*{SUFFIX}")):
        name, length = path.name.removesuffix(SUFFIX), path.stat().st_size
        try:
            head = snapshot.peek(path)
            yield Listed(name, length, head.memory, str(head.position), Path(str(_facts(head, "kernel")[0])).name)
        except Error as error:
            yield Listed(name, length, None, "", str(error))


# What is remembered of a guest


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's size and content; of one above 64 MiB, of its first and last MiB.

    Those hold an ELF file's build ID and its section headers, which no two builds have in common.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(size.to_bytes(8, "little"))
    with path.open("rb") as file:
        if size <= _WHOLE:
            digest.update(file.read())
        else:
            digest.update(file.read(_END))
            file.seek(-_END, 2)
            digest.update(file.read())
    return digest.hexdigest()


def facts(guest: Guest) -> State:
    """What a snapshot remembers: protocol, kernel, symbols, the port of the terminal.  Raises OSError."""
    ports = guest.lines.ports
    return {
        "protocol": guest.protocol,
        "kernel": [str(guest.kernel.absolute()), fingerprint(guest.kernel)],
        "symbols": None
        if guest.symbols_file is None
        else [str(guest.symbols_file.absolute()), fingerprint(guest.symbols_file)],
        "terminal": None if guest.lines.terminal is None else ports.index(guest.lines.terminal),
    }


def _facts(found: Snapshot, name: str) -> list[object]:
    """A path and its fingerprint, or nothing."""
    value = found.guest.get(name)
    return value if isinstance(value, list) and len(value) == 2 else [None, None]


def is_of(found: Snapshot, guest: Guest) -> bool:
    """Whether it was taken from this guest's kernel, as far as can be told.  Raises OSError."""
    _, mark = _facts(found, "kernel")
    return mark is None or not guest.kernel.exists() or mark == fingerprint(guest.kernel)


def same_file(found: Snapshot, name: str) -> Path | None:
    """A remembered file, if it is still there and still the same."""
    path, mark = _facts(found, name)
    if not isinstance(path, str):
        return None
    try:
        return Path(path) if fingerprint(Path(path)) == mark else None
    except OSError:
        return None


def save(guest: Guest, path: Path) -> int:
    """Write a guest to a file, whose directory is made if need be; its length.  Raises `SnapshotError`, OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return snapshot.save(guest.machine, path, facts(guest))


def default_path(guest: Guest) -> Path:
    """The file of a guest's snapshot that was given no name: kernel and position, among those with a name."""
    kernel = re.sub(r"[^A-Za-z0-9._-]", "_", guest.kernel.name).lstrip(".")[:60] or "kernel"
    return path_of(f"{kernel}-{guest.machine.position.progress}")


def instant_path(setup: Configuration) -> Path:
    """The file for the prompt to which a configuration boots: another one whenever anything of it is another."""
    from importlib import metadata

    files = [path and fingerprint(path) for path in (setup.kernel, setup.initrd)]
    key = (
        metadata.version("ringscope"),
        snapshotfile.FORMAT,
        files,
        setup.append,
        setup.memory,
        setup.entry,
        len(setup.serial),
    )
    symbols = setup.symbols_file and str(setup.symbols_file)
    place = setup.serial.index(STDIO) if STDIO in setup.serial else None
    return path_of(f"instant-{hashlib.sha256(repr((key, symbols, place)).encode()).hexdigest()[:20]}")


# Coming back


class Restored(NamedTuple):
    """A machine out of a snapshot, and what is known of the kernel in it."""

    machine: Machine
    kernel: Path
    protocol: str
    image: Image | None
    symbols_file: Path | None
    serial: tuple[Spec, ...]
    notes: tuple[str, ...]


def restore(path: Path, serial: tuple[Spec, ...] = (), engine: Engine | None = None) -> Restored:
    """Make the machine of a file; ``serial`` is what its ports shall be joined to, empty for as they were.

    Raises `SnapshotError`.
    """

    def make(found: Snapshot) -> Machine:
        count = _port_count(found)
        if len(serial or range(count)) != count:
            raise SnapshotError(f"{path} has {count} serial ports, not {len(serial)}: give --serial as often")
        return Machine(found.memory, serial_ports=count, engine=engine)

    machine, found = snapshot.begin(path, make)
    kernel, symbols = (same_file(found, name) for name in ("kernel", "symbols"))
    lost, _ = _facts(found, "symbols")
    gone = lost is not None and symbols is None
    notes = (f"symbols are not loaded: {lost} is not there any more, or another file now",) if gone else ()
    known, _ = _facts(found, "kernel")
    protocol = found.guest.get("protocol")
    shown = Path(known) if isinstance(known, str) else path
    ends = serial or _serial(found, len(machine.serial_ports))
    return Restored(machine, shown, str(protocol or "unknown"), _own_image(kernel), symbols, ends, notes)


def _port_count(found: Snapshot) -> int:
    devices = mapping(found.machine.get("devices"), "devices")
    return sum(row.name in devices for row in PORTS)


def _serial(found: Snapshot, count: int) -> tuple[Spec, ...]:
    terminal = found.guest.get("terminal")
    return tuple(STDIO if number == terminal else NULL for number in range(count))


def _own_image(kernel: Path | None) -> Image | None:
    try:
        image = find_image()
    except KernelError:
        return None
    own = (image.vmlinux.absolute(), image.bzimage.absolute())
    return image if kernel is not None and kernel.absolute() in own else None

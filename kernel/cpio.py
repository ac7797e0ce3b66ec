"""Write cpio archives in "newc" format, as Linux's initramfs is. Nothing of the host gets in: no times, no owners."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from typing import NamedTuple

from kernel.errors import ArchiveError

MAGIC = "070701"
TRAILER = "TRAILER!!!"
FIELD_LIMIT = 1 << 32


class Member(NamedTuple):
    """One name of the archive: path without a leading slash, mode with its type bits, and what it holds."""

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(path: str) -> Member:
    """A directory that all may read and search."""
    return Member(path, stat.S_IFDIR | 0o755)


def regular(path: str, data: bytes, *, executable: bool = False) -> Member:
    """A file of the given bytes."""
    return Member(path, stat.S_IFREG | (0o755 if executable else 0o644), data)


def symbolic_link(path: str, target: str) -> Member:
    """A name that stands for another."""
    return Member(path, stat.S_IFLNK | 0o777, target.encode())


def character_device(path: str, major: int, minor: int) -> Member:
    """A device node that all may read and write."""
    return Member(path, stat.S_IFCHR | 0o666, device=(major, minor))


def archive(members: Iterable[Member]) -> bytes:
    """The archive, by path, with the directories on the way added where no member says otherwise.

    ArchiveError names a member that newc cannot hold, or a path that comes twice.
    """
    listed = _with_parents(list(members))
    parts = [_member(number, member) for number, member in enumerate(listed, 1)]
    return b"".join([*parts, _member(0, Member(TRAILER, 0))])


def _with_parents(members: list[Member]) -> list[Member]:
    by_path: dict[str, Member] = {}
    for member in members:
        if member.path in by_path:
            raise ArchiveError(f"two members of one path: {member.path}")
        by_path[member.path] = member
    for member in members:
        parts = member.path.split("/")
        for count in range(1, len(parts)):
            parent = "/".join(parts[:count])
            by_path.setdefault(parent, directory(parent))
    return [by_path[path] for path in sorted(by_path)]


def _member(number: int, member: Member) -> bytes:
    """Header, name and bytes, the name and the bytes padded to a multiple of four."""
    name = member.path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(member.mode) else 1
    fields = (number, member.mode, 0, 0, links, 0, len(member.data), 0, 0, *member.device, len(name), 0)
    if any(not 0 <= field < FIELD_LIMIT for field in fields):
        raise ArchiveError(f"{member.path}: a field of {fields} does not fit in 32 bits")
    header = MAGIC.encode() + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name) + _padded(member.data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)

"""Files of a running kernel: where they are in the tree of names, and which a task has open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kernel.errors import UnreadableError
from kernel.objects import Object
from kernel.tasks import Task

MOST_COMPONENTS = 256
"""Names in a path after which its directories are taken for a circle."""

MOST_DESCRIPTORS = 4096


class OpenFile(NamedTuple):
    """A file descriptor of a task."""

    descriptor: int
    path: str
    mode: int
    position: int


def path_of(file: Object) -> str:
    """Where a `struct file` is in the tree of names. Raises UnreadableError.

    Linux's names go on from a mount's root at its mount point (fs/d_path.c); our own kernel's roots have a parent.
    """
    dentry, names = file.follow("f_path.dentry"), list[str]()
    mount = _mount_of(file)
    while dentry is not None and len(names) < MOST_COMPONENTS:
        parent = dentry.follow("d_parent")
        if parent is None or parent.address == dentry.address:
            above = mount.follow("mnt_parent") if mount is not None else None
            if mount is None or above is None or above.address == mount.address:
                return _joined(names, dentry)
            dentry, mount = mount.follow("mnt_mountpoint"), above
            continue
        names.append(dentry.string("d_name.name"))
        dentry = parent
    raise UnreadableError(f"the file at {file.address:#x} has no path: its directories do not end at a root")


def _joined(names: list[str], root: Object) -> str:
    """A path from the root, or what has none, such as ``pipe:``."""
    top = root.string("d_name.name")
    return "/" + "/".join(reversed(names)) if top in ("", "/") else top


def _mount_of(file: Object) -> Object | None:
    """The `struct mount` around the `struct vfsmount` that a file was opened by."""
    member = file.kernel.find_member("struct mount", "mnt")
    if member is None or not file.has("f_path.mnt"):
        return None
    address = file.number("f_path.mnt")
    if not address:
        return None
    return file.kernel.object("struct mount", address - member.offset)


def for_each_open_file(task: Task) -> Iterator[OpenFile]:
    """The files that a task has open, by descriptor. Raises UnreadableError."""
    files = task.object.follow("files")
    if files is None:
        return
    first, count = _table(files)
    for descriptor in range(min(count, MOST_DESCRIPTORS)):
        address = task.object.kernel.number_at(first + 8 * descriptor)
        if address:
            file = task.object.kernel.object("struct file", address)
            yield OpenFile(descriptor, path_of(file), file.number("f_mode"), file.number("f_pos"))


def _table(files: Object) -> tuple[int, int]:
    """Address and length of the array of descriptors."""
    if not files.has("fdt"):  # our own kernel has one size for all
        return files.address_of("fd_array"), files.kernel.member(files.structure, "fd_array").length // 8
    table = files.follow("fdt")
    return (table.number("fd"), table.number("max_fds")) if table is not None else (0, 0)


def executable(task: Task) -> str | None:
    """The path of the program that a task runs; None for one without. Raises UnreadableError."""
    if task.mm is None:
        return None
    if task.mm.has("exe_file"):
        file = task.mm.follow("exe_file")
        return path_of(file) if file is not None else None
    from kernel.areas import for_each_vma

    start = task.mm.number("start_code")
    for area in for_each_vma(task.mm):
        if area.start <= start < area.end and area.file is not None:
            return path_of(area.file)
    return None

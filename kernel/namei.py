"""Linux's tree of names: a path's inode, through directories, mounts and symbolic links (Linux: fs/namei.c).

Only names that the kernel has in memory are found: those of tmpfs and ramfs are all of them.
"""

from __future__ import annotations

import stat
from typing import NamedTuple

from kernel.errors import UnreadableError
from kernel.objects import Kernel, Object, for_each_entry, read_string
from kernel.pagecache import content

DENTRY, MOUNT = "struct dentry", "struct mount"
MOST_LINKS = 40
"""Symbolic links in a path (include/linux/namei.h, MAXSYMLINKS)."""


class Place(NamedTuple):
    """A name in the tree: its directory entry, and the mount that this is in."""

    mount: Object
    dentry: Object


def read_name(kernel: Kernel, path: str) -> bytes:
    """What a regular file holds. FileNotFoundError, IsADirectoryError; UnreadableError, SymbolsError."""
    inode = _find(_root(kernel), path)
    mode = inode.number("i_mode")
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(path)
    if not stat.S_ISREG(mode):
        raise UnreadableError(f"a {stat.filemode(mode)[0]} has no content of its own")
    return content(inode)


def _root(kernel: Kernel) -> Place:
    fs = kernel.variable("init_fs", "struct fs_struct")
    mount = kernel.object(MOUNT, fs.number("root.mnt") - kernel.member(MOUNT, "mnt").offset)
    return _mounted(mount, kernel.object(DENTRY, fs.number("root.dentry")))


def _find(root: Place, path: str) -> Object:
    """The inode; of a symbolic link, that of where it leads."""
    names, way, links = path.split("/")[::-1], [root], 0
    while names:
        name = names.pop()
        if name == "..":
            way = way[:-1] or way
        if name in ("", ".", ".."):
            continue
        place = _mounted(way[-1].mount, _child(way[-1].dentry, name))
        inode = _inode(place)
        if not stat.S_ISLNK(inode.number("i_mode")):
            way.append(place)
            continue
        links += 1
        if links > MOST_LINKS:
            raise FileNotFoundError(path)
        target = _target(inode)
        names += target.split("/")[::-1]
        way = [root] if target.startswith("/") else way
    return _inode(way[-1])


def _child(directory: Object, name: str) -> Object:
    """The entry of a name; one that was deleted, and is still open, is out of the hash table."""
    for child in for_each_entry(directory.kernel, directory.address_of("d_subdirs"), DENTRY, "d_child"):
        if child.number("d_hash.pprev") and child.string("d_name.name") == name:
            return child
    raise FileNotFoundError(name)


def _mounted(mount: Object, dentry: Object) -> Place:
    """What is mounted on an entry, or it itself."""
    for above in for_each_entry(mount.kernel, mount.address_of("mnt_mounts"), MOUNT, "mnt_child"):
        if above.number("mnt_mountpoint") == dentry.address:
            return _mounted(above, mount.kernel.object(DENTRY, above.number("mnt.mnt_root")))
    return Place(mount, dentry)


def _inode(place: Place) -> Object:
    inode = place.dentry.follow("d_inode")
    if inode is None:
        raise FileNotFoundError(place.dentry.string("d_name.name"))
    return inode


def _target(link: Object) -> str:
    near = link.number("i_link")
    return read_string(link.kernel, near) if near else content(link).partition(b"\0")[0].decode("utf-8", "replace")

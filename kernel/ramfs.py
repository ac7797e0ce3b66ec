"""The files that our own kernel keeps in memory, by path: its tree of names, and its page cache."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from kernel.objects import Kernel, Object, for_each_entry

DENTRY = "struct dentry"
PAGE_SHIFT, SLOT_BITS = 12, 9
"""A page's bytes, and the pointers of a page of them, as powers of two (kernel/guest/mm/filemap.c)."""

PAGE_SIZE = 1 << PAGE_SHIFT
MOST_BYTES = 64 << 20
"""The longest file that is read."""


def is_ours(kernel: Kernel) -> bool:
    """Whether the kernel's tree of names is that of our own."""
    return kernel.find_member(DENTRY, "d_mounted") is not None


def read_name(kernel: Kernel, path: str) -> bytes:
    """What a regular file holds. FileNotFoundError, IsADirectoryError."""
    dentry = kernel.object(DENTRY, kernel.variable("init_fs", "struct fs_struct").number("root.dentry"))
    for name in path.split("/"):
        dentry = _child(dentry, name) if name else dentry
    inode = dentry.follow("d_inode")
    if inode is None:
        raise FileNotFoundError(path)
    if stat.S_ISDIR(inode.number("i_mode")):
        raise IsADirectoryError(path)
    length = min(inode.number("i_size"), MOST_BYTES)
    return b"".join(_pages(inode, length))[:length]


def _child(directory: Object, name: str) -> Object:
    kernel, head = directory.kernel, directory.address_of("d_subdirs")
    for child in for_each_entry(kernel, head, DENTRY, "d_child"):
        if child.string("d_name.name") == name:
            return child.follow("d_mounted") or child
    raise FileNotFoundError(name)


def _pages(inode: Object, length: int) -> Iterator[bytes]:
    """The file's pages, zeros for its holes."""
    for index in range((length + PAGE_SIZE - 1) >> PAGE_SHIFT):
        page = _page(inode, index)
        yield inode.kernel.memory.read(page, PAGE_SIZE) if page else bytes(PAGE_SIZE)


def _page(inode: Object, index: int) -> int:
    node, height = inode.number("i_data.i_pages"), inode.number("i_data.height")
    if index >> height * SLOT_BITS:
        return 0
    while node and height:
        height -= 1
        slot = index >> height * SLOT_BITS & (1 << SLOT_BITS) - 1
        node = inode.kernel.number_at(node + 8 * slot)
    return node

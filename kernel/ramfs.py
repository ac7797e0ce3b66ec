"""The regular files that our own kernel keeps in memory: the initramfs's, by path."""

from __future__ import annotations

import stat

from kernel.errors import SymbolsError
from kernel.objects import Kernel, Object, for_each_entry

INODE = "struct inode"
MOST_BYTES = 64 << 20
"""The longest file that is read."""


def read_name(kernel: Kernel, path: str) -> bytes:
    """What a regular file holds. FileNotFoundError, IsADirectoryError; SymbolsError for another kernel's files."""
    if kernel.find_member(INODE, "i_children") is None:
        raise SymbolsError("only /proc and the files of the kernel model can be read")
    inode = kernel.variable("root_inode", INODE)
    for name in path.split("/"):
        inode = _child(inode, name) if name else inode
    if stat.S_ISDIR(inode.number("i_mode")):
        raise IsADirectoryError(path)
    length = min(inode.number("i_size"), MOST_BYTES)
    return kernel.memory.read(inode.number("i_data"), length) if length else b""


def _child(directory: Object, name: str) -> Object:
    kernel, head = directory.kernel, directory.address_of("i_children")
    for child in for_each_entry(kernel, head, INODE, "i_sibling"):
        if child.string("i_name") == name:
            return child
    raise FileNotFoundError(name)

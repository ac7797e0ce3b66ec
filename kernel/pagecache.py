"""What Linux has of a file in memory: the pages in its inode's xarray (Linux: mm/filemap.c, lib/xarray.c)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kernel.errors import UnreadableError
from kernel.objects import Kernel, Object

NODE, PAGE = "struct xa_node", "struct page"
PAGE_SHIFT = 12
MOST_BYTES = 64 << 20
"""The longest file that is read."""

IN_MEMORY = frozenset((0x01021994, 0x858458F6))
"""s_magic of tmpfs and ramfs, whose files have holes where a page is not there (include/uapi/linux/magic.h)."""

# An entry's lowest bits: 0 a pointer, 1 a value, such as a page that was swapped out; 2 a node of the tree or, below
# that, the slot whose entry reaches as far as this one (include/linux/xarray.h).
_KIND, _INTERNAL, _LEAST_NODE = 3, 2, 4096
_WORD = 8


class _Run(NamedTuple):
    """Pages of a file, from number ``first`` on, one behind the other in memory; ``page`` is the first's structure."""

    first: int
    page: int
    length: int


def content(inode: Object) -> bytes:
    """The bytes of a regular file or a symbolic link. Raises UnreadableError for pages that only a disk has,
    SymbolsError."""
    length = min(inode.number("i_size"), MOST_BYTES)
    found, missing = bytearray(length), set(range(_pages(length)))
    for run in _for_each_run(inode):
        if run.first >= _pages(length):
            break
        start = run.first << PAGE_SHIFT
        data = _read(inode.kernel, run)[: length - start]
        found[start : start + len(data)] = data
        missing -= set(range(run.first, run.first + run.length))
    if missing and not _is_in_memory(inode):
        raise UnreadableError(f"page {min(missing)} of the file is not in memory")
    return bytes(found)


def _pages(length: int) -> int:
    return (length + (1 << PAGE_SHIFT) - 1) >> PAGE_SHIFT


def _is_in_memory(inode: Object) -> bool:
    block = inode.follow("i_sb")
    return block is not None and block.number("s_magic") in IN_MEMORY


def _read(kernel: Kernel, run: _Run) -> bytes:
    """By the direct map (Linux: arch/x86/include/asm/page_64.h, memory_model.h)."""
    number = (run.page - kernel.number_at(kernel.address_of("vmemmap_base"))) // kernel.symbols.size_of(PAGE)
    address = kernel.number_at(kernel.address_of("page_offset_base")) + (number << PAGE_SHIFT)
    return kernel.memory.read(address, run.length << PAGE_SHIFT)


def _for_each_run(inode: Object) -> Iterator[_Run]:
    mapping = inode.follow("i_mapping")
    if mapping is not None and (head := mapping.number("i_pages.xa_head")):
        yield from _entry(inode.kernel, head, _Run(0, 0, 1))


def _entry(kernel: Kernel, entry: int, place: _Run) -> Iterator[_Run]:
    """What an entry holds that stands for ``place.length`` pages."""
    if entry & _KIND == 0 and entry:
        yield place._replace(page=entry)
    elif entry & _KIND == _INTERNAL and entry >= _LEAST_NODE:
        yield from _node(kernel, kernel.object(NODE, entry - _INTERNAL), place.first)
    elif entry & 1:
        raise UnreadableError(f"page {place.first} of the file is not in memory: it was swapped out")


def _node(kernel: Kernel, node: Object, first: int) -> Iterator[_Run]:
    slots, reach = node.bytes("slots"), 1 << node.number("shift")
    entries = [int.from_bytes(slots[at : at + _WORD], "little") for at in range(0, len(slots), _WORD)]
    for offset, entry in enumerate(entries):
        place = _Run(first + offset * reach, 0, reach)
        if entry & _KIND == _INTERNAL and entry < _LEAST_NODE:
            head = entry >> 2
            yield place._replace(page=entries[head] + (offset - head) * reach * kernel.symbols.size_of(PAGE))
        else:
            yield from _entry(kernel, entry, place)

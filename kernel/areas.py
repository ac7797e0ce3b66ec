"""The areas of an address space (Linux: struct vm_area_struct), in each of the ways that kernels have kept them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kernel.errors import UnreadableError
from kernel.objects import MOST_LINKS, Kernel, Object, for_each_entry

VMA = "struct vm_area_struct"
VM_READ, VM_WRITE, VM_EXEC, VM_SHARED = 1, 2, 4, 8

# Linux: include/linux/maple_tree.h, lib/maple_tree.c
MAPLE_NODES = {1: "struct maple_range_64", 2: "struct maple_range_64", 3: "struct maple_arange_64"}
MAPLE_LEAVES = 1
"""The greatest type of a node without nodes below."""

MAPLE_NODE_MASK = 0xFF
MAPLE_DEPTH = 31


class Area(NamedTuple):
    """A range of an address space, [start, end), with its rights and the file behind it."""

    start: int
    end: int
    flags: int
    file: Object | None
    offset: int

    @property
    def rights(self) -> str:
        """As in /proc/PID/maps."""
        bits = ((VM_READ, "r"), (VM_WRITE, "w"), (VM_EXEC, "x"))
        return "".join(letter if self.flags & bit else "-" for bit, letter in bits) + "ps"[bool(self.flags & VM_SHARED)]


def for_each_vma(mm: Object) -> Iterator[Area]:
    """The areas by address. Raises UnreadableError where what holds them is broken."""
    for vma in _each(mm):
        offset = vma.number("vm_pgoff") << 12 if vma.has("vm_pgoff") else 0
        yield Area(vma.number("vm_start"), vma.number("vm_end"), vma.number("vm_flags"), vma.follow("vm_file"), offset)


def _each(mm: Object) -> Iterator[Object]:
    if mm.has("mm_mt"):  # Linux from 6.1 on
        root = mm.number("mm_mt.ma_root")
        return (mm.kernel.object(VMA, address) for address in _entries(mm.kernel, root, (1 << 64) - 1, MAPLE_DEPTH))
    if mm.kernel.find_member(VMA, "vm_list") is not None:  # our own kernel
        return for_each_entry(mm.kernel, mm.address_of("mmap"), VMA, "vm_list")
    return _linked(mm)


def _linked(mm: Object) -> Iterator[Object]:
    vma = mm.follow("mmap")
    for _ in range(MOST_LINKS):
        if vma is None:
            return
        yield vma
        vma = vma.follow("vm_next")
    raise UnreadableError(f"the areas of {mm.address:#x} do not end in {MOST_LINKS} steps")


def _entries(kernel: Kernel, entry: int, most: int, depth: int) -> Iterator[int]:
    """What a maple tree holds at or below an entry that stands for indices up to ``most``."""
    if entry & 3 != 2 or entry <= 4096:  # not xa_is_node
        if entry:
            yield entry
        return
    kind = entry >> 3 & 0xF
    if kind not in MAPLE_NODES or not depth:
        raise UnreadableError(f"the maple tree's node {entry:#x} has type {kind}, or lies too deep")
    node = kernel.object(MAPLE_NODES[kind], entry & ~MAPLE_NODE_MASK)
    for slot, last in _slots(node, most):
        if kind > MAPLE_LEAVES:
            yield from _entries(kernel, slot, last, depth - 1)
        elif slot:
            yield slot


def _slots(node: Object, most: int) -> Iterator[tuple[int, int]]:
    """A node's slots and the last index of each; the last pivot is implied by the node above."""
    pivots, slots = _words(node.bytes("pivot")), _words(node.bytes("slot"))
    for index, slot in enumerate(slots):
        last = pivots[index] if index < len(pivots) else most
        last = most if not last and index else last
        yield slot, last
        if last >= most:
            return


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]

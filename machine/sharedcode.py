"""Code that several processors share: what one of them stores to must not be run by another as it was before.

An engine throws its translations away when its own processor stores to their pages; of the others' stores it knows
nothing.  So every engine marks the pages that it stores to, wherever any processor has code.  Only one processor runs
at a time: it is enough to look at the marks when the turn goes to another.

A store is told by its first byte alone.  What one that crosses into a page may have done there is seen by the page's
first bytes, where translations come from these.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import TYPE_CHECKING

from unicorn import Uc

from machine.limits import PAGE
from machine.memory import Memory

if TYPE_CHECKING:
    from machine.codepages import CodePages

HEAD = 8
"""Bytes at a page's start that a store to the page before may reach, as wide as the engine's are, and one more."""


class Head(ctypes.Structure):
    """``struct head`` of native/progress.c."""

    _fields_ = (("page", ctypes.c_uint64), ("seen", ctypes.c_uint64))
    page: int
    seen: int


class Written(ctypes.Structure):
    """``struct written`` of native/progress.c: a mark for each page of RAM, and the heads."""

    _fields_ = (
        ("any", ctypes.c_uint64),
        ("pages", ctypes.c_uint64),
        ("marks", ctypes.c_void_p),
        ("ram", ctypes.c_void_p),
        ("heads", ctypes.c_void_p),
        ("head_count", ctypes.c_uint64),
    )
    any: int
    pages: int
    head_count: int


class SharedCode:
    """The pages of one machine's RAM, for so many processors, which are known by number."""

    def __init__(self, memory: Memory, processors: int) -> None:
        self._memory = memory
        pages = memory.size // PAGE
        self._marks = (ctypes.c_uint8 * pages)()
        self._heads = (Head * 0)()
        self._headed: set[int] = set()
        self.written = Written(0, pages, ctypes.addressof(self._marks), memory.address)
        self._code: list[set[int]] = [set() for _ in range(processors)]
        self._stale = [False] * processors
        self._covers: list[CodePages] = []

    def join(self, code_pages: CodePages) -> None:
        """Cover what is found by a processor's memory hooks too."""
        self._covers.append(code_pages)

    def found(self, processor: int, physical: int) -> None:
        """From a hook: a processor's code was translated, from a physical address on."""
        page = physical // PAGE
        if physical % PAGE < HEAD and page not in self._headed:
            self._add_head(page)
        if page in self._code[processor]:
            return
        self._code[processor].add(page)
        for code_pages in self._covers:
            if not code_pages.knows(physical):
                code_pages.add(physical)

    def _add_head(self, page: int) -> None:
        if page >= self.written.pages:
            return  # the open bus
        self._headed.add(page)
        count = self.written.head_count
        if count == len(self._heads):
            grown = (Head * (2 * count + 64))()
            ctypes.memmove(grown, self._heads, ctypes.sizeof(self._heads))
            self._heads, self.written.heads = grown, ctypes.addressof(grown)
        self._heads[count] = Head(page, self._memory.read_u64(page * PAGE))
        self.written.head_count = count + 1

    def mark(self, _uc: Uc, _kind: int, address: int, _size: int, _value: int, _data: object) -> None:
        """From a hook: a processor stores to physical memory; what machine code does where there is some."""
        self._mark(address // PAGE)

    def compare_heads(self) -> None:
        """Mark the pages whose first bytes are others now; what machine code does where there is some."""
        for head in self._heads[: self.written.head_count]:
            now = self._memory.read_u64(head.page * PAGE)
            if now != head.seen:
                head.seen = now
                self._mark(head.page)

    def _mark(self, page: int) -> None:
        if page < self.written.pages:
            self._marks[page] = 1
            self.written.any = 1

    def end_turn(self, processor: int) -> None:
        """A processor's turn is over, and heads were compared: what it wrote makes the others' translations stale."""
        if not self.written.any:
            return
        pages = set(self._pages())
        ctypes.memset(self._marks, 0, len(self._marks))
        self.written.any = 0
        for other, code in enumerate(self._code):
            if other != processor and not pages.isdisjoint(code):
                self._stale[other] = True

    def _pages(self) -> Iterator[int]:
        marks = bytes(self._marks)
        page = marks.find(1)
        while page >= 0:
            yield page
            page = marks.find(1, page + 1)

    def take_stale(self, processor: int) -> bool:
        """Before a processor runs: whether its translations are stale; it throws all of them away then."""
        stale, self._stale[processor] = self._stale[processor], False
        if stale:
            self._code[processor].clear()
        return stale

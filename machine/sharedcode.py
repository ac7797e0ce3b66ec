"""Code that several processors share: what one of them stores to must not be run by another as it was before.

An engine throws its translations away when its own processor stores to their pages; of the others' stores it knows
nothing.  So every engine marks the pages that it stores to, wherever any processor has code.  Only one processor runs
at a time: it is enough to look at the marks when the turn goes to another.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import TYPE_CHECKING

from unicorn import Uc

from machine.limits import PAGE

if TYPE_CHECKING:
    from machine.codepages import CodePages


MARKED, ANYTHING = 1, 2
"""What ``any`` says was written: pages that are marked, or one more besides that is not known."""


class Written(ctypes.Structure):
    """``struct written`` of native/progress.c: a mark for each page of RAM."""

    _fields_ = (("any", ctypes.c_uint64), ("pages", ctypes.c_uint64), ("marks", ctypes.c_void_p))
    any: int
    pages: int


class SharedCode:
    """The pages of one machine's RAM, of ``size`` bytes, for so many processors, which are known by number."""

    def __init__(self, size: int, processors: int) -> None:
        self._marks = (ctypes.c_uint8 * (size // PAGE))()
        self.written = Written(0, size // PAGE, ctypes.addressof(self._marks))
        self._code: list[set[int]] = [set() for _ in range(processors)]
        self._stale = [False] * processors
        self._covers: list[CodePages] = []

    def join(self, code_pages: CodePages) -> None:
        """Cover what is found by a processor's memory hooks too."""
        self._covers.append(code_pages)

    def found(self, processor: int, physical: int) -> None:
        """From a hook: a processor's code was translated from the page at a physical address."""
        page = physical // PAGE
        if page in self._code[processor]:
            return
        self._code[processor].add(page)
        for code_pages in self._covers:
            if not code_pages.knows(physical):
                code_pages.add(physical)

    def mark(self, _uc: Uc, _kind: int, address: int, size: int, _value: int, _data: object) -> None:
        """From a hook: a processor stores to physical memory; what machine code does where there is some.

        Of a store that crosses a page the engine does not tell where it ends.
        """
        if address % PAGE + size > PAGE:
            self.written.any = ANYTHING
        elif address // PAGE < self.written.pages:
            self._marks[address // PAGE] = 1
            self.written.any |= MARKED

    def end_turn(self, processor: int) -> None:
        """A processor's turn is over: what it wrote makes the others' translations stale."""
        if not self.written.any:
            return
        pages, anything = set(self._pages()), self.written.any >= ANYTHING
        ctypes.memset(self._marks, 0, len(self._marks))
        self.written.any = 0
        for other, code in enumerate(self._code):
            if other != processor and (anything or not pages.isdisjoint(code)):
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

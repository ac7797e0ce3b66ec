"""Which code ran: a ring of runs, filled block by block inside the engine and read between two runs.

A run is code from where a jump led to where the next was taken, or part of that: blocks end for other reasons too.
The machine code of native/trace.c fills the ring; where the host has none, the same logic in Python does.
"""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from unicorn import Uc
from unicorn import x86_const as x86
from unicorn.unicorn_py3.unicorn import uclib


class Run(NamedTuple):
    """Code that ran: linear addresses of its first byte and behind its last, CR3, and how often it ran in a row.

    Where both addresses are the same, the one instruction there raised an exception.
    """

    begin: int
    end: int
    root: int
    times: int


class _Run(ctypes.Structure):
    """``struct run`` of native/trace.h."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in Run._fields)
    begin: int
    end: int
    root: int
    times: int


class _Cells(ctypes.Structure):
    """``struct trace`` of native/trace.h."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("capacity", "written", "barrier")),
        *((name, ctypes.c_void_p) for name in ("runs", "read_register")),
    )
    capacity: int
    written: int
    barrier: int


class Trace:
    """The last runs of one processor, at most ``capacity``."""

    def __init__(self, uc: Uc, capacity: int) -> None:
        self._uc = uc
        self._runs = (_Run * (capacity + 1))()  # one more: the newest may be taken back
        read = ctypes.cast(uclib.uc_reg_read, ctypes.c_void_p)
        self._cells = _Cells(capacity + 1, 0, 0, ctypes.addressof(self._runs), read)
        self.capacity = capacity
        self._first = 0

    @property
    def address(self) -> int:
        """Where the machine code finds it."""
        return ctypes.addressof(self._cells)

    @property
    def written(self) -> int:
        """Runs ever recorded; what is recorded from now on has this number or a higher one."""
        self._cells.barrier = self._cells.written
        return self._cells.written

    def runs(self) -> list[Run]:
        """All that are there, the oldest first."""
        return self._read(max(self._first, self.written - self.capacity))

    def since(self, first: int) -> list[Run] | None:
        """The runs from number ``first`` on; None if some of them are lost."""
        return self._read(first) if first >= max(self._first, self.written - self.capacity) else None

    def _read(self, first: int) -> list[Run]:
        numbers = range(first, self.written)
        cells = (self._runs[number % (self.capacity + 1)] for number in numbers)
        return [Run(cell.begin, cell.end, cell.root, cell.times) for cell in cells]

    def clear(self) -> None:
        """Forget all: what runs next does not follow it."""
        self._cells.written += 1
        self._first = self.written

    # Inside the engine, as native/trace.c

    def _newest(self) -> _Run | None:
        cells = self._cells
        return self._runs[(cells.written - 1) % cells.capacity] if cells.written > cells.barrier else None

    def _push(self, begin: int, end: int, root: int) -> None:
        self._runs[self._cells.written % self._cells.capacity] = _Run(begin, end, root, 1)
        self._cells.written += 1

    def block(self, address: int, size: int) -> None:
        """A block begins to run."""
        root, last = int(self._uc.reg_read(x86.UC_X86_REG_CR3)), self._newest()
        if last is not None and (last.begin, last.end, last.root) == (address, address + size, root):
            last.times += 1
        else:
            self._push(address, address + size, root)

    def cut(self, address: int) -> None:
        """The block that runs was left before the instruction at an address."""
        last = self._newest()
        if last is None or not last.begin <= address < last.end:
            return
        begin, root = last.begin, last.root
        last.times -= 1
        if not last.times:
            self._cells.written -= 1
        if address != begin:
            self._push(begin, address, root)

    def attempt(self, address: int) -> None:
        """The instruction at an address raised an exception instead of being completed."""
        self.block(address, 0)

"""Guest progress: how much code ran, counted without calling Python.

The native callback of native/progress.c counts the bytes of every block; where the host has no blob, the same
logic runs in Python, slower and with the same results.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import sys

from unicorn import UC_HOOK_BLOCK, Uc
from unicorn.unicorn_py3.unicorn import uclib

from machine.engine.native.build import blob
from machine.engine.rawhook import add_hook

EVERY_BYTE = (1 << 64) - 1
NEVER = (1 << 63) - 1


class Cells(ctypes.Structure):
    """What the callback reads and writes; the layout of ``struct progress`` in native/progress.c."""

    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("clock", "limit", "mask", "block", "block_end", "stopped", "stop")
    )
    clock: int
    limit: int
    mask: int
    block: int
    block_end: int
    stopped: int
    stop: int


class Progress:
    """Counts bytes of executed guest code for one processor, and stops it at a limit.

    ``native`` tells which form counts: the machine-code blob or Python.
    """

    def __init__(self, uc: Uc, *, native: bool = True) -> None:
        self.cells = Cells(limit=NEVER, mask=EVERY_BYTE)
        self._uc = uc
        self._code = _executable_blob() if native else None
        self.native = self._code is not None
        if self._code is None:
            uc.hook_add(UC_HOOK_BLOCK, self._count_block)
        else:
            self._hook_blob(self._code)

    def _hook_blob(self, code: mmap.mmap) -> None:
        self.cells.stop = ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p).value or 0
        entry = ctypes.addressof((ctypes.c_char * len(code)).from_buffer(code))
        add_hook(self._uc, UC_HOOK_BLOCK, ctypes.c_void_p(entry), self.cells)

    def settle(self, rip: int, *, whole: bool = False) -> None:
        """Make the clock exact after a stop at linear address ``rip``: refund the part of a block that did not run.

        ``whole`` says that the last block ran to its end, wherever ``rip`` is.
        """
        if not whole:
            self.cells.clock = self.exact(rip)
        self.cells.block = self.cells.block_end = 0

    def exact(self, rip: int) -> int:
        """Bytes of code executed before the instruction at linear address ``rip``, wherever in a block it lies."""
        cells = self.cells
        if not cells.stopped and cells.block <= rip < cells.block_end:
            return cells.clock - (cells.block_end - rip)
        return cells.clock

    def _count_block(self, uc: Uc, address: int, size: int, _data: object) -> None:
        cells = self.cells
        if cells.block <= address < cells.block_end and address + size < cells.block_end:
            cells.clock -= cells.block_end - address
        if cells.clock + (size & cells.mask) > cells.limit:
            cells.stopped = 1
            uc.emu_stop()
            return
        cells.clock += size
        cells.block, cells.block_end = address, address + size


def _executable_blob() -> mmap.mmap | None:
    # The blob follows the System V calling convention; other hosts count in Python.
    path = blob(platform.machine())
    if sys.platform not in ("linux", "darwin") or not path.exists():
        return None
    code = path.read_bytes()
    try:
        page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return None
    page[: len(code)] = code
    return page

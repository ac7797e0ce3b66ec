"""Guest progress: how much code ran, counted without calling Python.

The native callback of native/progress.c counts the bytes of every block; where the host has no blob, the same
logic runs in Python, slower and with the same results.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import struct
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from unicorn import (
    UC_HOOK_BLOCK,
    UC_HOOK_CODE,
    UC_HOOK_INSN,
    UC_HOOK_MEM_WRITE,
    Uc,
)
from unicorn.unicorn_py3.unicorn import uclib

from machine.engine.flags import Flags
from machine.engine.native.build import blob, outdated
from machine.engine.rawhook import add_hook
from machine.engine.state import State
from machine.engine.timestamp import INSTRUCTIONS, Callback, TimeStamp
from machine.engine.trace import Trace
from machine.sharedcode import SharedCode
from machine.tallies import Tallies

if TYPE_CHECKING:
    from machine.engine.plainpoints import PlainPoints

EVERY_BYTE = (1 << 64) - 1
NEVER = (1 << 63) - 1


WIDEST_ACCESS = 8
"""Bytes of the engine's widest single memory access."""

Touched = Callable[[int, int, int], bool]
"""Called inside the engine with the kind of an access, its physical address and its length in bytes."""


_CompareHeads = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Cells(ctypes.Structure):
    """What the callback reads and writes; the layout of ``struct progress`` in native/progress.c."""

    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("clock", "limit", "mask", "block", "block_end", "stopped", "stop", "trace")
    )
    clock: int
    limit: int
    mask: int
    block: int
    block_end: int
    stopped: int
    stop: int
    trace: int


class Progress:
    """Counts bytes of executed guest code for one processor, and stops it at a limit.

    ``native`` tells which form counts: the machine-code blob or Python.
    """

    leaves_behind_access = True
    """Whether a store that `watch` leaves the engine for is done."""
    most_tables = 1

    def __init__(self, uc: Uc, state: State, *, native: bool = True) -> None:
        self._uc, self._flags = uc, Flags.of(state)
        self._cells = Cells(limit=NEVER, mask=EVERY_BYTE)
        self._events, self._most_events = 0, NEVER
        self.tallies = Tallies()
        self.trace: Trace | None = None
        self.points: PlainPoints | None = None
        self._time_stamp = TimeStamp()
        self._caught = False
        self._code = executable_blob() if native else None
        self.native = self._code is not None
        self._entries = entries(self._code, _ENTRIES) if self._code else {}
        if self.native:
            self._cells.stop = ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p).value or 0
            add_hook(uc, UC_HOOK_BLOCK, ctypes.c_void_p(self._entries["count_block"]), self._cells)
        else:
            uc.hook_add(UC_HOOK_BLOCK, self._count_block)

    def hook_flags(self, address: int) -> int:
        """Have the engine compute the flags before the instruction at a linear address; returns the hook's handle."""
        if self.native:
            update = ctypes.c_void_p(self._entries["update_flags"])
            return add_hook(self._uc, UC_HOOK_CODE, update, self._flags, at=(address, address))
        return int(self._uc.hook_add(UC_HOOK_CODE, self._flags.update, None, address, address))

    def hook_stores(self, code: SharedCode, first: int, last: int) -> int:
        """Have stores to the physical bytes from ``first`` to ``last`` marked; returns the hook's handle."""
        if self.native:
            mark = ctypes.c_void_p(self._entries["mark_written"])
            return add_hook(self._uc, UC_HOOK_MEM_WRITE, mark, code.written, at=(first, last))
        return int(self._uc.hook_add(UC_HOOK_MEM_WRITE, code.mark, None, first, last))

    def compare_heads(self, code: SharedCode) -> None:
        """Between two runs: mark the pages of code whose first bytes have changed."""
        if self.native:
            _CompareHeads(self._entries["compare_heads"])(ctypes.addressof(code.written))
        else:
            code.compare_heads()

    def record(self, trace: Trace | None) -> None:
        """Between two runs: record what runs from now on, or nothing; all translations are stale then."""
        self.trace = trace
        self._cells.trace = trace.address if trace is not None else 0

    def watch(self, kinds: int, first: int, last: int, touched: Touched) -> int:
        """Have ``touched`` called before accesses to the physical bytes from ``first`` to ``last``.

        ``kinds`` are the engine's kinds of hooks.  Where ``touched`` returns true, the engine is left with RIP at the
        instruction, before the access or, this engine, behind it.  Returns the handle for `unwatch`.  Translations are
        stale then.
        """

        def on_access(uc: Uc, kind: int, address: int, size: int, _value: int, _data: object) -> None:
            if first < address + size and address <= last and touched(kind, address, size):
                self._caught = True
                uc.emu_stop()

        # The engine looks at an access's first byte only.
        return int(self._uc.hook_add(kinds, on_access, None, max(first - WIDEST_ACCESS + 1, 0), last))

    @property
    def caught(self) -> bool:
        """Whether the engine was left in the middle of an instruction, at an access of `watch`."""
        return self._caught

    @property
    def alone(self) -> tuple[int, int] | None:
        """From a hook: as `FastProgress.alone`; this engine leaves every instruction that `watch` catches."""
        return None

    def unwatch(self, hook: int) -> None:
        """Take a hook of `watch` out; translations are stale then."""
        self._uc.hook_del(hook)

    def tell_tables(self, tables: Mapping[int, Iterable[int]]) -> None:
        """Say of so many page tables at most as `most_tables`, by CR3, which hooks of `watch` hold under each.

        A hook that is not named holds always.
        """

    def use_tables(self, index: int) -> None:
        """Say which of these are loaded, in their order."""

    def used_tables(self) -> int:
        """From a hook: which of these are loaded now."""
        return 0

    def hook_time_stamps(self, **handlers: Callable[[int, int], int]) -> None:
        """Hook RDTSC and RDTSCP; machine code does those that it can, the handler of that name does the others."""
        for name, handler in handlers.items():
            setattr(self._time_stamp, name, Callback(handler))
        if self.native:
            self._time_stamp.plant(self._uc, self._cells, self._entries)
            return
        for name, instruction in INSTRUCTIONS.items():
            callback = ctypes.cast(getattr(self._time_stamp, name), ctypes.c_void_p)
            add_hook(self._uc, UC_HOOK_INSN, callback, instruction=instruction)

    # What may run

    @property
    def clock(self) -> int:
        """Bytes of code executed; between runs, exactly."""
        return self._cells.clock

    @clock.setter
    def clock(self, value: int) -> None:
        self._cells.clock = value

    @property
    def limit(self) -> int:
        """The engine stops before the block that would take the clock above this."""
        return self._cells.limit

    @property
    def single(self) -> bool:
        """Whether one block is to run, whatever its size."""
        return not self._cells.mask

    def allow(self, limit: int) -> int:
        """Run blocks until the next would take the clock above ``limit``; returns the clock."""
        cells = self._cells
        cells.limit, cells.mask = limit, EVERY_BYTE
        return cells.clock

    def allow_one(self) -> int:
        """Run one block, whatever its size; returns the clock."""
        cells = self._cells
        cells.limit, cells.mask = cells.clock, 0
        return cells.limit

    def shorten(self, end: int) -> bool:
        """Cut the refused block, for its next run, before its first instruction that begins at or after ``end`` bytes.

        False if the engine cannot do that.
        """
        return False

    def single_out(self) -> None:
        """Have the next block end behind its first instruction; nothing, where the engine cannot be told that."""

    def lower(self, limit: int) -> None:
        """From a hook: stop before the block that would take the clock above ``limit``, if that is sooner."""
        cells = self._cells
        cells.limit = min(cells.limit, limit)

    # What ran

    @property
    def events(self) -> int:
        """Exceptions and interrupts delivered."""
        return self._events

    @events.setter
    def events(self, value: int) -> None:
        self._events = value

    @property
    def most_events(self) -> int:
        """The count of events at which the engine leaves off: faults make no progress that the clock would see."""
        return self._most_events

    @most_events.setter
    def most_events(self, value: int) -> None:
        self._most_events = value

    @property
    def refused(self) -> bool:
        """Whether a block was refused for the limit, or `refuse` was called."""
        return bool(self._cells.stopped)

    def refuse(self) -> None:
        """From a hook that stops the engine: what the clock shows is exact."""
        self._cells.stopped = 1

    def start(self, warp: int) -> None:
        """The engine is about to be entered; virtual time is the clock and ``warp`` nanoseconds."""
        self._cells.stopped = 0
        self._caught = False
        self._time_stamp.warp = warp

    def counted(self) -> tuple[int, int]:
        """Linear addresses of the block that runs: its start, and the end behind it."""
        return self._cells.block, self._cells.block_end

    def take_over(self, other: Progress) -> None:
        """Between two runs: count on from where another processor of the same machine has come."""
        self.clock, self.events, self.most_events = other.clock, other.events, other.most_events

    def settle(self, rip: int, *, whole: bool = False) -> None:
        """Make the clock exact after a stop at linear address ``rip``: refund the part of a block that did not run.

        ``whole`` says that the last block ran to its end, wherever ``rip`` is.
        """
        if not whole:
            self._cut(rip)
            self._cells.clock = self.exact(rip)
        self._cells.block = self._cells.block_end = 0

    def _cut(self, rip: int) -> None:
        """The trace ends before ``rip`` if the block that runs does."""
        if self.trace is None:
            return
        start, end = self.counted()
        if not self._cells.stopped and start <= rip < end:
            self.trace.cut(rip)

    def attempted(self, rip: int) -> None:
        """The instruction at linear address ``rip`` raised an exception instead of being completed."""
        if self.trace is not None:
            self.trace.attempt(rip)

    def exact(self, rip: int) -> int:
        """Bytes of code executed before the instruction at linear address ``rip``, wherever in a block it lies."""
        cells = self._cells
        if not cells.stopped and cells.block <= rip < cells.block_end:
            return cells.clock - (cells.block_end - rip)
        return cells.clock

    def _count_block(self, uc: Uc, address: int, size: int, _data: object) -> None:
        cells = self._cells
        if cells.block <= address < cells.block_end and address + size < cells.block_end:
            cells.clock -= cells.block_end - address
            if self.trace is not None:
                self.trace.cut(address)
        if cells.clock + (size & cells.mask) > cells.limit:
            cells.stopped = 1
            uc.emu_stop()
            return
        if self.trace is not None:
            self.trace.block(address, size)
        cells.clock += size
        cells.block, cells.block_end = address, address + size


_ENTRIES = ("count_block", "update_flags", "rdtsc", "rdtscp", "mark_written", "compare_heads")
"""The table at the blob's start."""


def entries(code: mmap.mmap, names: Sequence[str]) -> dict[str, int]:
    """Where the functions of a blob lie in this process; it begins with a table of their distances from its start."""
    base = address_of(code)
    return {name: base + at for name, at in zip(names, struct.unpack_from(f"<{len(names)}I", code), strict=True)}


def executable_blob() -> mmap.mmap | None:
    """The portable engine's clock; None where the host cannot run it."""
    return executable("progress")


def executable(name: str) -> mmap.mmap | None:
    """Machine code of a blob in executable memory; None where the host cannot run it, or its sources have changed."""
    host = platform.machine()
    path = blob(name, host)
    # Blobs follow the System V calling convention; other hosts count in Python.
    if sys.platform not in ("linux", "darwin") or not path.exists() or outdated(name, host):
        return None
    code = path.read_bytes()
    try:
        page = mmap.mmap(-1, len(code), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return None
    page[: len(code)] = code
    return page


def address_of(code: mmap.mmap) -> int:
    """Where executable memory lies in this process."""
    return ctypes.addressof((ctypes.c_char * len(code)).from_buffer(code))

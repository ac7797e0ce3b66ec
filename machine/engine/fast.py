"""The fast engine: the machine code of native/ in the way of the library's own.

It counts progress inside the translated blocks, keeps stores to data off the slow path, and does what needs no Python
without it.  It gives the same results as the portable engine, whose interface it has.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Set
from functools import partial
from typing import Protocol

from unicorn import UC_HOOK_BLOCK, UC_HOOK_INSN, UC_HOOK_INTR, Uc
from unicorn import x86_const as x86

from machine.engine import library
from machine.engine.flags import Flags
from machine.engine.library import Library, address
from machine.engine.machinecode import (
    COUNT_MASK,
    FOUND,
    LIBRARY_FUNCTIONS,
    MOST_HOOKED,
    Block,
    Cells,
    Found,
    MachineCode,
    MayUsePort,
    OnBlock,
    OnException,
    OnIn,
    OnOut,
    OnSyscall,
    Page,
    machine_code,
    pointer,
    u32,
    u64,
)
from machine.engine.plainpoints import PlainPoints
from machine.engine.progress import EVERY_BYTE, NEVER
from machine.engine.rawhook import add_hook
from machine.engine.state import Front, State
from machine.engine.watchedpages import WatchedPages
from machine.engine.watching import Guarded, Watching
from machine.errors import EngineError
from machine.memory import PAGE, Memory
from machine.tallies import Tallies

TSC_AUX = 0xC0000103

_STATE_SIZE = 0x1400
"""Bytes of CPUX86State that are searched."""

_LINE = 32
"""An entry of the table of blocks lies in one line of the host's cache."""

_SLOWLY = -(1 << 62)
"""A budget with which every block asks."""


class Intercepting(Protocol):
    """What the machine code leaves to Python, called inside the engine."""

    def on_block(self, address: int, size: int) -> bool:
        """A block that may need hooks, before its first run: whether to leave the engine and translate it anew."""

    def on_exception(self, vector: int) -> None:
        """An exception whose delivery is out of the ordinary."""

    def on_syscall(self) -> None:
        """A SYSCALL that faults or has a code hook before it."""

    def on_in(self, port: int, size: int) -> int:
        """IN, permitted."""

    def on_out(self, port: int, size: int, value: int) -> None:
        """OUT, permitted."""

    def refuse_port(self, port: int, size: int) -> int:
        """0 if code outside ring 0 may use a port, else the exception: vector << 16 | error code."""


class FastProgress(Watching):
    """The clock inside the blocks, and all that the machine code does besides.

    Raises `EngineError` if the library is not the known one.
    """

    def __init__(self, uc: Uc, state: State, memory: Memory) -> None:
        facts, code = library.library(), machine_code()
        self._uc, self._flags = uc, Flags.of(state)
        self.native = True
        self._entries = code.entries
        self._told: tuple[Set[int], bool] = frozenset(), False
        uc_at = uc._uch.value or 0
        self._cpu = u64.from_address(uc_at + facts.cpu_of_uc).value
        env = self._cpu + facts.env_of_cpu
        self._pages = (Page * (memory.size // PAGE))()
        self._found = (Found * (FOUND + 1))()
        self.tallies = Tallies()
        self.trace = None
        # Apart from the callbacks, which hold the engine: the machine code needs this until the engine is gone.
        room = bytearray(ctypes.sizeof(Cells))
        cells = Cells.from_buffer(room)
        self._cells: Cells = cells
        cells.uc, cells.no_exit = uc_at, uc_at + facts.no_exit_of_uc
        self._fill_cells(state, env)
        cells.ram, cells.ram_size = memory.address, memory.size
        flush = ctypes.CFUNCTYPE(None, u64)(address("tlb_flush_x86_64"))
        self._flush_tlb = partial(flush, self._cpu)
        self.watched = WatchedPages(uc, cells, code.entries["on_access"], self._flush_tlb)
        self.points = PlainPoints(uc, cells, code.entries["on_breakpoint"])
        self._find_engine(env)
        self._check(state, env)
        self._rest.value = NEVER
        cells.clock = NEVER
        self._replace_tlb_fill(facts, code)
        self._no_exit.value = 1
        at = ctypes.addressof(cells)
        add_hook(uc, UC_HOOK_BLOCK, pointer(code.entries["count_block"]), cells)
        code.enter(at)
        weakref.finalize(uc, _forget, code, at, room, self._pages, self._found, self.tallies, self.points.data)
        self._instructions_before = ctypes.CFUNCTYPE(u32, u64, u64)(code.entries["instructions_before"])
        self._interrupt = ctypes.CFUNCTYPE(u32, u64, u32, u64)(code.entries["interrupt"])

    def _fill_cells(self, state: State, env: int) -> None:
        """Tell the machine code where everything is; ``env`` is the address of the processor's state."""
        cells = self._cells
        cells.limit, cells.mask, cells.most_events = NEVER, EVERY_BYTE, NEVER
        cells.cpu, cells.env = self._cpu, env
        cells.next_flags = self._cpu + library.NEXT_FLAGS
        cells.pages, cells.pages_count = ctypes.addressof(self._pages), len(self._pages)
        cells.rest, cells.tag, cells.portion = env + library.REST, env + library.TAG, env + library.ICOUNT
        cells.tlb, cells.full_flushes = env + library.TLB_TABLES, env + library.TLB_COUNTS
        cells.part_flushes = env + library.TLB_COUNTS + 8
        cells.calls = env + ctypes.addressof(state.calls) - ctypes.addressof(state.front)
        cells.exception = env + ctypes.addressof(state.event) - ctypes.addressof(state.front)
        cells.old_exception = cells.exception + type(state.event).old_exception.offset
        cells.tsc_aux = env + self._find_tsc_aux(env)
        cells.tallies = ctypes.addressof(self.tallies)
        cells.found = -(-ctypes.addressof(self._found) // _LINE) * _LINE
        for cell, name in LIBRARY_FUNCTIONS.items():
            setattr(cells, cell, address(name))

    def _find_engine(self, env: int) -> None:
        """The parts of the engine's own state that are read and set from here."""
        self.live = Front.from_address(env)
        """The processor's state as the engine keeps it, not a copy."""
        self._rest = ctypes.c_int64.from_address(env + library.REST)
        self._portion = ctypes.c_uint16.from_address(env + library.ICOUNT)
        self._tag = ctypes.c_int32.from_address(env + library.TAG)
        self._next_flags = u32.from_address(self._cpu + library.NEXT_FLAGS)
        self._no_exit = ctypes.c_uint8.from_address(self._cells.no_exit)

    def _check(self, state: State, env: int) -> None:
        state.load()
        here = ctypes.string_at(env, ctypes.sizeof(state.front))
        if here != bytes(state.front):
            raise EngineError("the processor's state is not where the library's code has it")
        if self._next_flags.value != 0xFFFFFFFF or self._no_exit.value:
            raise EngineError("the processor's flags for the next translation are not where release 2.1.4 has them")
        counts = (u64 * 3).from_address(env + library.TLB_COUNTS)
        before = sum(counts)
        self._flush_tlb()
        if not before < sum(counts) < before + 16:
            raise EngineError("the TLB's counts of flushes are not where release 2.1.4 has them")

    def _find_tsc_aux(self, env: int) -> int:
        """The offset of IA32_TSC_AUX in the state."""
        mark = 0x5A5A012389ABCDEF
        self._uc.msr_write(TSC_AUX, mark)
        at = ctypes.string_at(env, _STATE_SIZE).find(mark.to_bytes(8, "little"))
        self._uc.msr_write(TSC_AUX, 0)
        if at < 0:
            raise EngineError("IA32_TSC_AUX is not in the processor's state")
        return at

    def _replace_tlb_fill(self, facts: Library, code: MachineCode) -> None:
        kind = u64.from_address(self._cpu + facts.class_of_cpu).value
        fill = u64.from_address(kind + facts.tlb_fill_of_class)
        if fill.value != address("x86_cpu_tlb_fill_x86_64"):
            raise EngineError("the processor's class does not fill the TLB with the known function")
        self._cells.tlb_fill = fill.value
        fill.value = code.entries["tlb_fill"]

    def intercept(self, handler: Intercepting, guarded: Guarded) -> None:
        """Hook exceptions, SYSCALL, RDTSC, RDTSCP, IN and OUT.

        ``guarded`` makes a callback that machine code may call out of one that may raise.
        """
        cells, entries = self._cells, self._entries
        self._guarded = guarded
        cells.on_exception = OnException(guarded(lambda _uc, vector, _data: handler.on_exception(vector)))
        cells.on_syscall = OnSyscall(guarded(lambda _uc, _data: handler.on_syscall()))
        cells.on_in = OnIn(guarded(lambda _uc, port, size, _data: handler.on_in(port, size)))
        cells.on_out = OnOut(guarded(lambda _uc, port, size, value, _data: handler.on_out(port, size, value)))
        cells.on_block = OnBlock(guarded(handler.on_block))
        cells.may_use_port = MayUsePort(guarded(handler.refuse_port))
        add_hook(self._uc, UC_HOOK_INTR, pointer(entries["exception"]), cells)
        for name, instruction in (
            ("syscall", x86.UC_X86_INS_SYSCALL),
            ("rdtsc", x86.UC_X86_INS_RDTSC),
            ("rdtscp", x86.UC_X86_INS_RDTSCP),
            ("in_", x86.UC_X86_INS_IN),
            ("out", x86.UC_X86_INS_OUT),
        ):
            add_hook(self._uc, UC_HOOK_INSN, pointer(entries[name]), cells, instruction=instruction)

    def hooks_at(self, addresses: Set[int], *, everywhere: bool) -> None:
        """Linear addresses that have a code hook before the instruction; ``everywhere`` leaves all events to Python."""
        if self._told == (addresses, everywhere):
            return
        self._told = frozenset(addresses), everywhere
        cells = self._cells
        cells.hooked_count = MOST_HOOKED + 1 if everywhere else len(addresses)
        for index, at in enumerate(addresses):
            if index < MOST_HOOKED:
                cells.hooked[index] = at

    def interrupt(self, vector: int, flags: int) -> bool:
        """Between two instructions: enter the handler of an external interrupt; False if Python must."""
        return bool(self._interrupt(ctypes.addressof(self._cells), vector, flags))

    # What may run

    @property
    def clock(self) -> int:
        """Bytes of code executed; between runs, exactly."""
        return (self._cells.clock - self._rest.value - self._portion.value) & EVERY_BYTE

    @clock.setter
    def clock(self, value: int) -> None:
        self._cells.clock = (value + self._rest.value + self._portion.value) & EVERY_BYTE

    def allow(self, limit: int) -> int:
        """Run blocks until the next would take the clock above ``limit``; returns the clock."""
        cells, clock = self._cells, self.clock
        self._budget(clock, limit - clock)
        cells.limit, cells.mask = limit, EVERY_BYTE
        return clock

    def allow_one(self) -> int:
        """Run one block, whatever its size; returns the clock."""
        cells, clock = self._cells, self.clock
        cells.limit, cells.mask = clock, 0
        self._budget(clock, _SLOWLY)
        return clock

    def _budget(self, clock: int, left: int) -> None:
        self._rest.value, self._portion.value = left, 0
        self._cells.clock = (clock + left) & EVERY_BYTE

    @property
    def met(self) -> bool:
        """Whether a breakpoint of `points` stopped the engine."""
        return bool(self._cells.met)

    def single_out(self) -> None:
        """Have the next block end behind its first instruction, which is run as it would be inside of a longer one."""
        self._next_flags.value = 1

    def lower(self, limit: int) -> None:
        """From a hook: stop before the block that would take the clock above ``limit``, if that is sooner."""
        cells = self._cells
        if limit < cells.limit:
            cells.limit = limit
            if cells.mask:
                clock = self.clock
                self._budget(clock, limit - clock)

    def shorten(self, end: int) -> bool:
        """Cut the refused block, for its next run, before its first instruction that begins at or after ``end`` bytes.

        False if there is no such block.
        """
        cells = self._cells
        count = self._instructions_before(ctypes.addressof(cells), end - self.clock) if cells.refused else 0
        if not count:
            return False
        flags = Block.from_address(cells.refused).cflags & ~COUNT_MASK
        cells.refused = 0
        self._next_flags.value = flags | count
        return True

    # What ran

    @property
    def events(self) -> int:
        """Exceptions and interrupts delivered."""
        return self._cells.events

    @events.setter
    def events(self, value: int) -> None:
        self._cells.events = value

    @property
    def most_events(self) -> int:
        """The count of events at which the engine leaves off: faults make no progress that the clock would see."""
        return self._cells.most_events

    @most_events.setter
    def most_events(self, value: int) -> None:
        self._cells.most_events = value

    def start(self, warp: int) -> None:
        """The engine is about to be entered; virtual time is the clock and ``warp`` nanoseconds."""
        cells = self._cells
        cells.stopped = cells.refused = cells.asked = cells.caught = cells.alone = 0
        cells.warp = warp

    def counted(self) -> tuple[int, int]:
        """Linear addresses of the block that runs: its start, and the end behind it."""
        tag = self._tag.value
        if not tag:
            return self._cells.block, self._cells.block_end
        block = Block.from_address(self._cells.anchor + tag)
        return block.pc, block.pc + block.size

    def settle(self, rip: int, *, whole: bool = False) -> None:
        """Make the clock exact after a stop at linear address ``rip``: refund the part of a block that did not run."""
        cells = self._cells
        if not whole:
            if self.trace is not None:
                self._cut(rip)
            start, end = self.counted()
            if start <= rip < end and not cells.stopped:
                cells.clock = (cells.clock - (end - rip)) & EVERY_BYTE
        self._tag.value = 0
        cells.block = cells.block_end = 0
        self.watched.left()

    def exact(self, rip: int) -> int:
        """Bytes of code executed before the instruction at linear address ``rip``, wherever in a block it lies."""
        start, end = self.counted()
        if not self._cells.stopped and start <= rip < end:
            return self.clock - (end - rip)
        return self.clock


def _forget(code: MachineCode, cells: int, *_kept: object) -> None:
    code.withdraw(cells)

"""The fast engine's machine code: what it shares with Python, and its place in the library's way."""

from __future__ import annotations

import ctypes
import platform
from functools import cache, partial

from machine.engine import library, progress
from machine.engine.library import Library, address
from machine.engine.native.build import TARGETS, blob, outdated
from machine.engine.progress import entries, executable
from machine.errors import EngineError

READS, WRITES = 1, 2
"""What a watched page is marked for in the TLB."""

MOST_LISTS = 2
"""Lists of hooks on memory: for loads and for stores."""

MOST_TABLES = 16
"""Page tables that are known at a time to those who watch linear memory."""

LEAVABLE = 16
"""Instructions kept, of 32 bytes each, that can be left between their memory accesses."""

MOST_HOOKED = 256
"""Code hooks whose addresses the machine code knows; with more, it leaves every system call to Python."""

_ENTRIES = (
    "install",
    "enter",
    "withdraw",
    "count_block",
    "tlb_fill",
    "unprotect_code",
    "check_exit_request",
    "instructions_before",
    "rdtsc",
    "syscall",
    "in_",
    "out",
    "exception",
    "interrupt",
    "rdtscp",
    "update_flags",
    "reset_dirty",
    "on_access",
    "update_cr0",
    "update_cr3",
    "update_cr4",
    "lookup_and_jump",
    "forget_blocks",
    "forget_page",
    "on_breakpoint",
)
"""The table at the blob's start."""

u32, u64, pointer = ctypes.c_uint32, ctypes.c_uint64, ctypes.c_void_p

OnException = ctypes.CFUNCTYPE(None, pointer, u32, pointer)
OnSyscall = ctypes.CFUNCTYPE(None, pointer, pointer)
OnIn = ctypes.CFUNCTYPE(u32, pointer, u32, ctypes.c_int, pointer)
OnOut = ctypes.CFUNCTYPE(None, pointer, u32, ctypes.c_int, u32, pointer)
OnBlock = ctypes.CFUNCTYPE(ctypes.c_int, u64, u32)
OnAccess = ctypes.CFUNCTYPE(ctypes.c_int, u32, u64, ctypes.c_int)
MayUsePort = ctypes.CFUNCTYPE(ctypes.c_int, u32, ctypes.c_int)


class Page(ctypes.Structure):
    _fields_ = (("fetched", u32), ("clean", u32), ("code", u32))


class Found(ctypes.Structure):
    """``struct found``: the block that a jump to an address leads to."""

    _fields_ = (("pc", u64), ("code", pointer), ("generation", u64), ("flags", u32), ("page", u32))


FOUND = 4096


class Watched(ctypes.Structure):
    """``struct watched`` of native/fast.h: numbers of pages."""

    _fields_ = (("first", u64), ("last", u64), ("kinds", u64))
    first: int
    last: int
    kinds: int


class Watch(ctypes.Structure):
    """``struct watch``: what a hook on memory has as its data."""

    _fields_ = (("fast", u64), ("touched", OnAccess), ("first", u64), ("last", u64), ("tables", u64))
    touched: object
    first: int
    last: int
    tables: int


class Block(ctypes.Structure):
    """The head of QEMU's TranslationBlock."""

    _fields_ = (
        ("pc", u64),
        ("cs_base", u64),
        ("flags", u32),
        ("size", ctypes.c_uint16),
        ("icount", ctypes.c_uint16),
        ("cflags", u32),
    )
    pc: int
    size: int
    cflags: int


COUNT_MASK = 0x7FFF


class Cells(progress.Cells):
    """``struct fast`` of native/fast.h; ``clock`` is what was granted, from which the budget that is left counts."""

    _fields_ = (
        *((name, u64) for name in ("refused", "warp", "anchor", "patched", "unpatched", "hooked_count")),
        ("hooked", u64 * MOST_HOOKED),
        *((name, u64) for name in ("no_exit", "pages_count")),
        ("pages", pointer),
        ("events", u64),
        ("most_events", u64),
        ("ram", pointer),
        ("ram_size", u64),
        *((name, pointer) for name in ("uc", "cpu", "env", "rest", "tag", "portion", "tlb")),
        *((name, pointer) for name in ("full_flushes", "part_flushes", "calls", "exception")),
        *((name, pointer) for name in ("old_exception", "tsc_aux", "next")),
        *((name, pointer) for name in ("check_exit", "tlb_fill", "tlb_flush", "flags", "raise_")),
        ("on_exception", OnException),
        ("on_syscall", OnSyscall),
        ("on_in", OnIn),
        ("on_out", OnOut),
        ("may_use_port", MayUsePort),
        ("tallies", pointer),
        ("on_block", OnBlock),
        ("watched", pointer),
        ("watched_count", u64),
        ("lists", u64 * MOST_LISTS),
        ("listed", u64 * MOST_LISTS),
        ("hidden", u64),
        ("loop_exit", pointer),
        ("asked", u64),
        ("follows", u64),
        ("moved", u64),
        ("filled", u64 * 4),
        ("lookup_tb_ptr", pointer),
        ("found", pointer),
        ("forgotten", u64),
        ("invalidations", pointer),
        ("epilogue", pointer),
        ("caught", u64),
        ("alone", u64),
        ("alone_clock", u64),
        ("alone_cr2", u64),
        ("next_flags", pointer),
        ("leavable", u64 * 4 * LEAVABLE),
        *((name, u64) for name in ("passes", "passed", "passed_at", "met", "met_at")),
        ("tables", u64 * MOST_TABLES),
        ("tables_count", u64),
        ("table", u64),
    )
    refused: int
    warp: int
    events: int
    most_events: int
    anchor: int
    patched: int
    unpatched: int
    hooked_count: int
    asked: int
    follows: int
    moved: int
    caught: int
    alone: int
    alone_clock: int
    alone_cr2: int
    passes: int
    passed: int
    passed_at: int
    met: int
    met_at: int
    tables_count: int
    table: int


LIBRARY_FUNCTIONS = {
    "stop": "uc_emu_stop",
    "check_exit": "helper_check_exit_request_x86_64",
    "tlb_flush": "tlb_flush_x86_64",
    "flags": "cpu_cc_compute_all_x86_64",
    "raise_": "raise_exception_err_ra_x86_64",
    "loop_exit": "cpu_loop_exit_noexc_x86_64",
    "lookup_tb_ptr": "helper_lookup_tb_ptr_x86_64",
}
"""Cells that hold the address of one of the library's functions."""


def to_be_built() -> str | None:
    """What a checkout lacks for the fast engine, in words; None if nothing, or if this host has none."""
    host = platform.machine()
    if host not in TARGETS:
        return None
    if not blob("fast", host).exists():
        return "the fast engine's machine code is not built; ./run setup builds it"
    if outdated("fast", host):
        return "the fast engine's machine code was built from other sources than are here; ./run setup builds it anew"
    return None


class MachineCode:
    """The blob, once in a process, in the library's way."""

    def __init__(self, facts: Library) -> None:
        code = executable("fast")
        if code is None:
            raise EngineError(to_be_built() or "this host has no machine code, or refuses executable memory")
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(code))  # the library calls it until the process ends
        self.entries = entries(code, _ENTRIES)
        told = (*map(address, library.REPLACED), facts.code_hook_site, facts.uc_of_translator, *facts.in_translator)
        cells = (u64 * len(told))(*told)
        self._call("install", ctypes.addressof(cells))
        for name, entry in library.REPLACED.items():
            u64.from_address(facts.slots[name]).value = self.entries[entry]
        self.enter, self.withdraw = partial(self._call, "enter"), partial(self._call, "withdraw")

    def _call(self, name: str, *arguments: int) -> int:
        prototype = ctypes.CFUNCTYPE(u32, *(u64 for _ in arguments))
        return int(prototype(self.entries[name])(*arguments))


@cache
def machine_code() -> MachineCode:
    return MachineCode(library.library())

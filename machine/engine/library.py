"""What the fast engine must know of the loaded Unicorn library: addresses and offsets that no header tells.

Every one is read from the machine code of an exported function of the library itself, by the exact shape that release
2.1.4 has; anything else raises `EngineError`, and the portable engine runs.
"""

from __future__ import annotations

import ctypes
import platform
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from unicorn import uc_version
from unicorn.unicorn_py3.unicorn import uclib

from machine.errors import EngineError

_SEARCHED = 400
"""Bytes of a function that are searched for an instruction sequence."""

_TRANSLATOR = 0x40000
"""Bytes before `gen_intermediate_code` that hold the rest of the x86 translator."""

_D = rb"(.{4})"  # a 32-bit displacement
_ENGINE_CPU = re.compile(rb"\x4c\x8b\x87" + _D + rb"\x41\x8b\x80" + _D, re.DOTALL)
_NO_EXIT = re.compile(rb"\x48\x8b\xb7" + _D + rb"\x80\xbe" + _D + rb"\x00", re.DOTALL)
_TLB_FILL = re.compile(rb"\x48\x8b\x87" + _D + rb"\x4c\x8d\x97" + _D + rb"\x6a\x00\x4c\x89\xd7\xff\x50(.)", re.DOTALL)
_LAST = re.compile(rb"\x48\x8d\x50\x08\x48\x89\x97" + _D, re.DOTALL)
_INVALIDATIONS = re.compile(rb"^\x48\x8b\x87" + _D + rb"\xc3", re.DOTALL)
_LOOKUP = re.compile(rb"\x81\xe1" + _D + rb"\x0b\x88\xb0\0\0\0.*?\x41\x5c\x48\x8b\x80" + _D + rb"\xc3", re.DOTALL)
_STUB = re.compile(rb"\xff\x25" + _D, re.DOTALL)

CODE_FLAGS = 0x73100
"""AC, VM, RF, IOPL and TF: what a block's flags have of EFLAGS."""

NEXT_FLAGS = 0x18
"""Offset of ``cflags_next_tb`` in CPUState: flags for the next translation alone; the self-test proves it."""

REPLACED = {
    "check_exit_request_x86_64": "check_exit_request",
    "tlb_unprotect_code_x86_64": "unprotect_code",
    "tlb_reset_dirty_by_vaddr_x86_64": "reset_dirty",
    "cpu_x86_update_cr0_x86_64": "update_cr0",
    "cpu_x86_update_cr3_x86_64": "update_cr3",
    "cpu_x86_update_cr4_x86_64": "update_cr4",
    "tcg_gen_lookup_and_goto_ptr_x86_64": "lookup_and_jump",
    "tb_flush_x86_64": "forget_blocks",
    "tb_flush_jmp_cache_x86_64": "forget_page",
}
"""The library's functions that native/ stands before, with its entries; ``struct library`` begins with them."""

ICOUNT, TAG, REST = -16, -12, -8
"""Offsets from CPUX86State: IcountDecr, of which the engine uses the high half alone, and the unused bytes up to the
state's alignment."""

TLB_TABLES = -64
"""Offset of the three TLBs' masks and tables (CPUTLBDescFast) from CPUX86State."""

TLB_COUNTS = -16 - 2176 + 8
"""Offset of the counts of whole and partial flushes (CPUTLBCommon) from CPUX86State."""


@dataclass(frozen=True)
class Library:
    """Addresses in this process and offsets in bytes."""

    cpu_of_uc: int
    env_of_cpu: int
    no_exit_of_uc: int
    uc_of_translator: int
    class_of_cpu: int
    tlb_fill_of_class: int
    code_hook_site: int
    in_translator: tuple[int, int, int]
    """Offsets in the translator: the last operation's link, the count of blocks taken away, the way out."""
    slots: dict[str, int]
    """Where the library keeps the addresses of its own functions for calls across its files."""


def address(name: str) -> int:
    """Where an exported function lies.  Raises `EngineError` if the library does not export it."""
    try:
        found = ctypes.cast(getattr(uclib, name), ctypes.c_void_p).value
    except AttributeError:
        found = None
    if not found:
        raise EngineError(f"this build of Unicorn does not export {name}")
    return found


@cache
def library() -> Library:
    """The loaded library's facts.  Raises `EngineError` with what differs from the known release."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        raise EngineError(f"the fast engine knows Linux on x86_64, not {sys.platform} on {platform.machine()}")
    release = tuple(uc_version()[2].to_bytes(4)[:3])
    if release != (2, 1, 4):
        raise EngineError(f"the fast engine knows Unicorn 2.1.4, not {'.'.join(map(str, release))}")
    cpu, icount = _numbers("helper_check_exit_request_x86_64", _ENGINE_CPU)
    uc, no_exit = _numbers("check_exit_request_x86_64", _NO_EXIT)
    class_of_env, minus_env, fill = _numbers("tlb_vaddr_to_host_x86_64", _TLB_FILL)
    env = -minus_env
    if icount - env != ICOUNT:
        raise EngineError(f"the exit request is at {icount:#x} of the CPU, its state at {env:#x}")
    slots = {name: slot for slot, name in _slots(set(REPLACED))}
    site = _code_hook_site(slots["check_exit_request_x86_64"])
    return Library(cpu, env, no_exit, uc, env + class_of_env, fill, site, _in_translator(), slots)


def _in_translator() -> tuple[int, int, int]:
    (last,) = _numbers("tcg_emit_op_x86_64", _LAST)
    (invalidations,) = _numbers("tcg_tb_phys_invalidate_count_x86_64", _INVALIDATIONS)
    flags, epilogue = _numbers("helper_lookup_tb_ptr_x86_64", _LOOKUP)
    if flags != CODE_FLAGS:
        raise EngineError(f"blocks have {flags:#x} of EFLAGS, not {CODE_FLAGS:#x}")
    return last, invalidations, epilogue


def _numbers(function: str, shape: re.Pattern[bytes]) -> list[int]:
    """The signed displacements in the one place of a function that has a shape."""
    found = shape.search(ctypes.string_at(address(function), _SEARCHED))
    if not found:
        raise EngineError(f"{function} of this build of Unicorn is not the known one")
    return [int.from_bytes(number, "little", signed=True) for number in found.groups()]


class _LinkMap(ctypes.Structure):
    _fields_ = (("base", ctypes.c_uint64), ("name", ctypes.c_char_p), ("dynamic", ctypes.c_uint64))
    base: int
    dynamic: int


_DT_PLTRELSZ, _DT_SYMTAB, _DT_JMPREL = 2, 6, 23


def _slots(names: set[str]) -> Iterator[tuple[int, str]]:
    """The procedure linkage table's slots of some functions (System V ABI, dynamic linking)."""
    link = _LinkMap.from_address(uclib._handle)
    dynamic = dict(_dynamic(link.dynamic))

    def located(tag: int) -> int:
        return dynamic[tag] + (link.base if dynamic[tag] < link.base else 0)

    wanted = {address(name) - link.base: name for name in names}
    symbols = located(_DT_SYMTAB)
    entries = ctypes.string_at(located(_DT_JMPREL), dynamic[_DT_PLTRELSZ])
    found = {}
    for offset, info, _addend in struct.iter_unpack("<QQq", entries):
        value = ctypes.c_uint64.from_address(symbols + (info >> 32) * 24 + 8).value
        if value in wanted:
            found[wanted[value]] = link.base + offset
    if missing := names - found.keys():
        raise EngineError(f"this build of Unicorn calls {', '.join(sorted(missing))} directly")
    for name, slot in found.items():
        yield slot, name


def _dynamic(at: int) -> Iterator[tuple[int, int]]:
    while True:
        tag, value = struct.unpack("<qQ", ctypes.string_at(at, 16))
        if not tag:
            return
        yield tag, value
        at += 16


def _code_hook_site(slot: int) -> int:
    """The return address of the translator's only question whether to leave, which it asks behind a code hook."""
    end = address("gen_intermediate_code_x86_64") + _SEARCHED
    start = end - _TRANSLATOR
    code = ctypes.string_at(start, end - start)
    sites = []
    at = code.find(b"\xe8")
    while 0 <= at < len(code) - 5:
        after = start + at + 5
        target = after + int.from_bytes(code[at + 1 : at + 5], "little", signed=True)
        if _stub_slot(target, slot) == slot:
            sites.append(after)
        at = code.find(b"\xe8", at + 1)
    if len(sites) != 1:
        raise EngineError(f"the translator asks whether to leave at {len(sites)} places, not one")
    return sites[0]


@cache
def _stub_slot(target: int, slot: int) -> int | None:
    """The slot that a linkage stub at ``target`` jumps through, if one is there."""
    if not slot - (32 << 20) < target < slot:  # inside the library, so that it can be read
        return None
    found = _STUB.match(ctypes.string_at(target, 6))
    return target + 6 + int.from_bytes(found[1], "little", signed=True) if found else None

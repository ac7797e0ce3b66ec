"""The one register layout that gdb sees in every processor mode: features of target.xml, and the ``g`` block.

Feature and register names are gdb's (gdb manual, "i386 Features"); the system feature is ours, with flag types made
from the same tables that decode everywhere else.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from operator import itemgetter

from gdbstub.registers import Feature, Field, Flags, Register, RegisterSet, Union, Vector
from machine import registers
from machine.cpu import Cpu
from machine.engine.state import CS, SS
from machine.x86.bits import Layout, flag_fields
from machine.x86.control import CR0, CR3, CR4, EFER
from machine.x86.mode import ACCESS_RIGHTS
from machine.x86.registers import RFLAGS

_GENERAL = [register.name for register in registers.ALL[:16]]
_SEGMENTS = ("cs", "ss", "ds", "es", "fs", "gs")
_X87 = ("fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop")

_SYSTEM = (
    # name, bits, gdb type
    ("k_gs_base", 64, "data_ptr"),
    ("cr0", 64, "x86_cr0"),
    ("cr2", 64, "data_ptr"),
    ("cr3", 64, "x86_cr3"),
    ("cr4", 64, "x86_cr4"),
    ("cr8", 64, "int64"),
    ("efer", 64, "x86_efer"),
    ("gdtr_base", 64, "data_ptr"),
    ("gdtr_limit", 32, "int32"),
    ("idtr_base", 64, "data_ptr"),
    ("idtr_limit", 32, "int32"),
    ("ldtr", 32, "int32"),
    ("ldtr_base", 64, "data_ptr"),
    ("ldtr_limit", 32, "int32"),
    ("tr", 32, "int32"),
    ("tr_base", 64, "data_ptr"),
    ("tr_limit", 32, "int32"),
    ("cs_base", 64, "data_ptr"),
    ("cs_access", 32, "x86_access"),
    ("star", 64, "int64"),
    ("lstar", 64, "code_ptr"),
    ("cstar", 64, "code_ptr"),
    ("fmask", 64, "int64"),
    ("sysenter_cs", 64, "int64"),
    ("sysenter_esp", 64, "data_ptr"),
    ("sysenter_eip", 64, "code_ptr"),
    *((f"dr{n}", 64, "data_ptr") for n in range(4)),
    ("dr6", 64, "int64"),
    ("dr7", 64, "int64"),
    ("priv", 32, "int32"),
)
MACHINE_NAMES = {"priv": "cpl"}
"""Registers that gdb sees under another name than the machine's: a register ``cpl`` would hide gdb's ``$cpl()``."""

SYSTEM_FEATURE = "org.ringscope.i386.system"


def _flags(name: str, length: int, layout: Layout) -> Flags:
    """A layout as a gdb flags type, ``length`` bytes; gdb wants a type for fields of more than one bit."""
    fields = (Field(field, low, high) for field, low, high in flag_fields(layout))
    return Flags(name, length, tuple(fields))


def _vector_types() -> tuple[Vector | Union, ...]:
    # What gdb's own i386 SSE description says of an XMM register.
    shapes = (
        ("v8_bfloat16", "bfloat16", 8),
        ("v4f", "ieee_single", 4),
        ("v2d", "ieee_double", 2),
        ("v16i8", "int8", 16),
        ("v8i16", "int16", 8),
        ("v4i32", "int32", 4),
        ("v2i64", "int64", 2),
    )
    names = ("v8_bfloat16", "v4_float", "v2_double", "v16_int8", "v8_int16", "v4_int32", "v2_int64")
    fields = [Field(name, type=shape[0]) for name, shape in zip(names, shapes, strict=True)]
    return (*(Vector(*shape) for shape in shapes), Union("vec128", (*fields, Field("uint128", type="uint128"))))


_MXCSR = Flags(
    "i386_mxcsr",
    4,
    tuple(
        Field(name, bit, bit)
        for bit, name in enumerate(
            ["IE", "DE", "ZE", "OE", "UE", "PE", "DAZ", "IM", "DM", "ZM", "OM", "UM", "PM", ".", ".", "FZ"]
        )
        if name != "."
    ),
)

_CORE = Feature(
    "org.gnu.gdb.i386.core",
    (
        *(Register(name, 64, "data_ptr" if name in ("rbp", "rsp") else "int64") for name in _GENERAL),
        Register("rip", 64, "code_ptr"),
        Register("eflags", 32, "i386_eflags"),
        *(Register(name, 32, "int32") for name in _SEGMENTS),
        *(Register(f"st{n}", 80, "i387_ext") for n in range(8)),
        *(Register(name, 32, "int", "float") for name in _X87),
    ),
    (_flags("i386_eflags", 4, RFLAGS),),
)
_SSE = Feature(
    "org.gnu.gdb.i386.sse",
    (*(Register(f"xmm{n}", 128, "vec128") for n in range(16)), Register("mxcsr", 32, "i386_mxcsr", "vector")),
    (*_vector_types(), _MXCSR),
)
_LINUX = Feature("org.gnu.gdb.i386.linux", (Register("orig_rax", 64, "int", "system"),))
_BASES = Feature("org.gnu.gdb.i386.segments", (Register("fs_base", 64), Register("gs_base", 64)))
_SYSTEM_FEATURE = Feature(
    SYSTEM_FEATURE,
    tuple(Register(name, bits, kind, "system", save_restore=False) for name, bits, kind in _SYSTEM),
    tuple(
        _flags(name, layout.width // 8, layout)
        for name, layout in (
            ("x86_cr0", CR0),
            ("x86_cr3", CR3),
            ("x86_cr4", CR4),
            ("x86_efer", EFER),
            ("x86_access", ACCESS_RIGHTS),
        )
    ),
)

REGISTERS = RegisterSet(
    "i386:x86-64",
    (_CORE, _SSE, _LINUX, _BASES, _SYSTEM_FEATURE),
    expedited=("rbp", "rsp", "rip", "eflags", "cs", "ss"),
    pc="rip",
    osabi="GNU/Linux",
    familiar=4,  # amd64 GNU/Linux without AVX (gdb: amd64-linux-tdep.c)
)

SHARED_REGISTERS = frozenset(name for name, _, _ in _SYSTEM) - {
    *("k_gs_base", "cr2", "cr3", "cs_base", "cs_access", "priv"),
    *("dr0", "dr1", "dr2", "dr3", "dr6", "dr7"),
}
"""What the tasks of a kernel find alike in the processor, whichever of them it runs."""

_SCATTERED = tuple(slot for slot in REGISTERS.slots if slot.number >= 56)
_IN_GDB_ORDER = itemgetter(0, 3, 1, 2, 6, 7, 5, 4, *range(8, 17))
_CORE_STRUCT = struct.Struct("<17QI")
_EXPEDITED = struct.Struct("<QQQIII")
_RSP, _RBP = 4, 5  # in the order of instruction encodings
_MASK_32 = 0xFFFFFFFF


def machine_name(name: str) -> str:
    """The machine's name of a register that gdb sees."""
    return MACHINE_NAMES.get(name, name)


class Block:
    """All registers of a processor as ``g`` sends them: those that every instruction changes by hand, as each stop asks
    for them; the rest by the table, and kept while the state that it is read from is the same."""

    def __init__(self, cpu: Cpu) -> None:
        self._cpu = cpu
        self._key: tuple[bytes, int] | None = None
        self._rest = b""
        front = cpu.standing()
        self._general, self._cs, self._ss = front.regs, front.segs[CS], front.segs[SS]

    def expedited(self) -> bytes:
        """The registers now that `REGISTERS` names so."""
        cpu, regs = self._cpu, self._general
        rip = cpu.standing().eip
        return _EXPEDITED.pack(
            regs[_RBP], regs[_RSP], rip, cpu.flags() & _MASK_32, self._cs.selector, self._ss.selector
        )

    def read(self) -> bytes:
        """The registers now."""
        state = self._cpu.state
        state.load()
        general = _CORE_STRUCT.pack(*_IN_GDB_ORDER(state.changing()), self._cpu.flags() & _MASK_32)
        key = state.steady(), self._cpu.orig_rax
        if key != self._key:
            self._key, self._rest = key, b"".join(_steady(self._cpu))
        return general + self._rest


def _steady(cpu: Cpu) -> Iterator[bytes]:
    """What follows EFLAGS, from the loaded state."""
    front, fpu = cpu.state.front, cpu.state.fpu
    yield struct.pack("<6I", *(front.segs[index].selector for index in (1, 2, 3, 0, 4, 5)))
    yield from (bytes(fpu.fpregs[(fpu.fpstt + index) & 7])[:10] for index in range(8))
    yield from (_read(cpu, name, 4) for name in _X87)
    yield cpu.state.xmm()
    yield from (_read(cpu, machine_name(slot.register.name), slot.length) for slot in _SCATTERED)


def _read(cpu: Cpu, name: str, length: int) -> bytes:
    return registers.find(name).read(cpu).to_bytes(length, "little")

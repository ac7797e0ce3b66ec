"""All that a processor's future depends on, register by register: what a snapshot keeps of it.

The engine's own copy of its state holds host addresses and uninitialized bytes, so it is not kept: equal states have
equal values here, whatever the host and the way there.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import NamedTuple

from unicorn import UC_CTL_TLB_FLUSH
from unicorn import x86_const as x86
from unicorn.unicorn_py3.unicorn import uclib

from machine.boot.entry import EAX, protected_mode
from machine.cpu import Cpu
from machine.engine.state import CS, DS, ES, FS, GS, SS
from machine.errors import Error
from machine.fields import Fields, Kind, State, check_names, flag, mapping, number, optional, row, several, text
from machine.registers import find
from machine.stop import FaultRecord
from machine.x86.registers import GPR64

_ALL_64 = (1 << 64) - 1


class Item(NamedTuple):
    """A register as an unsigned number of ``bits``, read from the loaded view of the state and put into it."""

    name: str
    bits: int
    read: Callable[[Cpu], int]
    write: Callable[[Cpu, int], None]


def _field(name: str, bits: int, part: str, field: str = "") -> Item:
    def write(cpu: Cpu, value: int) -> None:
        setattr(getattr(cpu.state, part), field or name, value)

    return Item(name, bits, lambda cpu: int(getattr(getattr(cpu.state, part), field or name)), write)


def _element(name: str, part: str, field: str, index: int) -> Item:
    def write(cpu: Cpu, value: int) -> None:
        getattr(getattr(cpu.state, part), field)[index] = value

    return Item(name, 64, lambda cpu: int(getattr(getattr(cpu.state, part), field)[index]), write)


def _segment(name: str, find_cache: Callable[[Cpu], object]) -> tuple[Item, ...]:
    """A segment register with its hidden part."""

    def item(field: str, bits: int) -> Item:
        return Item(
            f"{name}_{field}",
            bits,
            lambda cpu: int(getattr(find_cache(cpu), field)),
            lambda cpu, value: setattr(find_cache(cpu), field, value),
        )

    return item("selector", 32), item("base", 64), item("limit", 32), item("flags", 32)


def _numbered_segment(name: str, index: int) -> tuple[Item, ...]:
    return _segment(name, lambda cpu: cpu.state.front.segs[index])


def _table(name: str) -> tuple[Item, ...]:
    _, base, limit, _ = _segment(f"{name}r", lambda cpu: getattr(cpu.state.front, name))
    return base, limit


def _physical_x87(index: int) -> Item:
    """R0-R7, whatever the top of the stack."""

    def write(cpu: Cpu, value: int) -> None:
        cpu.state.fpu.fpregs[index][:10] = value.to_bytes(10, "little")

    return Item(f"r{index}", 80, lambda cpu: int.from_bytes(bytes(cpu.state.fpu.fpregs[index])[:10], "little"), write)


def _write_tags(cpu: Cpu, value: int) -> None:
    for index in range(8):
        cpu.state.fpu.fptags[index] = value >> index & 1


def _xmm(index: int) -> Item:
    register = find(f"xmm{index}")
    return Item(f"xmm{index}", 128, register.read, lambda cpu, value: cpu.state.set_xmm(index, value))


_EMPTY_TAGS = Item(
    "x87_empty",
    8,
    lambda cpu: sum(bool(empty) << index for index, empty in enumerate(cpu.state.fpu.fptags)),
    _write_tags,
)


def _write_flags(cpu: Cpu, value: int) -> None:
    """The engine takes all of them from here when it is entered."""
    cpu.state.set_flags(value)
    cpu.state.front.eflags = value | 2


_FLAGS = Item("rflags", 32, lambda cpu: cpu.flags(), _write_flags)

DR7 = "dr7"

VIEWED: tuple[Item, ...] = (
    *(_element(name, "front", "regs", index) for index, name in enumerate(GPR64)),
    _field("rip", 64, "front", "eip"),
    _FLAGS,
    _field("hflags", 32, "front"),
    _field("hflags2", 32, "front"),
    *_numbered_segment("es", ES),
    *_numbered_segment("cs", CS),
    *_numbered_segment("ss", SS),
    *_numbered_segment("ds", DS),
    *_numbered_segment("fs", FS),
    *_numbered_segment("gs", GS),
    *_segment("ldtr", lambda cpu: cpu.state.front.ldt),
    *_segment("tr", lambda cpu: cpu.state.front.tr),
    *_table("gdt"),
    *_table("idt"),
    *(_element(f"cr{index}", "front", "cr", index) for index in (0, 2, 3, 4)),
    _field("efer", 64, "front"),
    _field("xcr0", 64, "extended"),
    _field("pkru", 32, "protection"),
    *(_element(f"bnd{index // 2}_{('lower', 'upper')[index % 2]}", "front", "bounds", index) for index in range(8)),
    _field("bndcfgu", 64, "front"),
    _field("bndstatus", 64, "front"),
    _field("bndcfgs", 64, "front"),
    _field("x87_top", 3, "fpu", "fpstt"),
    _field("x87_status", 16, "fpu", "fpus"),
    _EMPTY_TAGS,
    *map(_physical_x87, range(8)),
    *map(_xmm, range(16)),
    *(_element(f"dr{index}", "event", "dr", index) for index in (0, 1, 2, 3, 6, 7)),
)
"""Registers in the view of the engine's state."""


def _engine(name: str, bits: int, register: int) -> Item:
    return Item(
        name, bits, lambda cpu: int(cpu.uc.reg_read(register)), lambda cpu, value: cpu.uc.reg_write(register, value)
    )


def _msr(name: str, index: int) -> Item:
    return Item(name, 64, lambda cpu: int(cpu.uc.msr_read(index)), lambda cpu, value: cpu.uc.msr_write(index, value))


_MACHINE_CHECK_BANKS = 10

WRITTEN: tuple[Item, ...] = (
    # Rounding and precision follow from these two in the engine.
    _engine("x87_control", 16, x86.UC_X86_REG_FPCW),
    _engine("mxcsr", 32, x86.UC_X86_REG_MXCSR),
    _engine("fip", 64, x86.UC_X86_REG_FIP),
    _engine("fcs", 16, x86.UC_X86_REG_FCS),
    _engine("fdp", 64, x86.UC_X86_REG_FDP),
    _engine("fds", 16, x86.UC_X86_REG_FDS),
    _engine("fop", 16, x86.UC_X86_REG_FOP),
    _msr("star", 0xC0000081),
    _msr("lstar", 0xC0000082),
    _msr("cstar", 0xC0000083),
    _msr("fmask", 0xC0000084),
    _msr("kernel_gs_base", 0xC0000102),
    _msr("tsc_aux", 0xC0000103),
    _msr("sysenter_cs", 0x174),
    _msr("sysenter_esp", 0x175),
    _msr("sysenter_eip", 0x176),
    _msr("misc_enable", 0x1A0),
    _msr("pat", 0x277),
    _msr("vm_hsave_pa", 0xC0010117),
    _msr("mcg_status", 0x17A),
    _msr("mcg_ctl", 0x17B),
    *(_msr(f"mtrr_{('base', 'mask')[index % 2]}{index // 2}", 0x200 + index) for index in range(16)),
    *(_msr(f"mtrr_fixed_{index:x}", index) for index in (0x250, 0x258, 0x259, *range(0x268, 0x270))),
    _msr("mtrr_default_type", 0x2FF),
    *(
        _msr(f"mc{index // 4}_{('ctl', 'status', 'addr', 'misc')[index % 4]}", 0x400 + index)
        for index in range(4 * _MACHINE_CHECK_BANKS)
    ),
)
"""Registers that the engine must be told, for what it derives from them."""

_FAULT = row(FaultRecord, number(255), optional(number(_ALL_64, -_ALL_64)), number(_ALL_64), text)
_FAULTS = several(_FAULT, 16)
_CHAIN = Kind(_FAULTS.save, lambda value, before, where: tuple(_FAULTS.load(value, before, where)))
_FIELDS = Fields(
    "processor",
    events=number(1 << 62),
    halted=flag,
    orig_rax=number(_ALL_64),
    shutdown=optional(_CHAIN),
)


class Loaded(NamedTuple):
    """A processor's state that was found valid and waits to be loaded."""

    registers: State
    progress: int
    rest: State


def save(cpu: Cpu) -> dict[str, object]:
    """The processor's state between two runs, as JSON values."""
    cpu.state.load()
    registers = {item.name: item.read(cpu) for item in (*VIEWED, *WRITTEN)}
    return {"registers": registers, "progress": cpu.progress.clock, "rest": _FIELDS.save(cpu)}


def check(cpu: Cpu, state: State) -> Loaded:
    """Look at what `save` made, without changing anything.  Raises `Error` naming what is wrong."""
    check_names("processor", ("registers", "progress", "rest"), state)
    registers, rest = mapping(state["registers"], "registers"), mapping(state["rest"], "processor")
    items = (*VIEWED, *WRITTEN)
    check_names("processor", (item.name for item in items), registers)
    for item in items:
        number((1 << item.bits) - 1).load(registers[item.name], None, f"processor: {item.name}")
    _FIELDS.check(cpu, rest)
    return Loaded(registers, number(1 << 62).load(state["progress"], None, "processor: progress"), rest)


def load(cpu: Cpu, loaded: Loaded) -> None:
    """Become what was saved; RAM is loaded after this.  Translations and the TLB are thrown away."""
    registers: dict[str, int] = {**loaded.registers}  # type: ignore[dict-item]
    _arm_debug_registers(cpu, registers)
    cpu.state.load()
    for item in VIEWED:
        item.write(cpu, registers[item.name])
    cpu.state.event.old_exception = -1
    cpu.state.store()
    for item in WRITTEN:
        item.write(cpu, registers[item.name])
    _FIELDS.load(cpu, loaded.rest)
    cpu.progress.clock = loaded.progress
    cpu.breakpoints.hit = cpu.catches.hit = None
    cpu.watchpoints.forget()
    _flush(cpu)


_SCRATCH = 0x1000
_MOV_EAX_TO_DR7 = b"\x0f\x23\xf8"


def _arm_debug_registers(cpu: Cpu, registers: dict[str, int]) -> None:
    """Let the engine take its breakpoints for the old DR7 out and put those for the new one in.

    It does so for the instruction alone, which is therefore run, in memory that is loaded afterwards.
    """
    old, new = cpu.read_register(DR7), registers[DR7]
    if not (old | new) & 0xFF:
        return
    for value in (0, new):
        cpu.memory.write(_SCRATCH, _MOV_EAX_TO_DR7)
        protected_mode(cpu, _SCRATCH, {EAX: value})
        for index in range(4) if value else ():
            cpu.uc.reg_write(x86.UC_X86_REG_DR0 + index, registers[f"dr{index}"])
        cpu.told_at = _SCRATCH
        cpu.step()
    if cpu.read_register(DR7) & 0xFF != new & 0xFF:
        raise Error(f"DR7 cannot be set to {new:#x}")


_WRITE = 1 << 30


def _flush(cpu: Cpu) -> None:
    # A write to CR3 flushes only while paging is on, and the mode before may have been another one.
    cpu.uc.ctl_flush_tb()
    uclib.uc_ctl(cpu.uc._uch, ctypes.c_int(UC_CTL_TLB_FLUSH | _WRITE))
    cpu.memory.changes += 1

"""Every register that can be read and written from outside, by name: one table.

Values are unsigned integers.  Reading has no effect on the guest; writing a segment register loads its hidden part
from the descriptor table, as MOV would, without the privilege checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from unicorn import x86_const as uc

from machine.delivery.event import VM
from machine.errors import MemoryFault, RegisterError
from machine.walk import pages
from machine.x86.descriptors import SegmentDescriptor, decode_segment, decode_selector
from machine.x86.registers import GPR64

from .engine.state import CS, DS, ES, FS, GS, HF_ADDSEG, HF_CPL, HF_CS32, HF_CS64, HF_LMA, HF_SS32, SS

if TYPE_CHECKING:
    from machine.cpu import Cpu

Read = Callable[["Cpu"], int]
Write = Callable[["Cpu", int], None]


class Register(NamedTuple):
    """A register: its name, its width in bits, and how it is read (state view loaded) and written."""

    name: str
    bits: int
    read: Read
    write: Write


def _general(index: int) -> Register:
    name = GPR64[index]
    number = getattr(uc, f"UC_X86_REG_{name.upper()}")
    return Register(
        name, 64, lambda cpu: cpu.state.front.regs[index], lambda cpu, value: cpu.uc.reg_write(number, value)
    )


def _engine(name: str, bits: int, number: int) -> Register:
    """A register with a name in the engine's own interface."""

    def write(cpu: Cpu, value: int) -> None:
        cpu.uc.reg_write(number, value)

    return Register(name, bits, lambda cpu: int(cpu.uc.reg_read(number)), write)


def _control(index: int) -> Register:
    number = getattr(uc, f"UC_X86_REG_CR{index}")

    def write(cpu: Cpu, value: int) -> None:
        cpu.uc.reg_write(number, value)

    return Register(f"cr{index}", 64, lambda cpu: cpu.state.front.cr[index], write)


def _msr(name: str, number: int, read: Read) -> Register:
    def write(cpu: Cpu, value: int) -> None:
        cpu.uc.msr_write(number, value)

    return Register(name, 64, read, write)


def _call_msr(name: str, number: int, field: str = "") -> Register:
    """An MSR of SYSCALL or SYSENTER, read from the state view."""
    return _msr(name, number, lambda cpu: int(getattr(cpu.state.calls, field or name)))


def _write_rip(cpu: Cpu, value: int) -> None:
    cpu.uc.reg_write(uc.UC_X86_REG_RIP, value)
    cpu.moved()


def _segment(name: str, index: int) -> Register:
    def write(cpu: Cpu, value: int) -> None:
        if value != cpu.state.front.segs[index].selector:
            load_segment(cpu, index, value)

    return Register(name, 32, lambda cpu: cpu.state.front.segs[index].selector, write)


def load_segment(cpu: Cpu, index: int, selector: int) -> None:
    """Load a segment register and its hidden part.  Raises `RegisterError` if no present descriptor fits it."""
    front = cpu.state.front
    if not front.cr[0] & 1 or front.eflags & VM:  # real and virtual-8086 mode: the base is the selector times 16
        segment = front.segs[index]
        cpu.state.set_segment(index, selector, selector << 4, segment.limit, segment.flags)
        cpu.state.store()
        return
    descriptor = _descriptor(cpu, selector)
    if descriptor is None:
        if index == CS or (index == SS and not front.hflags & HF_CS64):
            raise RegisterError(f"selector {selector:#x} is null")
        cpu.state.set_segment(index, selector, 0, 0, (selector & 3) << 13)
    else:
        if not descriptor.present or not descriptor.s or (index == CS) != descriptor.is_code:
            raise RegisterError(f"selector {selector:#x} names no present segment that fits")
        flags = (descriptor.build() >> 32) & 0xFFFFFFFF
        cpu.state.set_segment(index, selector, descriptor.base, descriptor.limit, flags)
    _follow(cpu, index, selector, descriptor)
    cpu.state.store()


def _follow(cpu: Cpu, index: int, selector: int, descriptor: SegmentDescriptor | None) -> None:
    front = cpu.state.front
    if index == SS and not front.hflags & HF_CS64 and descriptor:
        front.hflags = front.hflags & ~HF_SS32 | (HF_SS32 if descriptor.db else 0)
    if index == CS and descriptor:
        mode = HF_CS64 | HF_CS32 | HF_SS32 if descriptor.long and front.hflags & HF_LMA else 0
        mode = mode or (HF_CS32 if descriptor.db else 0) | front.hflags & (HF_SS32 | HF_ADDSEG)
        clear = HF_CPL | HF_CS32 | HF_CS64 | HF_SS32 | HF_ADDSEG
        front.hflags = front.hflags & ~clear | mode | selector & 3
        cpu.moved()


def _descriptor(cpu: Cpu, selector: int) -> SegmentDescriptor | None:
    parts, front = decode_selector(selector), cpu.state.front
    table = front.ldt if parts.ti else front.gdt
    if parts.is_null:
        return None
    if parts.offset + 7 > table.limit:
        raise RegisterError(f"selector {selector:#x} is beyond its table's limit {table.limit:#x}")
    try:
        runs = pages(cpu.memory, cpu.paging(), table.base + parts.offset, 8)
        raw = b"".join(cpu.memory.read(address, length) for address, length in runs)
    except MemoryFault as fault:
        raise RegisterError(f"the descriptor of selector {selector:#x} cannot be read: {fault}") from None
    return decode_segment(int.from_bytes(raw, "little"))


def _base(name: str, index: int, number: int) -> Register:
    def write(cpu: Cpu, value: int) -> None:
        cpu.uc.reg_write(number, value)

    return Register(name, 64, lambda cpu: cpu.state.front.segs[index].base, write)


def _table(name: str, table: str, field: str, bits: int) -> Register:
    """A field of GDTR, IDTR, LDTR or TR."""

    def read(cpu: Cpu) -> int:
        return int(getattr(getattr(cpu.state.front, table), field))

    def write(cpu: Cpu, value: int) -> None:
        if field == "limit" and table in ("gdt", "idt") and value > 0xFFFF:
            raise RegisterError(f"{name} has 16 bits, {value:#x} does not fit")
        setattr(getattr(cpu.state.front, table), field, value)
        cpu.state.store()

    return Register(name, bits, read, write)


def _fixed(name: str, bits: int, read: Read, why: str) -> Register:
    """A register that only follows others: writing what it holds is accepted, anything else is refused."""

    def write(cpu: Cpu, value: int) -> None:
        if value != read(cpu):
            raise RegisterError(f"{name} cannot be set to {value:#x}: {why}")

    return Register(name, bits, read, write)


def _st(index: int) -> Register:
    def read(cpu: Cpu) -> int:
        fpu = cpu.state.fpu
        return int.from_bytes(bytes(fpu.fpregs[(fpu.fpstt + index) & 7])[:10], "little")

    def write(cpu: Cpu, value: int) -> None:
        fpu = cpu.state.fpu
        fpu.fpregs[(fpu.fpstt + index) & 7][:10] = value.to_bytes(10, "little")
        cpu.state.store()

    return Register(f"st{index}", 80, read, write)


def _xmm(index: int) -> Register:
    number = uc.UC_X86_REG_XMM0 + index

    def read(cpu: Cpu) -> int:
        return int.from_bytes(cpu.state.xmm()[16 * index : 16 * index + 16], "little")

    def write(cpu: Cpu, value: int) -> None:
        cpu.uc.reg_write(number, value)

    return Register(f"xmm{index}", 128, read, write)


def _unused(name: str) -> Register:
    """Parts of the x87 environment that the engine does not keep: read 0, writes are accepted."""
    return Register(name, 32, lambda _cpu: 0, lambda _cpu, _value: None)


def _x87_tag(cpu: Cpu) -> int:
    """The tag word, from the empty marks of the physical registers: 0 valid, 3 empty (SDM 1 8.1.7)."""
    return sum((3 if empty else 0) << 2 * index for index, empty in enumerate(cpu.state.fpu.fptags))


def _write_x87_tag(cpu: Cpu, value: int) -> None:
    for index in range(8):
        cpu.state.fpu.fptags[index] = (value >> 2 * index & 3) == 3
    cpu.state.store()


def _x87_status(cpu: Cpu) -> int:
    return int(cpu.state.fpu.fpus & ~0x3800 | (cpu.state.fpu.fpstt & 7) << 11)


def _write_x87_status(cpu: Cpu, value: int) -> None:
    cpu.state.fpu.fpus = value & ~0x3800
    cpu.state.fpu.fpstt = value >> 11 & 7
    cpu.state.store()


def _write_orig_rax(cpu: Cpu, value: int) -> None:
    cpu.orig_rax = value


ALL: tuple[Register, ...] = (
    *map(_general, (0, 3, 1, 2, 6, 7, 5, 4, *range(8, 16))),
    Register("rip", 64, lambda cpu: cpu.state.front.eip, _write_rip),
    Register("eflags", 32, lambda cpu: cpu.flags(), lambda cpu, v: cpu.uc.reg_write(uc.UC_X86_REG_EFLAGS, v)),
    _segment("cs", CS),
    _segment("ss", SS),
    _segment("ds", DS),
    _segment("es", ES),
    _segment("fs", FS),
    _segment("gs", GS),
    *map(_st, range(8)),
    _engine("fctrl", 32, uc.UC_X86_REG_FPCW),
    Register("fstat", 32, _x87_status, _write_x87_status),
    Register("ftag", 32, _x87_tag, _write_x87_tag),
    *map(_unused, ("fiseg", "fioff", "foseg", "fooff", "fop")),
    *map(_xmm, range(16)),
    _engine("mxcsr", 32, uc.UC_X86_REG_MXCSR),
    Register("orig_rax", 64, lambda cpu: cpu.orig_rax, _write_orig_rax),
    _base("fs_base", FS, uc.UC_X86_REG_FS_BASE),
    _base("gs_base", GS, uc.UC_X86_REG_GS_BASE),
    _call_msr("k_gs_base", 0xC0000102, "kernelgsbase"),
    *map(_control, (0, 2, 3, 4)),
    _fixed("cr8", 64, lambda _cpu: 0, "there is no local APIC"),
    _msr("efer", 0xC0000080, lambda cpu: cpu.state.front.efer),
    _table("gdtr_base", "gdt", "base", 64),
    _table("gdtr_limit", "gdt", "limit", 32),
    _table("idtr_base", "idt", "base", 64),
    _table("idtr_limit", "idt", "limit", 32),
    _table("ldtr", "ldt", "selector", 32),
    _table("ldtr_base", "ldt", "base", 64),
    _table("ldtr_limit", "ldt", "limit", 32),
    _table("tr", "tr", "selector", 32),
    _table("tr_base", "tr", "base", 64),
    _table("tr_limit", "tr", "limit", 32),
    _fixed("cs_base", 64, lambda cpu: cpu.state.front.segs[CS].base, "it follows CS"),
    _fixed("cs_access", 32, lambda cpu: cpu.state.front.segs[CS].flags >> 8 & 0xF0FF, "it follows CS"),
    _call_msr("star", 0xC0000081),
    _call_msr("lstar", 0xC0000082),
    _call_msr("cstar", 0xC0000083),
    _call_msr("fmask", 0xC0000084),
    _call_msr("sysenter_cs", 0x174),
    _call_msr("sysenter_esp", 0x175),
    _call_msr("sysenter_eip", 0x176),
    *(_engine(f"dr{n}", 64, getattr(uc, f"UC_X86_REG_DR{n}")) for n in (0, 1, 2, 3, 6, 7)),
    _fixed("cpl", 32, lambda cpu: cpu.state.front.hflags & HF_CPL, "CPL follows CS"),
)

BY_NAME: dict[str, Register] = {register.name: register for register in ALL}


def find(name: str) -> Register:
    """The register of a name.  Raises `RegisterError` naming it if there is none."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise RegisterError(f"no register {name!r}") from None

"""The processor states in which boot protocols enter an image."""

from __future__ import annotations

import struct
from typing import NamedTuple

from unicorn import x86_const as x86

from machine.cpu import Cpu
from machine.engine.state import CS, DS, ES, FS, GS, HF_ADDSEG, HF_CS32, HF_CS64, HF_LMA, HF_PE, HF_SS32, SS

CODE_32, DATA_32, TSS_32 = 0x00CF9B00, 0x00CF9300, 0x00008B00
CODE_64 = 0x00AF9B00
CODE_16, DATA_16, TSS_16 = 0x00009B00, 0x00009300, 0x00008B00
"""Hidden flags of segments and of TR at power-on (SDM 3A table 9-1)."""

LIMIT, IVT_LIMIT = 0xFFFF, 0x3FF

CR0_PE, CR0_ET, CR0_PG = 1, 1 << 4, 1 << 31
CR4_PAE = 1 << 5
EFER, EFER_LME = 0xC0000080, 1 << 8

EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI = range(8)

BOOT_CS, BOOT_DS = 0x10, 0x18
"""Selectors in which Linux wants to be entered (Linux: arch/x86/include/asm/segment.h)."""


class Segments(NamedTuple):
    """Code and data selectors, and the GDT that explains them: physical base, limit in bytes less one."""

    code: int
    data: int
    gdt: int = 0
    limit: int = 0


NO_GDT = Segments(0x08, 0x10)


def boot_gdt(code: int) -> bytes:
    """A GDT with flat `BOOT_CS` and `BOOT_DS`; ``code`` is the code descriptor's high doubleword."""
    return struct.pack("<16xHHIHHI", 0xFFFF, 0, code, 0xFFFF, 0, DATA_32)


def protected_mode(cpu: Cpu, entry: int, registers: dict[int, int], segments: Segments = NO_GDT) -> None:
    """32-bit protected mode, paging off, flat segments, interrupts off, all other registers 0.

    ``entry`` is a physical address; ``registers`` maps an encoding number (`EAX`, `EBX`, ...) to a value.
    """
    state = cpu.state
    state.load()
    front = state.front
    for index in range(16):
        front.regs[index] = registers.get(index, 0)
    for index in (ES, SS, DS, FS, GS):
        state.set_segment(index, segments.data, 0, 0xFFFFFFFF, DATA_32)
    state.set_segment(CS, segments.code, 0, 0xFFFFFFFF, CODE_32)
    front.gdt.base, front.gdt.limit = segments.gdt, segments.limit
    front.idt.base = front.idt.limit = 0
    front.ldt.selector = front.ldt.base = front.ldt.limit = 0
    front.tr.selector, front.tr.base, front.tr.limit, front.tr.flags = 0, 0, 0x67, TSS_32
    front.efer = 0
    front.hflags = HF_PE | HF_CS32 | HF_SS32
    state.set_flags(2)
    front.eip = entry
    state.event.old_exception = -1
    state.store()
    cpu.uc.reg_write(x86.UC_X86_REG_CR4, 0)
    cpu.uc.reg_write(x86.UC_X86_REG_CR0, CR0_PE | CR0_ET)
    cpu.moved()


def long_mode(cpu: Cpu, entry: int, registers: dict[int, int], cr3: int, segments: Segments) -> None:
    """64-bit mode with the page tables at ``cr3`` (physical), flat segments, interrupts off, other registers 0.

    ``entry`` is a linear address; ``registers`` is as in `protected_mode`.
    """
    protected_mode(cpu, entry, registers, segments)
    # The order in which software does it (SDM 3A 10.8.5): PAE, tables, LME, paging.
    cpu.uc.reg_write(x86.UC_X86_REG_CR4, CR4_PAE)
    cpu.uc.reg_write(x86.UC_X86_REG_CR3, cr3)
    cpu.uc.msr_write(EFER, EFER_LME)
    cpu.uc.reg_write(x86.UC_X86_REG_CR0, CR0_PG | CR0_PE | CR0_ET)
    state = cpu.state
    state.load()
    state.set_segment(CS, segments.code, 0, 0xFFFFFFFF, CODE_64)
    state.front.hflags |= HF_LMA | HF_CS64
    state.store()


def real_mode(cpu: Cpu, cs: int, ip: int, registers: dict[int, int], data_segment: int = 0) -> None:
    """Real mode at CS:IP, interrupts off, the vector table at 0 with 256 entries, ``data_segment`` in all others.

    ``registers`` maps an encoding number (`machine.boot.entry.EAX`, ...) to a value; the rest are 0.
    """
    state = cpu.state
    state.load()
    front = state.front
    for index in range(16):
        front.regs[index] = registers.get(index, 0)
    for index in (ES, SS, DS, FS, GS):
        state.set_segment(index, data_segment, data_segment << 4, LIMIT, DATA_16)
    state.set_segment(CS, cs, cs << 4, LIMIT, CODE_16)
    front.gdt.base, front.gdt.limit = 0, LIMIT
    front.idt.base, front.idt.limit = 0, IVT_LIMIT
    front.ldt.selector, front.ldt.base, front.ldt.limit, front.ldt.flags = 0, 0, LIMIT, 0x8200
    front.tr.selector, front.tr.base, front.tr.limit, front.tr.flags = 0, 0, LIMIT, TSS_16
    front.efer = 0  # writing the MSR would keep LMA
    front.hflags = HF_ADDSEG
    state.set_flags(2)
    front.eip = ip
    state.event.old_exception = -1
    state.store()
    cpu.uc.reg_write(x86.UC_X86_REG_CR4, 0)
    cpu.uc.reg_write(x86.UC_X86_REG_CR0, CR0_ET)
    cpu.moved()

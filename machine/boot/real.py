"""Real mode as firmware leaves it, and Linux's 16-bit entry (Linux Documentation/arch/x86/boot.rst)."""

from __future__ import annotations

from unicorn import x86_const as x86

from machine.cpu import Cpu
from machine.engine.state import CS, DS, ES, FS, GS, HF_ADDSEG, SS

CODE_16, DATA_16, TSS_16 = 0x00009B00, 0x00009300, 0x00008B00
"""Hidden flags of segments and of TR at power-on (SDM 3A table 9-1)."""

LIMIT, IVT_LIMIT = 0xFFFF, 0x3FF
CR0_ET = 1 << 4

_DATA_SEGMENTS = (ES, SS, DS, FS, GS)


def real_mode(cpu: Cpu, cs: int, ip: int, registers: dict[int, int], data_segment: int = 0) -> None:
    """Real mode at CS:IP, interrupts off, the vector table at 0 with 256 entries, ``data_segment`` in all others.

    ``registers`` maps an encoding number (`machine.boot.entry.EAX`, ...) to a value; the rest are 0.
    """
    state = cpu.state
    state.load()
    front = state.front
    for index in range(16):
        front.regs[index] = registers.get(index, 0)
    for index in _DATA_SEGMENTS:
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

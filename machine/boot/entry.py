"""The processor states in which boot protocols enter an image."""

from __future__ import annotations

from unicorn import x86_const as x86

from machine.cpu import Cpu
from machine.engine.state import CS, DS, ES, FS, GS, HF_CS32, HF_PE, HF_SS32, SS

CODE_32, DATA_32, TSS_32 = 0x00CF9B00, 0x00CF9300, 0x00008B00
CR0_PE, CR0_ET = 1, 1 << 4

EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI = range(8)


def protected_mode(cpu: Cpu, entry: int, registers: dict[int, int]) -> None:
    """32-bit protected mode, paging off, flat segments, interrupts off, all other registers 0.

    ``entry`` is a physical address; ``registers`` maps an encoding number (`EAX`, `EBX`, ...) to a value.
    """
    state = cpu.state
    state.load()
    front = state.front
    for index in range(16):
        front.regs[index] = registers.get(index, 0)
    for index in (ES, SS, DS, FS, GS):
        state.set_segment(index, 0x10, 0, 0xFFFFFFFF, DATA_32)
    state.set_segment(CS, 0x08, 0, 0xFFFFFFFF, CODE_32)
    front.gdt.base = front.gdt.limit = front.idt.base = front.idt.limit = 0
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

"""Instructions that Unicorn leaves to hooks: SYSCALL, SYSENTER, CPUID, RDTSC, and the permission for IN and OUT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unicorn import x86_const as x86

from machine.cpuid import cpuid
from machine.interrupts import (
    GP,
    IF,
    RF,
    RSP,
    UD,
    VM,
    Event,
    GuestFault,
    Source,
    read_supervisor,
)
from machine.x86.tss import io_permitted

from .engine.state import CS, HF_ADDSEG, HF_CPL, HF_CS32, HF_CS64, HF_INHIBIT_IRQ, HF_LMA, HF_SS32, SS

if TYPE_CHECKING:
    from machine.cpu import Cpu

EFER_SCE = 1

CODE_64, STACK = 0x00AF9B00, 0x00CF9300
CODE_32 = 0x00CF9B00
"""High doublewords of the flat ring-0 segments that SYSCALL and SYSENTER load without a table (SDM 2B)."""

_LENGTH = 2
"""Bytes of SYSCALL and of SYSENTER; the engine adds them to RIP after the hook."""

_RCX, _R11 = 1, 11


def syscall(cpu: Cpu) -> None:
    """SYSCALL (SDM 2B): to LSTAR in ring 0, RIP kept in RCX and RFLAGS in R11.

    #UD outside 64-bit mode or without EFER.SCE.
    """
    cpu.state.load()
    front, calls = cpu.state.front, cpu.state.calls
    if not (front.efer & EFER_SCE and front.hflags & HF_CS64):
        _fault(cpu, UD, None)
        return
    cpu.progress.tallies.system_call(crossed=bool(front.hflags & HF_CPL))
    flags = cpu.flags()
    front.regs[_RCX] = front.eip + _LENGTH
    front.regs[_R11] = flags & ~RF
    cpu.state.set_flags(flags & ~calls.fmask & ~(RF | VM))
    selector = calls.star >> 32 & 0xFFFC
    _ring_0(cpu, selector, CODE_64, calls.lstar)


def sysenter(cpu: Cpu) -> None:
    """SYSENTER (SDM 2B): to the SYSENTER_CS/ESP/EIP MSRs in ring 0; #GP(0) in real mode or with a null SYSENTER_CS."""
    cpu.state.load()
    front, calls = cpu.state.front, cpu.state.calls
    selector = calls.sysenter_cs & 0xFFFC
    if not front.cr[0] & 1 or not selector:
        _fault(cpu, GP, 0)
        return
    cpu.progress.tallies.system_enter(crossed=bool(front.hflags & HF_CPL))
    cpu.state.set_flags(cpu.flags() & ~(IF | RF | VM))
    front.regs[RSP] = calls.sysenter_esp
    code = CODE_64 if front.hflags & HF_LMA else CODE_32
    _ring_0(cpu, selector, code, calls.sysenter_eip)


def _ring_0(cpu: Cpu, selector: int, code: int, rip: int) -> None:
    front = cpu.state.front
    cpu.state.set_segment(CS, selector, 0, 0xFFFFFFFF, code)
    cpu.state.set_segment(SS, selector + 8, 0, 0xFFFFFFFF, STACK)
    long_code = HF_CS64 if code == CODE_64 else 0
    clear = HF_CPL | HF_ADDSEG | HF_INHIBIT_IRQ | HF_CS64
    front.hflags = front.hflags & ~clear | HF_CS32 | HF_SS32 | long_code
    front.eip = (rip - _LENGTH) & 0xFFFFFFFFFFFFFFFF
    cpu.state.store()


def _fault(cpu: Cpu, vector: int, error_code: int | None) -> None:
    front = cpu.state.front
    rip = front.eip
    cpu.deliver(Event(vector, error_code, Source.EXCEPTION, rip, rip), early=False)
    if cpu.catches.hit:
        cpu.progress.lower(0)
    front.eip = (front.eip - _LENGTH) & 0xFFFFFFFFFFFFFFFF
    cpu.state.store()


def answer_cpuid(cpu: Cpu) -> int:
    """CPUID from the fixed table; tells the engine to skip its own answer."""
    uc = cpu.uc
    leaf = uc.reg_read(x86.UC_X86_REG_EAX)
    answer = cpuid(leaf, uc.reg_read(x86.UC_X86_REG_ECX), cpu.number)
    registers = (x86.UC_X86_REG_RAX, x86.UC_X86_REG_RBX, x86.UC_X86_REG_RCX, x86.UC_X86_REG_RDX)
    for register, value in zip(registers, answer, strict=True):
        uc.reg_write(register, value)
    return 1


def port_permitted(cpu: Cpu, port: int, size: int) -> bool:
    """Whether the processor (view loaded) may access ``size`` ports from ``port``.

    IOPL decides, then the TSS bitmap (SDM 1 19.5).  Raises `GuestFault` if the bitmap cannot be read.
    """
    front = cpu.state.front
    cpl = front.hflags & HF_CPL
    if not front.cr[0] & 1 or (cpl <= (front.eflags >> 12 & 3) and not front.eflags & VM):
        return True
    return io_permitted(
        lambda address, length: read_supervisor(cpu, address, length),
        front.tr.base,
        front.tr.limit,
        port,
        size,
    )


__all__ = ["GuestFault", "answer_cpuid", "port_permitted", "syscall", "sysenter"]

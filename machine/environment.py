"""A processor's execution environment (SDM 1 3.2): flags, privilege, paging, the code ahead, and what it would take.

It is read between two instructions or from a hook; nothing here changes anything.
"""

from __future__ import annotations

import ctypes

from unicorn import UC_ARCH_X86, UC_MODE_64, Uc
from unicorn import x86_const as x86
from unicorn.unicorn_py3.unicorn import uclib

from machine.engine.decode import ends_translation
from machine.engine.fast import FastProgress
from machine.engine.state import CS, HF2_NMI, HF_CPL, HF_CS64, HF_INHIBIT_IRQ, Front, State
from machine.errors import MemoryFault
from machine.interrupts import IF
from machine.memory import Memory
from machine.walk import Paging, Walks

_MASK_32 = 0xFFFFFFFF


def _make_engine(memory: Memory) -> Uc:
    uc = Uc(UC_ARCH_X86, UC_MODE_64, x86.UC_CPU_X86_SKYLAKE_SERVER)
    # An exit address makes the engine probe memory when it stops; none is ever set.
    uc.ctl_exits_enabled(True)
    uc.ctl_set_exits([])
    memory.attach(uc)
    return uc


class ExecutionEnvironment:
    """A processor's part that says what it is doing; the loaded view is what `State.load` has read last."""

    uc: Uc
    state: State
    fast: FastProgress | None
    """The fast engine, whose own registers can be read where they are; None on the portable one."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.uc = _make_engine(memory)
        self.state = State(self.uc)
        self.walks = Walks(memory)
        self._flags = ctypes.c_uint64()

    def flags(self) -> int:
        """RFLAGS, with the status flags the engine computes lazily."""
        uclib.uc_reg_read(self.uc._uch, x86.UC_X86_REG_EFLAGS, ctypes.byref(self._flags))
        return self._flags.value

    def paging(self) -> Paging:
        """The registers that decide translation, from the loaded view."""
        front = self.state.front
        return Paging(front.cr[0], front.cr[3], front.cr[4], front.efer)

    @property
    def cpl(self) -> int:
        """The current privilege level."""
        return int(self.standing().hflags & HF_CPL)

    @property
    def linear_pc(self) -> int:
        """Linear address of the next instruction: CS.base + RIP outside 64-bit mode."""
        front = self.standing()
        rip: int = front.eip
        return rip if front.hflags & HF_CS64 else (front.segs[CS].base + rip) & _MASK_32

    def standing(self) -> Front:
        """The registers as they stand, without a copy where the engine's own can be read."""
        if self.fast:
            return self.fast.live
        self.state.load()
        return self.state.front

    def linear(self, rip: int) -> int:
        """Linear address of an offset in the code segment, from the loaded view."""
        front = self.state.front
        return rip if front.hflags & HF_CS64 else (front.segs[CS].base + rip) & _MASK_32

    # Code ahead

    def next_code(self) -> bytes:
        """Up to 15 bytes of code from the next instruction on, as far as its page goes."""
        self.state.load()
        return self.code_from(self.state.front.eip)

    def code_from(self, rip: int) -> bytes:
        """Up to 15 bytes of code from ``rip`` on its page; none if it is not mapped."""
        linear = self.linear(rip)
        try:
            at = self.walks.physical(self.paging(), linear)
        except MemoryFault:
            return b""
        return bytes(self.memory.ram[at : at + min(15, 4096 - linear % 4096)])

    def code_at(self, linear: int, length: int) -> bytes:
        """Bytes of code at a linear address; none if they are not mapped."""
        try:
            runs = self.walks.pages(self.paging(), linear, length)
        except MemoryFault:
            return b""
        return b"".join(bytes(self.memory.ram[at : at + count]) for at, count in runs)

    def ends_translation(self) -> bool:
        """Whether the engine ends a translation behind the next instruction anyway, from the loaded view."""
        return ends_translation(self.code_from(self.state.front.eip), self.state.front.hflags)

    # What it would take

    def takes_nmi(self) -> bool:
        """Whether an NMI would be taken now: not in the handler of one, and not in an interrupt shadow."""
        self.state.load()
        front = self.state.front
        return not front.hflags2 & HF2_NMI and not front.hflags & HF_INHIBIT_IRQ

    def interruptible(self) -> bool:
        """Whether an external interrupt would be taken now: IF set and no interrupt shadow."""
        self.state.load()
        front = self.state.front
        return bool(front.eflags & IF) and not front.hflags & HF_INHIBIT_IRQ

"""Instructions that the engine hands to a hook: IN, OUT, CPUID, RDTSC, SYSCALL, SYSENTER."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from unicorn import UC_HOOK_INSN, Uc
from unicorn import x86_const as x86

from machine import system
from machine.engine.rawhook import add_hook

if TYPE_CHECKING:
    from machine.cpu import Cpu
    from machine.windows import MemoryDevice

TSC_AUX = 0xC0000103

_MASK_32 = 0xFFFFFFFF
_TIME_STAMP = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class Board(Protocol):
    """What a processor sees of the machine around it."""

    def read_port(self, port: int, size: int) -> int:
        """IN."""

    def write_port(self, port: int, value: int, size: int) -> None:
        """OUT."""

    def read_memory(self, device: MemoryDevice, offset: int, size: int) -> int:
        """A load from a device."""

    def write_memory(self, device: MemoryDevice, offset: int, value: int, size: int) -> None:
        """A store to a device."""

    def time_stamp(self) -> int:
        """The TSC."""

    @property
    def warp(self) -> int:
        """Nanoseconds that virtual time is ahead of guest progress."""


class Intercepts:
    """The hooks of one processor on single instructions."""

    def __init__(self, cpu: Cpu, board: Board) -> None:
        self._cpu = cpu
        self._board = board
        uc = cpu.uc
        uc.hook_add(UC_HOOK_INSN, self._sysenter, None, 1, 0, x86.UC_X86_INS_SYSENTER)
        uc.hook_add(UC_HOOK_INSN, self._cpuid, None, 1, 0, x86.UC_X86_INS_CPUID)
        # The binding refuses RDTSC and RDTSCP; the library itself takes them.
        if cpu.fast:
            cpu.fast.intercept(self, cpu.guarded)
        else:
            self._keep = (
                self._hook_time_stamp(x86.UC_X86_INS_RDTSC, self._rdtsc),
                self._hook_time_stamp(x86.UC_X86_INS_RDTSCP, self._rdtscp),
            )
            uc.hook_add(UC_HOOK_INSN, self._syscall, None, 1, 0, x86.UC_X86_INS_SYSCALL)
            uc.hook_add(UC_HOOK_INSN, self._in, None, 1, 0, x86.UC_X86_INS_IN)
            uc.hook_add(UC_HOOK_INSN, self._out, None, 1, 0, x86.UC_X86_INS_OUT)

    def _hook_time_stamp(self, instruction: int, handler: Callable[[int, int], int]) -> object:
        callback = _TIME_STAMP(self._cpu.guarded(handler))
        add_hook(self._cpu.uc, UC_HOOK_INSN, ctypes.cast(callback, ctypes.c_void_p), instruction=instruction)
        return callback

    def on_exception(self, vector: int) -> None:
        """An exception whose delivery is out of the ordinary."""
        self._cpu.on_exception(vector)

    def on_syscall(self) -> None:
        """SYSCALL."""
        self._cpu.inside()
        system.syscall(self._cpu)

    def on_in(self, port: int, size: int) -> int:
        """IN, permitted."""
        self._cpu.inside()
        return self._board.read_port(port, size)

    def on_out(self, port: int, size: int, value: int) -> None:
        """OUT, permitted."""
        self._cpu.inside()
        self._board.write_port(port, value, size)

    def refuse_port(self, port: int, size: int) -> int:
        """0 if code outside ring 0 may use a port, else the exception: vector << 16 | error code."""
        return self._cpu.refuse_port(port, size)

    def _syscall(self, _uc: Uc, _data: object) -> None:
        self.on_syscall()

    def _sysenter(self, _uc: Uc, _data: object) -> None:
        self._cpu.inside()
        system.sysenter(self._cpu)

    def _cpuid(self, _uc: Uc, _data: object) -> int:
        self._cpu.inside()
        return system.answer_cpuid(self._cpu)

    def _in(self, _uc: Uc, port: int, size: int, _data: object) -> int:
        return self.on_in(port, size)

    def _out(self, _uc: Uc, port: int, size: int, value: int, _data: object) -> None:
        self.on_out(port, size, value)

    def _rdtsc(self, _uc: int, _data: int) -> int:
        self._cpu.inside()
        value, uc = self._board.time_stamp(), self._cpu.uc
        uc.reg_write(x86.UC_X86_REG_RAX, value & _MASK_32)
        uc.reg_write(x86.UC_X86_REG_RDX, value >> 32)
        return 1

    def _rdtscp(self, uc: int, data: int) -> int:
        self._cpu.uc.reg_write(x86.UC_X86_REG_RCX, self._cpu.uc.msr_read(TSC_AUX))
        return self._rdtsc(uc, data)

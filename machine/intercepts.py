"""Instructions that the engine hands to a hook: IN, OUT, CPUID, RDTSC, SYSCALL, SYSENTER."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Protocol

from unicorn import UC_HOOK_INSN, Uc
from unicorn import x86_const as x86
from unicorn.unicorn_py3.unicorn import uclib

from machine import system

if TYPE_CHECKING:
    from machine.cpu import Cpu
    from machine.windows import MemoryDevice

TSC_AUX = 0xC0000103

_MASK_32 = 0xFFFFFFFF


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

    def pause(self) -> None:
        """PAUSE: the processor waits for another one."""

    @property
    def warp(self) -> int:
        """Nanoseconds that virtual time is ahead of guest progress."""


class _Msr(ctypes.Structure):
    """``uc_x86_msr``: an MSR's number and value."""

    _fields_ = (("number", ctypes.c_uint32), ("value", ctypes.c_uint64))


class _TimeStamp:
    """The registers of RDTSC and RDTSCP, by single calls of the library: kernels wait in loops of these."""

    def __init__(self, uc: Uc) -> None:
        self._uc = uc._uch
        self._values = (ctypes.c_uint64 * 3)()
        at = ctypes.addressof(self._values)
        self._numbers = (ctypes.c_int * 3)(x86.UC_X86_REG_RAX, x86.UC_X86_REG_RDX, x86.UC_X86_REG_RCX)
        self._places = (ctypes.c_void_p * 3)(at, at + 8, at + 16)
        self._aux = _Msr(number=TSC_AUX)

    def write(self, value: int) -> None:
        """EDX:EAX; the registers' upper halves become 0."""
        self._values[0], self._values[1] = value & _MASK_32, value >> 32
        uclib.uc_reg_write_batch(self._uc, self._numbers, self._places, 2)

    def write_with_aux(self, value: int) -> None:
        """EDX:EAX, and ECX from TSC_AUX."""
        uclib.uc_reg_read(self._uc, x86.UC_X86_REG_MSR, ctypes.byref(self._aux))
        self._values[0], self._values[1], self._values[2] = value & _MASK_32, value >> 32, self._aux.value & _MASK_32
        uclib.uc_reg_write_batch(self._uc, self._numbers, self._places, 3)


class Intercepts:
    """The hooks of one processor on single instructions."""

    def __init__(self, cpu: Cpu, board: Board) -> None:
        self._cpu = cpu
        self._board = board
        uc = cpu.uc
        self._time_stamp = _TimeStamp(uc)
        uc.hook_add(UC_HOOK_INSN, self._sysenter, None, 1, 0, x86.UC_X86_INS_SYSENTER)
        uc.hook_add(UC_HOOK_INSN, self._cpuid, None, 1, 0, x86.UC_X86_INS_CPUID)
        # The binding refuses RDTSC and RDTSCP; the library itself takes them.
        if cpu.fast:
            cpu.fast.intercept(self, cpu.guarded)
        else:
            guarded = cpu.guarded
            cpu.progress.hook_time_stamps(rdtsc=guarded(self._rdtsc), rdtscp=guarded(self._rdtscp))
            uc.hook_add(UC_HOOK_INSN, self._syscall, None, 1, 0, x86.UC_X86_INS_SYSCALL)
            uc.hook_add(UC_HOOK_INSN, self._in, None, 1, 0, x86.UC_X86_INS_IN)
            uc.hook_add(UC_HOOK_INSN, self._out, None, 1, 0, x86.UC_X86_INS_OUT)

    def on_block(self, address: int, size: int) -> bool:
        """A block that may need hooks, before its first run: whether to leave the engine and translate it anew."""
        return self._cpu.translations.on_block(address, size)

    def on_exception(self, vector: int) -> None:
        """An exception whose delivery is out of the ordinary."""
        self._cpu.exceptions.on_exception(vector)

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

    def on_pause(self) -> None:
        """PAUSE, where there are several processors."""
        self._board.pause()

    def refuse_port(self, port: int, size: int) -> int:
        """0 if code outside ring 0 may use a port, else the exception: vector << 16 | error code."""
        fault = self._cpu.guards.port_fault(port, size)
        return fault[0] << 16 | (fault[1] or 0) if fault else 0

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
        self._time_stamp.write(self._board.time_stamp())
        return 1

    def _rdtscp(self, _uc: int, _data: int) -> int:
        self._cpu.inside()
        self._time_stamp.write_with_aux(self._board.time_stamp())
        return 1

"""RDTSC and RDTSCP on the portable engine, in machine code: kernels wait in loops of these."""

from __future__ import annotations

import ctypes

from unicorn import UC_HOOK_INSN, Uc
from unicorn import x86_const as x86
from unicorn.unicorn_py3.unicorn import uclib

from machine.engine.rawhook import add_hook

_pointer, _u64 = ctypes.c_void_p, ctypes.c_uint64

Callback = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, _pointer)
"""What the library calls: (engine, data); 1 if the instruction is done."""

INSTRUCTIONS = {"rdtsc": x86.UC_X86_INS_RDTSC, "rdtscp": x86.UC_X86_INS_RDTSCP}
_NUMBERS = ("rip", "rax", "rdx", "rcx", "msr")


class TimeStamp(ctypes.Structure):
    """``struct time_stamp`` of native/progress.c."""

    _fields_ = (
        ("progress", _pointer),
        ("warp", _u64),
        *((name, _pointer) for name in ("read", "write")),
        *((name, Callback) for name in INSTRUCTIONS),
        *((name, _u64) for name in _NUMBERS),
    )
    warp: int

    def plant(self, uc: Uc, progress: ctypes.Structure, entries: dict[str, int]) -> None:
        """Hook both instructions, once the callbacks in Python are set.  The guest is told the clock and ``warp``."""
        self.progress = ctypes.addressof(progress)
        self.read, self.write = (ctypes.cast(f, _pointer).value for f in (uclib.uc_reg_read, uclib.uc_reg_write))
        for name in _NUMBERS:
            setattr(self, name, getattr(x86, f"UC_X86_REG_{name.upper()}"))
        for name, instruction in INSTRUCTIONS.items():
            add_hook(uc, UC_HOOK_INSN, _pointer(entries[name]), self, instruction=instruction)

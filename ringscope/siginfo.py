"""``$_siginfo`` at a caught exception: what Linux would tell a program of it (arch/x86/kernel/traps.c, mm/fault.c)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from machine.stop import FaultRecord

LENGTH = 128
"""Bytes of siginfo_t on x86-64 (include/uapi/asm-generic/siginfo.h)."""

SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV = 4, 5, 7, 8, 11
SI_KERNEL = 0x80
SEGV_MAPERR, SEGV_ACCERR = 1, 2
PF = 14
_PROTECTION = 1  # of a page fault's error code


class _Told(NamedTuple):
    """A signal, its code, and whether si_addr is the instruction's address."""

    signal: int
    code: int
    addressed: bool = False


# fmt: off
_VECTORS: dict[int, _Told] = {
    0:  _Told(SIGFPE,  1, True),       # FPE_INTDIV
    1:  _Told(SIGTRAP, 2, True),       # TRAP_TRACE
    3:  _Told(SIGTRAP, SI_KERNEL),
    4:  _Told(SIGSEGV, SI_KERNEL),
    5:  _Told(SIGSEGV, SI_KERNEL),
    6:  _Told(SIGILL,  2, True),       # ILL_ILLOPN
    10: _Told(SIGSEGV, SI_KERNEL),
    11: _Told(SIGBUS,  SI_KERNEL),
    12: _Told(SIGBUS,  SI_KERNEL),
    13: _Told(SIGSEGV, SI_KERNEL),
    16: _Told(SIGFPE,  SI_KERNEL, True),
    17: _Told(SIGBUS,  1, True),       # BUS_ADRALN
    19: _Told(SIGFPE,  SI_KERNEL, True),
}
# fmt: on


def signal_info(fault: FaultRecord, cr2: int) -> bytes | None:
    """siginfo_t for an exception; None for one that Linux makes no signal of."""
    if fault.vector == PF:
        code = SEGV_ACCERR if (fault.error_code or 0) & _PROTECTION else SEGV_MAPERR
        return _pack(SIGSEGV, code, cr2)
    told = _VECTORS.get(fault.vector)
    return None if told is None else _pack(told.signal, told.code, fault.address if told.addressed else 0)


def plain_signal_info(signal: int) -> bytes:
    """siginfo_t for a signal of Linux's number of which nothing more is known: the kernel's own (SI_KERNEL)."""
    return _pack(signal, SI_KERNEL, 0)


def _pack(signal: int, code: int, address: int) -> bytes:
    """si_signo, si_errno and si_code, then si_addr at its alignment."""
    return struct.pack("<iii4xQ", signal, 0, code, address).ljust(LENGTH, b"\0")

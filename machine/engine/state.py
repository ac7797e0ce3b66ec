"""The processor state that Unicorn keeps but has no register names for.

A saved context is a copy of QEMU's ``CPUX86State`` (target/i386/cpu.h of Unicorn 2.1.4): hidden segment parts,
CPL, error code of the pending exception.  This module lays two structures over that copy.  Their offsets are
found and checked at start-up with marked register values, so that a library with another layout is refused
instead of misread.
"""

from __future__ import annotations

import ctypes
import struct
import weakref

from unicorn import Uc, uc_version
from unicorn import x86_const as x86
from unicorn.unicorn_py3.unicorn import uclib

from machine.errors import EngineError

HF_CPL = 3
HF_INHIBIT_IRQ = 1 << 3
HF_CS32 = 1 << 4
HF_SS32 = 1 << 5
HF_ADDSEG = 1 << 6
HF_PE = 1 << 7
HF_LMA = 1 << 14
HF_SMAP = 1 << 23
HF_CS64 = 1 << 15
"""Bits of ``hflags``, QEMU's digest of the processor's mode."""

HF2_NMI = 1 << 2
"""Bit of ``hflags2``: the handler of an NMI runs, and IRET has not ended it."""

CC_OP_EFLAGS = 1
CC_OP_LOGICB, CC_OP_LOGICQ = 22, 25
STATUS_FLAGS = 0x8D5
"""OF SF ZF AF PF CF: kept apart from eflags, in cc_src, while cc_op says CC_OP_EFLAGS."""

ES, CS, SS, DS, FS, GS = range(6)

_u8, _u16, _u32, _u64, _i32 = (
    ctypes.c_uint8,
    ctypes.c_uint16,
    ctypes.c_uint32,
    ctypes.c_uint64,
    ctypes.c_int32,
)


class SegmentCache(ctypes.Structure):
    """A segment register with its hidden part; ``flags`` is the descriptor's high doubleword."""

    _fields_ = (("selector", _u32), ("base", _u64), ("limit", _u32), ("flags", _u32))
    selector: int
    base: int
    limit: int
    flags: int


class Front(ctypes.Structure):
    """The head of CPUX86State: registers, flags, segments, tables, control registers."""

    _fields_ = (
        ("regs", _u64 * 16),
        ("eip", _u64),
        ("eflags", _u64),
        ("cc_dst", _u64),
        ("cc_src", _u64),
        ("cc_src2", _u64),
        ("cc_op", _u32),
        ("df", _i32),
        ("hflags", _u32),
        ("hflags2", _u32),
        ("segs", SegmentCache * 6),
        ("ldt", SegmentCache),
        ("tr", SegmentCache),
        ("gdt", SegmentCache),
        ("idt", SegmentCache),
        ("cr", _u64 * 5),
        ("_unused", _u64 * 5),
        ("bounds", _u64 * 8),
        ("bndcfgu", _u64),
        ("bndstatus", _u64),
        ("bndcfgs", _u64),
        ("efer", _u64),
    )


_CHANGING = struct.Struct("<17Q")
"""The head of `Front`: the general registers and RIP."""


class Event(ctypes.Structure):
    """The pending exception, around the debug registers."""

    _fields_ = (
        ("error_code", _i32),
        ("exception_is_int", _i32),
        ("exception_next_eip", _u64),
        ("dr", _u64 * 8),
        ("_breakpoints", _u8 * 32),
        ("old_exception", _i32),
    )


class Fpu(ctypes.Structure):
    """The x87 stack as QEMU keeps it: physical registers and the top-of-stack index."""

    _pack_ = 1
    _fields_ = (
        ("fpstt", _u32),
        ("fpus", _u16),
        ("fpuc", _u16),
        ("fptags", _u8 * 8),
        ("_padding", _u32),
        ("fpregs", (_u8 * 16) * 8),
    )


class SystemCalls(ctypes.Structure):
    """The MSRs of SYSENTER and SYSCALL."""

    _fields_ = (
        ("sysenter_cs", _u32),
        ("sysenter_esp", _u64),
        ("sysenter_eip", _u64),
        ("star", _u64),
        ("_vm_hsave", _u64),
        ("lstar", _u64),
        ("cstar", _u64),
        ("fmask", _u64),
        ("kernelgsbase", _u64),
    )


class Extended(ctypes.Structure):
    """What XSETBV sets, behind the MSR TSC_AUX."""

    _fields_ = (("tsc_aux", _u64), ("xcr0", _u64))


class Protection(ctypes.Structure):
    """The protection keys' register, behind the MSR PAT."""

    _fields_ = (("pat", _u64), ("_smbase", _u32), ("_smi_count", _u64), ("pkru", _u32))


_DEBUG_MARKS = {
    x86.UC_X86_REG_DR0: 0x0123456789A00000,
    x86.UC_X86_REG_DR1: 0x0123456789A11111,
    x86.UC_X86_REG_DR2: 0x0123456789A22222,
    x86.UC_X86_REG_DR3: 0x0123456789A33333,
}
_MSR_MARKS = {
    0xC0000081: "star",
    0xC0000082: "lstar",
    0xC0000083: "cstar",
    0xC0000084: "fmask",
    0xC0000102: "kernelgsbase",
    0x174: "sysenter_cs",
    0x175: "sysenter_esp",
    0x176: "sysenter_eip",
}
"""MSRs by number, marked with that number during calibration."""

_ALONE_MARKS = {0xC0000103: 0x0123456789A44444, 0x277: 0x0606060606060606}
"""TSC_AUX and PAT, which lie apart from those."""

_XCR0_START = 0x203
"""What the library starts with: x87, SSE and PKRU state (SDM 1 13.3)."""

_RELEASE, _IN_PIECES = 0x020104, 0x568
"""Of the library, and the offset of ``size_recur_mem`` in its ``struct uc_struct``, on hosts with a long of 64 bits."""

_FPCW_MARK = 0x1A7F
_RAX_MARK, _RCX_MARK = 0x5A5A0123456789A0, 0x5A5A0123456789A1
_XMM_MARK = 0x0F1E2D3C4B5A69788796A5B4C3D2E1F0


def _in_pieces(uc: Uc) -> ctypes.c_uint32:
    """Where the engine says that an access to two pages is being made in pieces; in vain where it is not known."""
    known = uc_version()[2] >> 8 == _RELEASE and ctypes.sizeof(ctypes.c_long) == 8
    found = _u32.from_address((uc._uch.value or 0) + _IN_PIECES) if known else _u32()
    return found if found.value == 0 else _u32()


class State:
    """One processor's saved context, with named access to its hidden fields.

    `load` copies the live state here, `store` writes it back.  Raises `EngineError` if the library's layout is
    not the measured one.
    """

    def __init__(self, uc: Uc) -> None:
        major, minor, *_ = uc_version()
        if (major, minor) != (2, 1):
            raise EngineError(f"Unicorn {major}.{minor} has an unknown state layout; this machine needs 2.1.4")
        self._handle = uc._uch
        self._in_pieces = _in_pieces(uc)
        self.context = ctypes.c_void_p()
        uclib.uc_context_alloc(self._handle, ctypes.byref(self.context))
        if not self.context.value:
            raise EngineError("Unicorn could not allocate a context")
        weakref.finalize(self, uclib.uc_context_free, ctypes.c_void_p(self.context.value))
        self._size = uclib.uc_context_size(self._handle)
        self._bytes = (_u8 * self._size).from_address(self.context.value)
        self._save, self._restore = uclib.uc_context_save, uclib.uc_context_restore
        self._calibrate(uc)

    def end_access(self) -> None:
        """From a hook on an exception: an access to two pages, which the engine makes in pieces, ends with it.

        The engine forgets that, takes all accesses from then on for pieces, and calls no hook on memory for them.
        """
        self._in_pieces.value = 0

    def load(self) -> None:
        """Copy the live processor state into this view."""
        self._save(self._handle, self.context)

    def store(self) -> None:
        """Make this view the live processor state."""
        self._restore(self._handle, self.context)

    def _find(self, mark: bytes, what: str) -> int:
        at = bytes(self._bytes).find(mark)
        if at < 0:
            raise EngineError(f"{what} not found in Unicorn's context ({self._size} bytes)")
        return at

    def _calibrate(self, uc: Uc) -> None:
        marked = {x86.UC_X86_REG_RAX: _RAX_MARK, x86.UC_X86_REG_RCX: _RCX_MARK, **_DEBUG_MARKS}
        for register, mark in marked.items():
            uc.reg_write(register, mark)
        for number in _MSR_MARKS:
            uc.msr_write(number, number)
        alone = {number: uc.msr_read(number) for number in _ALONE_MARKS}
        for number, mark in _ALONE_MARKS.items():
            uc.msr_write(number, mark)
        uc.reg_write(x86.UC_X86_REG_XMM0, _XMM_MARK)
        uc.reg_write(x86.UC_X86_REG_XMM1, _XMM_MARK + 1)
        uc.reg_write(x86.UC_X86_REG_FPCW, _FPCW_MARK)
        uc.reg_write(x86.UC_X86_REG_FP0, (0x8877665544332211, 0x4321))
        self.load()
        self._lay_over()
        self._check(uc)
        for register in marked:
            uc.reg_write(register, 0)
        for number in _MSR_MARKS:
            uc.msr_write(number, 0)
        for number, value in alone.items():
            uc.msr_write(number, value)
        uc.reg_write(x86.UC_X86_REG_XMM0, 0)
        uc.reg_write(x86.UC_X86_REG_XMM1, 0)
        uc.reg_write(x86.UC_X86_REG_FP0, (0, 0))
        uc.reg_write(x86.UC_X86_REG_FPCW, 0x37F)

    def _lay_over(self) -> None:
        base = self.context.value or 0
        front = self._find(struct.pack("<2Q", _RAX_MARK, _RCX_MARK), "RAX and RCX")
        dr = self._find(struct.pack("<4Q", *_DEBUG_MARKS.values()), "DR0-DR3")
        lstar = self._find(struct.pack("<3Q", *list(_MSR_MARKS)[1:4]), "LSTAR")
        fp0 = self._find(struct.pack("<QH", 0x8877665544332211, 0x4321), "ST0")
        xmm0 = self._find(_XMM_MARK.to_bytes(16, "little"), "XMM0")
        xmm1 = self._find((_XMM_MARK + 1).to_bytes(16, "little"), "XMM1")
        self.front = Front.from_address(base + front)
        self._front, self._steady = front, base + front + Front.hflags.offset
        self.event = Event.from_address(base + dr - Event.dr.offset)
        self.fpu = Fpu.from_address(base + fp0 - Fpu.fpregs.offset)
        self.calls = SystemCalls.from_address(base + lstar - SystemCalls.lstar.offset)
        tsc_aux, pat = (self._find(struct.pack("<Q", mark), "TSC_AUX or PAT") for mark in _ALONE_MARKS.values())
        self.extended = Extended.from_address(base + tsc_aux)
        self.protection = Protection.from_address(base + pat)
        self._xmm, self._xmm_stride = base + xmm0, xmm1 - xmm0

    def _check(self, uc: Uc) -> None:
        checks = {
            "EFER": (self.front.efer, uc.msr_read(0xC0000080)),
            "CR0": (self.front.cr[0], uc.reg_read(x86.UC_X86_REG_CR0)),
            "CR4": (self.front.cr[4], uc.reg_read(x86.UC_X86_REG_CR4)),
            "XCR0": (self.extended.xcr0, _XCR0_START),
            "PKRU": (self.protection.pkru, 0),
            "FPCW": (self.fpu.fpuc, _FPCW_MARK),
            **{name: (getattr(self.calls, name), number) for number, name in _MSR_MARKS.items()},
        }
        for name, (seen, expected) in checks.items():
            if seen != expected:
                raise EngineError(f"{name} in Unicorn's context is {seen:#x}, not {expected:#x}: layout unknown")

    def changing(self) -> tuple[int, ...]:
        """The general registers and RIP of the loaded state, in the order of `Front`."""
        return _CHANGING.unpack_from(self._bytes, self._front)

    def steady(self) -> bytes:
        """All of the loaded state but those and the flags: what most instructions leave as it is."""
        return ctypes.string_at(self._steady, self._size - self._front - Front.hflags.offset)

    def xmm(self) -> bytes:
        """XMM0-XMM15 of the loaded state, 256 bytes."""
        return b"".join(ctypes.string_at(self._xmm + self._xmm_stride * i, 16) for i in range(16))

    def set_xmm(self, index: int, value: int) -> None:
        """Put a value into XMM0-XMM15 of the loaded state."""
        ctypes.memmove(self._xmm + self._xmm_stride * index, value.to_bytes(16, "little"), 16)

    def set_flags(self, value: int) -> None:
        """Put an RFLAGS value into the loaded state, status flags and DF where QEMU keeps them."""
        self.front.cc_src = value & STATUS_FLAGS
        self.front.cc_op = CC_OP_EFLAGS
        self.front.df = -1 if value & 0x400 else 1
        self.front.eflags = (value & ~(STATUS_FLAGS | 0x400)) | 2

    def set_segment(self, index: int, selector: int, base: int, limit: int, flags: int) -> None:
        """Load a segment register and its hidden part (``limit`` in bytes, ``flags`` the high doubleword)."""
        segment = self.front.segs[index]
        segment.selector, segment.base = selector, base
        segment.limit, segment.flags = limit, flags

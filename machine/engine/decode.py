"""What the machine must know of an instruction's bytes, because the engine treats it in its own way."""

from __future__ import annotations

from functools import lru_cache

from capstone import CS_ARCH_X86, CS_MODE_16, CS_MODE_32, CS_MODE_64, Cs

from machine.engine.state import HF_CS32, HF_CS64

_PREFIXES = frozenset((0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3))
_STRINGS = frozenset((*range(0x6C, 0x70), *range(0xA4, 0xA8), *range(0xAA, 0xB0)))

# fmt: off
_HELPED = frozenset((
    "fxsave", "fxsave64", "fxrstor", "fxrstor64", "fnsave", "frstor", "fnstenv", "fldenv", "fbld", "fbstp",
    "xsave", "xsave64", "xsaveopt", "xsavec", "xsaves", "xrstor", "xrstor64", "xrstors",
    "cmpxchg8b", "cmpxchg16b", "maskmovq", "maskmovdqu", "bound", "enter",
    "ltr", "lldt", "lar", "lsl", "verr", "verw", "lds", "les", "lss", "lfs", "lgs",
    "lcall", "ljmp", "retf", "retfq", "iret", "iretd", "iretq", "int", "int3", "syscall", "sysret", "sysenter",
))
# fmt: on
_SEGMENTS = ("ds", "es", "fs", "gs", "ss")


def code_mode(hflags: int) -> int:
    """capstone's mode for the code that runs: 16, 32 or 64 bits."""
    if hflags & HF_CS64:
        return int(CS_MODE_64)
    return int(CS_MODE_32 if hflags & HF_CS32 else CS_MODE_16)


def ends_translation(code: bytes, hflags: int) -> bool:
    """Whether the engine ends a translation behind this instruction of its own accord, and treats it differently in a
    translation of one: REP string instructions, STI, and loads of SS."""
    code = code.ljust(16, b"\0")
    repeated, index = False, 0
    while index < 14 and (code[index] in _PREFIXES or (hflags & HF_CS64 and code[index] & 0xF0 == 0x40)):
        repeated |= code[index] in (0xF2, 0xF3)
        index += 1
    opcode, follow = code[index], code[index + 1]
    if opcode == 0x8E:  # MOV Sreg: SS
        return follow >> 3 & 7 == 2
    return opcode in (0xFB, 0x17) or (opcode, follow) == (0x0F, 0xB2) or (repeated and opcode in _STRINGS)


def length(code: bytes, hflags: int) -> int:
    """Bytes of the instruction that ``code`` begins with; 15, the most there can be, if capstone does not know it."""
    return next((size for _, size, _, _ in Cs(CS_ARCH_X86, code_mode(hflags)).disasm_lite(code, 0, 1)), 15)


@lru_cache(maxsize=1024)
def can_be_left(code: bytes, hflags: int) -> bool:
    """Whether the engine can leave this instruction between its memory accesses.

    It cannot where one of its helper functions does several, or reaches memory that the instruction does not name
    (descriptors, frames).
    """
    for _address, _size, name, operands in Cs(CS_ARCH_X86, code_mode(hflags)).disasm_lite(code, 0, 1):
        mnemonic = name.split()[-1]
        loads_segment = mnemonic in ("mov", "pop") and operands.startswith(_SEGMENTS)
        long_double = mnemonic in ("fld", "fstp") and "xword ptr" in operands
        return not (mnemonic in _HELPED or loads_segment or long_double)
    return False


def is_prefix(byte: bytes) -> bool:
    """Whether a byte may stand before an opcode as a prefix; none at all may not."""
    return bool(byte) and (byte[0] in _PREFIXES or byte[0] & 0xF0 == 0x40)


def last_length(code: bytes, hflags: int) -> int:
    """Bytes of the last instruction of ``code``, which holds whole ones; 0 if capstone does not know them all."""
    known, size = 0, 0
    for _, size, _, _ in Cs(CS_ARCH_X86, code_mode(hflags)).disasm_lite(code, 0):
        known += size
    return size if known == len(code) else 0


def int1_length(code: bytes, hflags: int) -> int:
    """Bytes of the INT1 that ``code`` begins with; 0 if it is something else, LOCK INT1 among that (SDM 2A INT n)."""
    index = 0
    while index < min(14, len(code) - 1) and code[index] != 0xF0 and is_prefix(code[index : index + 1]):
        if code[index] & 0xF0 == 0x40 and not hflags & HF_CS64:
            break
        index += 1
    return index + 1 if code[index : index + 1] == b"\xf1" else 0

"""What CPUID answers: a fixed table, a subset of what the engine's Skylake-Server model executes (SDM 2A, CPUID).

Left out on purpose: RDRAND and RDSEED (host randomness), AVX and XSAVE, PCID, x2APIC and the TSC-deadline timer.
"""

from __future__ import annotations

from machine.clock import TSC_HZ
from machine.devices.apictimer import CRYSTAL_HZ
from machine.memory import PHYSICAL_BITS

Answer = tuple[int, int, int, int]
"""EAX, EBX, ECX, EDX."""

VENDOR = b"GenuineIntel"
BRAND = b"ringscope virtual x86-64 processor".ljust(48, b"\0")
SIGNATURE = 0x00050654  # family 6, model 0x55, stepping 4


def feature_bits(names: dict[str, int]) -> int:
    """A CPUID register from its table of bit numbers."""
    return sum(1 << bit for bit in names.values())


# fmt: off
LEAF_1_EDX = {
    "fpu": 0, "vme": 1, "de": 2, "pse": 3, "tsc": 4, "msr": 5, "pae": 6, "mce": 7, "cx8": 8, "apic": 9,
    "sep": 11,
    "mtrr": 12, "pge": 13, "mca": 14, "cmov": 15, "pat": 16, "pse36": 17, "clflush": 19, "mmx": 23,
    "fxsr": 24, "sse": 25, "sse2": 26,
}
LEAF_1_ECX = {
    "sse3": 0, "pclmulqdq": 1, "ssse3": 9, "cx16": 13, "sse4_1": 19, "sse4_2": 20, "movbe": 22, "popcnt": 23,
    "aes": 25, "hypervisor": 31,
}
LEAF_7_EBX = {"fsgsbase": 0, "smep": 7, "erms": 9, "smap": 20}
EXTENDED_1_EDX = {"syscall": 11, "nx": 20, "pdpe1gb": 26, "rdtscp": 27, "lm": 29}
EXTENDED_1_ECX = {"lahf_lm": 0}
# fmt: on


def _ascii(text: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(text[at : at + 4], "little") for at in range(0, len(text), 4))


_VENDOR = _ascii(VENDOR)
_BRAND = _ascii(BRAND)

LEAVES: dict[int, Answer] = {
    0x0: (0x16, _VENDOR[0], _VENDOR[2], _VENDOR[1]),
    0x1: (SIGNATURE, 1 << 16 | 8 << 8, feature_bits(LEAF_1_ECX), feature_bits(LEAF_1_EDX)),
    0x7: (0, feature_bits(LEAF_7_EBX), 0, 0),
    0x6: (1 << 2, 0, 0, 0),  # the APIC timer runs on while the processor sleeps
    0x15: (1, TSC_HZ // CRYSTAL_HZ, CRYSTAL_HZ, 0),
    0x16: (TSC_HZ // 1_000_000, TSC_HZ // 1_000_000, 100, 0),
    0x80000000: (0x80000008, 0, 0, 0),
    0x80000001: (0, 0, feature_bits(EXTENDED_1_ECX), feature_bits(EXTENDED_1_EDX)),
    0x80000002: (_BRAND[0], _BRAND[1], _BRAND[2], _BRAND[3]),
    0x80000003: (_BRAND[4], _BRAND[5], _BRAND[6], _BRAND[7]),
    0x80000004: (_BRAND[8], _BRAND[9], _BRAND[10], _BRAND[11]),
    0x80000007: (0, 0, 0, 1 << 8),  # invariant TSC
    0x80000008: (PHYSICAL_BITS | 48 << 8, 0, 0, 0),
}


def cpuid(leaf: int, subleaf: int, processor: int = 0) -> Answer:
    """A processor's answer to a leaf; a leaf beyond the last one answers as the last basic leaf, as Intel's do."""
    if leaf == 7 and subleaf:
        return (0, 0, 0, 0)
    if leaf == 1:
        eax, ebx, ecx, edx = LEAVES[1]
        return (eax, ebx | processor << 24, ecx, edx)  # the local APIC's ID at power-on
    if leaf in LEAVES:
        return LEAVES[leaf]
    last_extended = LEAVES[0x80000000][0]
    beyond = 0x16 < leaf < 0x80000000 or leaf > last_extended
    return LEAVES[0x16] if beyond else (0, 0, 0, 0)

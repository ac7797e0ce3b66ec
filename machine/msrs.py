"""The model-specific registers that the machine has, read without executing anything in the guest."""

from __future__ import annotations

from collections.abc import Iterator

from machine.cpu import Cpu
from machine.x86.msrs import MSRS, Msr

# fmt: off
_KEPT = frozenset({
    0x1B, 0x8B, 0xFE, 0x179, 0x198, 0x174, 0x175, 0x176, 0x17A, 0x17B, 0x1A0, 0x277, 0x2FF, *range(0x200, 0x210),
    0x250, 0x258, 0x259, *range(0x268, 0x270), 0x400, 0x401,
    0xC000_0080, 0xC000_0081, 0xC000_0082, 0xC000_0083, 0xC000_0084,
    0xC000_0100, 0xC000_0101, 0xC000_0102, 0xC000_0103,
})
# fmt: on
"""Those that the engine keeps; RDMSR of any other gives 0."""


def read_msrs(cpu: Cpu) -> Iterator[tuple[Msr, int]]:
    """Every register that the machine has and the table names, with its value."""
    for msr in MSRS:
        if msr.number in _KEPT:
            yield msr, int(cpu.uc.msr_read(msr.number))

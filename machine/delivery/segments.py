"""Descriptors that delivery reads, and what follows from the segments it loads."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from machine.delivery.event import GP, VM, GuestFault
from machine.delivery.supervisor import read_supervisor
from machine.engine.state import (
    CS,
    DS,
    ES,
    HF_ADDSEG,
    HF_CS32,
    HF_CS64,
    HF_LMA,
    HF_SS32,
    SS,
    Front,
)
from machine.x86.descriptors import Gate, SegmentDescriptor, decode_gate, decode_segment, decode_selector, hidden_flags

if TYPE_CHECKING:
    from machine.cpu import Cpu

CR0_PE = 1
DESC_B, DESC_L = 1 << 22, 1 << 21
"""D/B and L of a hidden part's flags."""

# The same few descriptors and gates come again and again.
_decode_segment = lru_cache(maxsize=256)(decode_segment)
_decode_gate = lru_cache(maxsize=1024)(decode_gate)
_hidden_flags = lru_cache(maxsize=256)(hidden_flags)


def read_descriptor(cpu: Cpu, selector: int, error_code: int) -> SegmentDescriptor:
    """The 8-byte descriptor that a selector names.  Raises `GuestFault` #GP(``error_code``) if there is none."""
    parts = decode_selector(selector)
    front = cpu.state.front
    table = front.ldt if parts.ti else front.gdt
    if parts.is_null or parts.offset + 7 > table.limit or (parts.ti and not table.selector & ~3):
        raise GuestFault(GP, error_code & ~0xFFFC if parts.is_null else error_code, f"no descriptor {selector:#x}")
    return _decode_segment(int.from_bytes(read_supervisor(cpu, table.base + parts.offset, 8), "little"))


def read_gate(cpu: Cpu, address: int, *, wide: bool) -> Gate:
    """The IDT entry at a linear address: of 16 bytes, or of 8 if not ``wide``."""
    data = read_supervisor(cpu, address, 16 if wide else 8)
    return _decode_gate(int.from_bytes(data, "little"), wide=wide)


def load(cpu: Cpu, index: int, selector: int, segment: SegmentDescriptor) -> None:
    """Load a segment register of the state view from a descriptor that has passed its checks."""
    cpu.state.set_segment(index, selector, segment.base, segment.limit, _hidden_flags(segment))


def follow_segments(front: Front) -> None:
    """Bring the engine's digest of the mode in line with the loaded segments.

    Code and stack width come from CS and SS.  ADDSEG tells translations to add segment bases: outside 64-bit code
    always in 16-bit code, real and virtual-8086 mode, else only if one of DS, ES and SS has a base.
    """
    segs = front.segs
    code = segs[CS].flags
    if front.hflags & HF_LMA and code & DESC_L:
        bits = HF_CS64 | HF_CS32 | HF_SS32
    else:
        bits = (HF_CS32 if code & DESC_B else 0) | (HF_SS32 if segs[SS].flags & DESC_B else 0)
        flat = not any(segs[index].base for index in (DS, ES, SS))
        plain = front.cr[0] & CR0_PE and not front.eflags & VM and code & DESC_B
        bits |= 0 if flat and plain else HF_ADDSEG
    front.hflags = front.hflags & ~(HF_CS64 | HF_CS32 | HF_SS32 | HF_ADDSEG) | bits

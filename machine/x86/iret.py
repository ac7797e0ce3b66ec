"""What IRET does with a frame, as far as selectors, descriptors and addresses tell (SDM 2A, IRET)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .descriptors import SegmentDescriptor
from .paging import is_canonical
from .registers import RFLAGS

Find = Callable[[int], SegmentDescriptor | None]
"""The code or data segment that a selector names, None if it names none; raises LookupError where nobody can tell."""


class Return(NamedTuple):
    """Where from: the ring, whether in long mode, and the bits of a canonical address (48 or 57)."""

    cpl: int
    long_mode: bool
    linear_bits: int


class Outcome(NamedTuple):
    """Whether IRET succeeds, and the sentence that says so."""

    succeeds: bool
    text: str


def judge(words: list[int], origin: Return, find: Find) -> Outcome:
    """What becomes of a frame's words: instruction pointer, CS, flags, stack pointer, SS.  Not for real mode."""
    target, cs, flags, _, ss = words
    if flags & RFLAGS.mask("VM") and not origin.long_mode and origin.cpl == 0:
        return Outcome(True, f"iret goes from ring 0 to virtual-8086 mode at {cs & 0xFFFF:04x}:{target & 0xFFFF:04x}")
    ring = cs & 3
    problem = _code_problem(target, cs & 0xFFFF, origin, find)
    if not problem and (origin.long_mode or ring != origin.cpl):  # else SS is not popped
        problem = _stack_problem(ss & 0xFFFF, ring, origin, find)
    if problem:
        return Outcome(False, f"iret would fail: {problem}")
    change = f"stays in ring {ring}" if ring == origin.cpl else f"goes from ring {origin.cpl} to ring {ring}"
    enabled = "enabled" if flags & RFLAGS.mask("IF") else "disabled"
    return Outcome(True, f"iret {change}, interrupts {enabled}")


def _code_problem(target: int, cs: int, origin: Return, find: Find) -> str:
    ring, name = cs & 3, f"({cs & 0xFFFC:#x})"
    if not cs & ~3:
        return "#GP(0), CS is a null selector"
    if ring < origin.cpl:
        return f"#GP{name}, CS has RPL {ring}, more privileged than ring {origin.cpl}"
    try:
        code = find(cs)
    except LookupError:
        return ""
    if code is None or not code.is_code:
        return f"#GP{name}, CS names no code segment"
    if code.dpl > ring if code.is_conforming else code.dpl != ring:
        return f"#GP{name}, CS has RPL {ring} and its descriptor DPL {code.dpl}"
    if not code.present:
        return f"#NP{name}, the code segment is not present"
    if code.long and not is_canonical(target, origin.linear_bits):
        return f"#GP(0), {target:#x} is not canonical"
    return ""


def _stack_problem(ss: int, ring: int, origin: Return, find: Find) -> str:
    name = f"({ss & 0xFFFC:#x})"
    if not ss & ~3:
        # 64-bit mode allows a null SS below ring 3.
        return "#GP(0), SS is a null selector" if ring == 3 or not origin.long_mode else ""
    try:
        stack = find(ss)
    except LookupError:
        return ""
    if stack is None or not stack.is_writable:
        return f"#GP{name}, SS names no writable data segment"
    if ss & 3 != ring or stack.dpl != ring:
        return f"#GP{name}, SS has RPL {ss & 3}, DPL {stack.dpl}; CS has RPL {ring}"
    return "" if stack.present else f"#SS{name}, the stack segment is not present"

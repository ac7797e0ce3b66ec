"""The mode a processor runs code in, and by which bits (SDM 3A 2.2, 3.5.1, 20.1; 3C 24.4.1 for access rights)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from .bits import Layout
from .control import CR0, CR4, EFER
from .descriptors import SegmentDescriptor
from .paging import PagingState, paging_mode
from .registers import RFLAGS

# fmt: off
ACCESS_RIGHTS = Layout(
    "access rights", 32,
    # bits 23:8 of a descriptor's high doubleword, moved to bit 0
    ("type",      0,  3, "type of segment"),
    ("S",         4,  4, "code or data"),
    ("DPL",       5,  6, "descriptor privilege level"),
    ("P",         7,  7, "present"),
    ("AVL",      12, 12, "available to software"),
    ("L",        13, 13, "64-bit code"),
    ("DB",       14, 14, "32-bit operands and addresses"),
    ("G",        15, 15, "limit counts 4 KiB units"),
)
# fmt: on


class CodeSegment(NamedTuple):
    """What CS means now: its linear base, and the width of code in bits (16, 32 or 64)."""

    base: int
    width: int


class Mode(NamedTuple):
    """An operating mode; ``width`` is that of code in bits, ``because`` the bits that make it."""

    name: str
    width: int
    because: str


def operating_mode(cr0: int, efer: int, rflags: int, width: int) -> Mode:
    """Real, virtual-8086, 16-bit or 32-bit protected, compatibility, or 64-bit; ``width`` as CS says."""
    d = f"CS.D={int(width == 32)}"
    if not cr0 & CR0.mask("PE"):
        return Mode("real", width, f"CR0.PE=0, {d}")
    if efer & EFER.mask("LMA"):
        if width == 64:
            return Mode("64-bit", 64, "EFER.LMA=1, CS.L=1")
        return Mode("compatibility", width, f"EFER.LMA=1, CS.L=0, {d}")
    if rflags & RFLAGS.mask("VM"):
        return Mode("virtual-8086", width, "CR0.PE=1, EFLAGS.VM=1")
    return Mode(f"{width}-bit protected", width, f"CR0.PE=1, EFER.LMA=0, EFLAGS.VM=0, {d}")


def cached_segment(base: int, access: int, efer: int) -> CodeSegment:
    """From the hidden part of CS, where a debugger is given it."""
    if efer & EFER.mask("LMA") and access & ACCESS_RIGHTS.mask("L"):
        return CodeSegment(0, 64)
    return CodeSegment(base, 32 if access & ACCESS_RIGHTS.mask("DB") else 16)


def likely_segment(
    cr0: int, efer: int, rflags: int, selector: int, find: Callable[[int], SegmentDescriptor | None]
) -> CodeSegment:
    """Where the hidden part of CS is not given: from the selector, or from the descriptor that ``find`` has of it.

    Just behind a switch of modes, before a far jump, it may be wrong.
    """
    if not cr0 & CR0.mask("PE") or (rflags & RFLAGS.mask("VM") and not efer & EFER.mask("LMA")):
        return CodeSegment(selector << 4, 16)
    found = find(selector)
    if found is None or not found.is_code:
        return CodeSegment(0, 64 if efer & EFER.mask("LMA") else 32)
    if efer & EFER.mask("LMA") and found.long:
        return CodeSegment(0, 64)
    return CodeSegment(found.base, 32 if found.db else 16)


def linear_address(code: CodeSegment, offset: int) -> int:
    """Where an offset in CS lies: 64-bit mode ignores the base, the others wrap at 4 GiB (SDM 3A 3.4.4, 3.3.7)."""
    return offset if code.width == 64 else code.base + offset & 0xFFFF_FFFF


class Processor(NamedTuple):
    """The registers that `explain` tells about."""

    cr0: int
    cr4: int
    efer: int
    rflags: int
    cs: int
    rip: int
    cpl: int
    code: CodeSegment


def explain(processor: Processor) -> Iterator[tuple[str, str, str]]:
    """Rows of what, which, and because: mode, ring, paging, CS:IP."""
    cr0, cr4, efer, rflags, cs, rip, cpl, code = processor
    mode = operating_mode(cr0, efer, rflags, code.width)
    width = "" if mode.name.startswith(f"{mode.width}-bit") else f", {mode.width}-bit code"
    yield "mode", f"{mode.name} mode{width}", mode.because
    yield "ring", str(cpl), _ring_because(mode)
    yield "paging", paging_mode(PagingState(cr0, cr4, efer)).name, _paging_because(cr0, cr4, efer)
    digits = 4 if mode.width == 16 else mode.width // 4
    linear = linear_address(code, rip)
    base = "64-bit mode takes CS.base as 0" if mode.width == 64 else f"CS.base={code.base:#x}"
    yield "next", f"{cs:04x}:{rip:0{digits}x}, linear {linear:#x}", base


def _ring_because(mode: Mode) -> str:
    fixed = {"real": "real mode is ring 0", "virtual-8086": "virtual-8086 mode is ring 3"}
    return fixed.get(mode.name, "CPL, the DPL of SS")


def _paging_because(cr0: int, cr4: int, efer: int) -> str:
    if not cr0 & CR0.mask("PG"):
        return "CR0.PG=0"
    pae, lma, la57 = (
        int(bool(word & layout.mask(name)))
        for word, layout, name in ((cr4, CR4, "PAE"), (efer, EFER, "LMA"), (cr4, CR4, "LA57"))
    )
    if lma:
        return f"CR0.PG=1, EFER.LMA=1, CR4.LA57={la57}"
    return f"CR0.PG=1, CR4.PAE={pae}, EFER.LMA=0"

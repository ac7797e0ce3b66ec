"""x86 walk and pte: an address through the page tables to a verdict per ring and access."""

from __future__ import annotations

from collections.abc import Iterator

import gdb

from machine.x86 import entries
from machine.x86.access import Access, Verdict, verdict
from machine.x86.bits import Layout
from machine.x86.errorcodes import PAGE_FAULT
from machine.x86.paging import (
    Level,
    NonCanonical,
    NotPresent,
    Outcome,
    PagingState,
    ReservedBit,
    Translation,
    paging_mode,
    walk,
)
from machine.x86.registers import RFLAGS
from machine.x86.vectors import VECTORS

from . import state
from .columns import hexadecimal, paint, table
from .command import Arguments, Lines, command
from .memory import physical_memory

_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
# Without a target that gives CR0, CR4 and EFER, an entry is taken as one of 4-level paging.
_FOUR_LEVELS = PagingState(cr0=0x8001_0001, cr4=0x20, efer=0xD00)


@command("x86 walk")
def walk_address(arguments: Arguments) -> Lines:
    """Walk the page tables for a linear address, and judge who may use it.
    Usage: x86 walk [-v] ADDRESS [CR3]

    Prints the entry used at each level, the physical address, and for rings 0 and 3 whether a read, a write
    and an instruction fetch succeed, by which entry or register not, and the error code of the page fault.
    CR3 is the tables' root if not the current one. -v explains each entry bit by bit.
    Nothing changes in the target: no accessed or dirty bit is set."""
    usage = "x86 walk [-v] ADDRESS [CR3]"
    arguments.check(usage, least=1, most=2, options="-v")
    address = arguments.number(0)
    paging = state.paging_state()
    cr3 = arguments.number(1)
    cr3 = state.register("cr3") if cr3 is None else cr3
    if not paging_mode(paging).levels:
        steps = list(walk(lambda at, length: b"", cr3, address, paging))
    else:
        with physical_memory(cr3, paging) as read:
            steps = list(walk(read, cr3, address, paging))
    *levels, outcome = steps
    yield f"{hexadecimal(outcome.address)}  CR3 {cr3:#x}  {paging_mode(paging).name}"
    if levels:
        yield from _chain(levels)
    if "-v" in arguments.options:
        for level in levels:
            yield from _bits(f"{level.name} entry {hexadecimal(level.raw)}", level.layout, level.raw)
    yield _result(outcome)
    yield from _verdicts(outcome, paging)


@command("x86 pte")
def page_table_entry(arguments: Arguments) -> Lines:
    """Decode a page-table entry.
    Usage: x86 pte VALUE [LEVEL]

    LEVEL is pgd, p4d, pud, pmd or pte (the default), or Intel's pml5, pml4, pdpt, pd or pt."""
    arguments.check("x86 pte VALUE [LEVEL]", least=1, most=2)
    raw = arguments.number(0)
    try:
        paging = state.paging_state()
    except gdb.GdbError:
        paging = _FOUR_LEVELS
    name = arguments.words[1] if len(arguments.words) > 1 else "pte"
    layout = _entry_layout(name, raw, paging)
    if raw >> layout.width:
        raise gdb.GdbError(f"{raw:#x} has more bits than a {layout.name}.")
    yield from _bits(f"{layout.name} {hexadecimal(raw, layout.width // 4)}", layout, raw)
    if not raw & entries.PTE.mask("present"):
        yield "Not present: the processor ignores all other bits."


def _entry_layout(name: str, raw: int, paging: PagingState) -> Layout:
    levels = paging_mode(paging).levels or paging_mode(_FOUR_LEVELS).levels
    for level in levels:
        if name.lower() in (level.name.lower(), level.intel.lower()):
            large = level.table is None or (level.page is not None and raw & entries.PMD.mask("large"))
            return level.page if large else level.table
    known = " ".join(f"{level.name.lower()}/{level.intel.lower()}" for level in levels)
    raise gdb.GdbError(f"No level {name} in {paging_mode(paging).name}: {known}.")


def _chain(levels: list[Level]) -> Iterator[str]:
    rows = (
        (
            level.name,
            level.format.intel,
            str(level.index),
            f"{level.entry_address:#x}",
            hexadecimal(level.raw, level.layout.width // 4),
            _target(level),
            level.describe(),
        )
        for level in levels
    )
    yield from table("Level Intel >Index >Entry_at Entry >Points_to Flags", rows)


def _target(level: Level) -> str:
    if not level.raw & entries.PTE.mask("present"):
        return "-"
    shift = level.format.shift if level.is_page else 12
    return f"{level.layout['frame'].get(level.raw) << shift:#x}"


def _bits(title: str, layout: Layout, raw: int) -> Iterator[str]:
    yield title
    rows = (("", row.name, row.bits, f"{row.value:#x}", row.meaning) for row in layout.rows(raw))
    yield from table("_ Field >Bits >Value Meaning", rows)
    if layout.reserved_bits(raw):
        yield f"Reserved bits are set: {layout.reserved_bits(raw):#x}."


def _result(outcome: Outcome) -> str:
    if isinstance(outcome, Translation):
        if not outcome.levels:
            return f"physical {outcome.physical:#x} (paging is off)"
        page = f"{_size(outcome.page_size)} page at {outcome.page:#x}"
        return f"physical {outcome.physical:#x} in a {page}, rights {outcome.rights}"
    if isinstance(outcome, NotPresent):
        return paint(f"not mapped: the {outcome.levels[-1].name} entry is not present", "bad")
    if isinstance(outcome, ReservedBit):
        return paint(f"reserved bits {outcome.bits:#x} set in the {outcome.levels[-1].name} entry", "bad")
    if isinstance(outcome, NonCanonical):
        return paint(f"not canonical: bits 63:{outcome.linear_bits - 1} differ", "bad")
    return paint(f"{outcome.format.name} entry at physical {outcome.entry_address:#x}: unreadable", "bad")


def _size(size: int) -> str:
    return next(f"{size // unit} {name}" for unit, name in _UNITS if size >= unit)


def _verdicts(outcome: Outcome, paging: PagingState) -> Iterator[str]:
    ac = bool(state.flags() & RFLAGS.mask("AC"))
    rows = []
    for ring in (0, 3):
        for access in Access:
            found = verdict(outcome, access, ring, paging, ac=ac)
            answer = paint("yes", "good") if found.allowed else paint("no", "bad")
            rows.append((str(ring), access.value, answer, _fault(found), found.reason))
    yield from table("Ring Access OK Exception Because", rows)


def _fault(found: Verdict) -> str:
    if found.vector is None:
        return "-"
    name = VECTORS[found.vector].mnemonic
    if found.vector != 14:
        return f"{name}({found.error_code:#x})"
    return f"{name}({found.error_code:#x}) {PAGE_FAULT.format(found.error_code)}".rstrip()

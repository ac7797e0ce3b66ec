"""x86 walk and pte: an address through the page tables to a verdict per ring and access."""

from __future__ import annotations

from collections.abc import Iterator

import gdb

from machine.x86 import entries, walkreport
from machine.x86.absent import linux_meaning
from machine.x86.bits import Layout
from machine.x86.paging import (
    Translation,
    paging_mode,
    walk,
)
from machine.x86.registers import RFLAGS

from . import state
from .columns import hexadecimal, paint, table
from .command import Arguments, Lines, command
from .memory import physical_memory


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
        yield from table(walkreport.CHAIN, walkreport.chain_rows(levels))
    if "-v" in arguments.options:
        for level in levels:
            yield from _bits(f"{level.name} entry {hexadecimal(level.raw)}", level.layout, level.raw)
    text = walkreport.outcome_text(outcome)
    yield text if isinstance(outcome, Translation) else paint(text, "bad")
    rows = walkreport.verdict_rows(outcome, paging, ac=bool(state.flags() & RFLAGS.mask("AC")))
    yield from table(walkreport.VERDICTS, ((r, a, _answer(ok), fault, why) for r, a, ok, fault, why in rows))


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
        paging = walkreport.FOUR_LEVELS
    name = arguments.words[1] if len(arguments.words) > 1 else "pte"
    try:
        layout = walkreport.entry_layout(name, raw, paging)
    except ValueError as error:
        raise gdb.GdbError(str(error)) from None
    if raw >> layout.width:
        raise gdb.GdbError(f"{raw:#x} has more bits than a {layout.name}.")
    yield from _bits(f"{layout.name} {hexadecimal(raw, layout.width // 4)}", layout, raw)
    if not raw & entries.PTE.mask("present"):
        yield "Not present: the processor ignores all other bits."
        yield from linux_meaning(raw)


def _bits(title: str, layout: Layout, raw: int) -> Iterator[str]:
    yield title
    rows = (("", row.name, row.bits, f"{row.value:#x}", row.meaning) for row in layout.rows(raw))
    yield from table("_ Field >Bits >Value Meaning", rows)
    if layout.reserved_bits(raw):
        yield f"Reserved bits are set: {layout.reserved_bits(raw):#x}."


def _answer(allowed: bool) -> str:
    return paint("yes", "good") if allowed else paint("no", "bad")

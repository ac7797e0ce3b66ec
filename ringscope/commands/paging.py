"""Page tables: an address level by level, an entry bit by bit."""

from __future__ import annotations

from machine.x86 import entries, walkreport
from machine.x86.absent import linux_meaning
from machine.x86.paging import (
    Level,
    Outcome,
    Translation,
    paging_mode,
    walk,
)
from machine.x86.registers import RFLAGS
from ringscope.arguments import Expression, Name, Option
from ringscope.command import Lines, command
from ringscope.debuggee import PhysicalMemory, paging_state
from ringscope.processor import Physical
from ringscope.render import Bad, bits_of, hexadecimal, table
from ringscope.session import CommandError, Session


@command("walk", needs=PhysicalMemory)
def walk_address(
    session: Session, address: Expression, cr3: Expression | None = None, verbose: Option = False
) -> Lines:
    """Walk the page tables for a linear address, and judge which ring may use it how.

    CR3 is the tables' root if not the current one; -v explains each entry bit by bit. Nothing changes in the guest."""
    state = paging_state(session.debuggee)
    root = session.debuggee.read_register("cr3") if cr3 is None else cr3
    reader = Physical(session.debuggee)
    levels: list[Level] = []
    outcome: Outcome | None = None
    for step in walk(reader.read, root, address, state):
        if isinstance(step, Level):
            levels.append(step)
        else:
            outcome = step
    assert outcome is not None, "a walk ends with an outcome"
    yield f"{session.address_text(outcome.address)}  CR3 {root:#x}  {paging_mode(state).name}"
    if levels:
        yield from table(walkreport.CHAIN, walkreport.chain_rows(levels))
    for level in levels if verbose else ():
        yield from bits_of(f"{level.name} entry {hexadecimal(level.raw)}", level.layout, level.raw)
    text = walkreport.outcome_text(outcome)
    yield text if isinstance(outcome, Translation) else Bad(text)
    ac = bool((session.find_register("eflags") or 0) & RFLAGS.mask("AC"))
    rows = walkreport.verdict_rows(outcome, state, ac=ac)
    yield from table(walkreport.VERDICTS, ((r, a, "yes" if ok else "no", fault, why) for r, a, ok, fault, why in rows))


@command("pte")
def decode_entry(session: Session, value: Expression, level: Name = "pte") -> Lines:
    """Decode a page-table entry. LEVEL is pgd, p4d, pud, pmd or pte, or Intel's pml5, pml4, pdpt, pd or pt."""
    state = paging_state(session.debuggee) if session.paging_is_known() else walkreport.FOUR_LEVELS
    try:
        layout = walkreport.entry_layout(level, value, state)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if value >> layout.width:
        raise CommandError(f"{value:#x} has more bits than a {layout.name}")
    yield from bits_of(f"{layout.name} {hexadecimal(value, layout.width // 4)}", layout, value)
    if not value & entries.PTE.mask("present"):
        yield "Not present: the processor ignores all other bits."
        yield from linux_meaning(value)

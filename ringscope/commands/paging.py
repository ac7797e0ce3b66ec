"""Page tables: an address level by level, an entry bit by bit."""

from __future__ import annotations

from collections.abc import Iterator

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
from ringscope.arguments import Expression, Name, Option
from ringscope.command import Lines, command
from ringscope.debuggee import Debuggee, PhysicalMemory, Refused, paging_state
from ringscope.render import Bad, bits_of, hexadecimal, table
from ringscope.session import CommandError, Session

_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
# Where CR0, CR4 and EFER are not given, an entry is taken as one of 4-level paging.
_FOUR_LEVELS = PagingState(cr0=0x8001_0001, cr4=0x20, efer=0xD00)


@command("walk", needs=PhysicalMemory)
def walk_address(
    session: Session, address: Expression, cr3: Expression | None = None, verbose: Option = False
) -> Lines:
    """Walk the page tables for a linear address, and judge which ring may use it how.

    CR3 is the tables' root if not the current one; -v explains each entry bit by bit. Nothing changes in the guest."""
    state = paging_state(session.debuggee)
    root = session.debuggee.read_register("cr3") if cr3 is None else cr3
    reader = _Physical(session.debuggee)
    levels: list[Level] = []
    outcome: Outcome | None = None
    for step in walk(reader.read, root, address, state):
        if isinstance(step, Level):
            levels.append(step)
        else:
            outcome = step
    assert outcome is not None, "a walk ends with an outcome"
    yield f"{session.address_text(outcome.address)}  CR3 {root:#x}  {paging_mode(state).name}"
    yield from _chain(levels)
    for level in levels if verbose else ():
        yield from bits_of(f"{level.name} entry {hexadecimal(level.raw)}", level.layout, level.raw)
    yield _result(outcome)
    yield from _verdicts(outcome, state, bool((session.find_register("eflags") or 0) & RFLAGS.mask("AC")))


@command("pte")
def decode_entry(session: Session, value: Expression, level: Name = "pte") -> Lines:
    """Decode a page-table entry. LEVEL is pgd, p4d, pud, pmd or pte, or Intel's pml5, pml4, pdpt, pd or pt."""
    state = paging_state(session.debuggee) if session.paging_is_known() else _FOUR_LEVELS
    layout = _entry_layout(level, value, state)
    if value >> layout.width:
        raise CommandError(f"{value:#x} has more bits than a {layout.name}")
    yield from bits_of(f"{layout.name} {hexadecimal(value, layout.width // 4)}", layout, value)
    if not value & entries.PTE.mask("present"):
        yield "Not present: the processor ignores all other bits."


class _Physical:
    """Physical memory for the walk: nothing where there is none; no way to read any is the user's to know."""

    def __init__(self, debuggee: Debuggee) -> None:
        assert isinstance(debuggee, PhysicalMemory), "the registry has checked it"
        self._debuggee = debuggee
        self._readable = False

    def read(self, address: int, length: int) -> bytes:
        try:
            data = self._debuggee.read_physical(address, length)
        except Refused:
            if not self._readable:  # the top table is always there: nothing physical can be read
                raise
            return b""
        self._readable = True
        return data


def _entry_layout(name: str, value: int, state: PagingState) -> Layout:
    mode = paging_mode(state) if paging_mode(state).levels else paging_mode(_FOUR_LEVELS)
    for level in mode.levels:
        if name.lower() in (level.name.lower(), level.intel.lower()):
            large = level.table is None or (level.page is not None and value & entries.PMD.mask("large"))
            layout = level.page if large else level.table
            assert layout is not None, "a level without tables maps pages"
            return layout
    known = ", ".join(f"{level.name.lower()} ({level.intel.lower()})" for level in mode.levels)
    raise CommandError(f"no level {name!r} in {mode.name}: {known}")


def _chain(levels: list[Level]) -> Iterator[str]:
    rows = [
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
    ]
    if rows:
        yield from table("Level Intel >Index >Entry_at Entry >Points_to Flags", rows)


def _target(level: Level) -> str:
    if not level.raw & entries.PTE.mask("present"):
        return "-"
    shift = level.format.shift if level.is_page else 12
    return f"{level.layout['frame'].get(level.raw) << shift:#x}"


def _result(outcome: Outcome) -> str:
    match outcome:
        case Translation(levels=()):
            return f"physical {outcome.physical:#x} (paging is off)"
        case Translation():
            page = f"{_size(outcome.page_size)} page at {outcome.page:#x}"
            return f"physical {outcome.physical:#x} in a {page}, rights {outcome.rights}"
        case NotPresent():
            return Bad(f"not mapped: the {outcome.levels[-1].name} entry is not present")
        case ReservedBit():
            return Bad(f"reserved bits {outcome.bits:#x} are set in the {outcome.levels[-1].name} entry")
        case NonCanonical():
            return Bad(f"not canonical: bits 63:{outcome.linear_bits - 1} differ")
    return Bad(f"the {outcome.format.name} entry at physical {outcome.entry_address:#x} is unreadable")


def _size(size: int) -> str:
    return next(f"{size // unit} {name}" for unit, name in _UNITS if size >= unit)


def _verdicts(outcome: Outcome, state: PagingState, ac: bool) -> Iterator[str]:
    rows = []
    for ring in (0, 3):
        for access in Access:
            found = verdict(outcome, access, ring, state, ac=ac)
            rows.append((str(ring), access.value, "yes" if found.allowed else "no", _fault(found), found.reason))
    yield from table("Ring Access OK Exception Because", rows)


def _fault(found: Verdict) -> str:
    if found.vector is None or found.error_code is None:
        return "-"
    name = f"{VECTORS[found.vector].mnemonic}({found.error_code:#x})"
    return f"{name} {PAGE_FAULT.format(found.error_code)}".rstrip() if found.vector == 14 else name

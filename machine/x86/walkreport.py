"""A page walk as rows of tables and sentences, for every place that prints one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import entries
from .access import Access, Verdict, verdict
from .bits import Layout
from .errorcodes import PAGE_FAULT
from .paging import Level, NonCanonical, NotPresent, Outcome, PagingState, ReservedBit, Translation, paging_mode
from .vectors import VECTORS

FOUR_LEVELS = PagingState(cr0=0x8001_0001, cr4=0x20, efer=0xD00)
"""How an entry is taken where CR0, CR4 and EFER are not given."""

CHAIN = "Level Intel >Index >Entry_at Entry >Points_to Flags"
VERDICTS = "Ring Access OK Exception Because"
"""Titles of the columns: ``>`` aligns right, ``_`` is a blank."""

_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def chain_rows(levels: Iterable[Level]) -> Iterator[tuple[str, ...]]:
    """The entry used at each level."""
    for level in levels:
        yield (
            level.name,
            level.format.intel,
            str(level.index),
            f"{level.entry_address:#x}",
            f"{level.raw:#0{level.layout.width // 4 + 2}x}",
            _target(level),
            level.describe(),
        )


def _target(level: Level) -> str:
    if not level.raw & entries.PTE.mask("present"):
        return "-"
    shift = level.format.shift if level.is_page else 12
    return f"{level.layout['frame'].get(level.raw) << shift:#x}"


def outcome_text(outcome: Outcome) -> str:
    """Where a walk ended: physical address, page and rights, or why there is none."""
    match outcome:
        case Translation(levels=()):
            return f"physical {outcome.physical:#x} (paging is off)"
        case Translation():
            page = f"{size_text(outcome.page_size)} page at {outcome.page:#x}"
            return f"physical {outcome.physical:#x} in a {page}, rights {outcome.rights}"
        case NotPresent():
            return f"not mapped: the {outcome.levels[-1].name} entry is not present"
        case ReservedBit():
            return f"reserved bits {outcome.bits:#x} are set in the {outcome.levels[-1].name} entry"
        case NonCanonical():
            return f"not canonical: bits 63:{outcome.linear_bits - 1} differ"
    return f"the {outcome.format.name} entry at physical {outcome.entry_address:#x} is unreadable"


def size_text(size: int) -> str:
    """A page's size in bytes as ``4 KiB``."""
    return next(f"{size // unit} {name}" for unit, name in _UNITS if size >= unit)


def verdict_rows(outcome: Outcome, state: PagingState, *, ac: bool) -> Iterator[tuple[str, str, bool, str, str]]:
    """For rings 0 and 3 and every access: ring, access, whether it succeeds, the exception, and why.

    ``ac`` is RFLAGS.AC, which suspends SMAP.
    """
    for ring in (0, 3):
        for access in Access:
            found = verdict(outcome, access, ring, state, ac=ac)
            yield str(ring), access.value, found.allowed, _fault(found), found.reason


def _fault(found: Verdict) -> str:
    if found.vector is None or found.error_code is None:
        return "-"
    name = f"{VECTORS[found.vector].mnemonic}({found.error_code:#x})"
    return f"{name} {PAGE_FAULT.format(found.error_code)}".rstrip() if found.vector == 14 else name


def entry_layout(name: str, raw: int, state: PagingState) -> Layout:
    """The layout of an entry at a level, by Linux's name or Intel's.  Raises ValueError naming the levels there are."""
    mode = paging_mode(state) if paging_mode(state).levels else paging_mode(FOUR_LEVELS)
    for level in mode.levels:
        if name.lower() in (level.name.lower(), level.intel.lower()):
            large = level.table is None or (level.page is not None and raw & entries.PMD.mask("large"))
            layout = level.page if large else level.table
            assert layout is not None, "a level without tables maps pages"
            return layout
    known = ", ".join(f"{level.name.lower()} ({level.intel.lower()})" for level in mode.levels)
    raise ValueError(f"no level {name!r} in {mode.name}: {known}")

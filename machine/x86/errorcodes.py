"""Error codes that exceptions push: of page faults (SDM 3A 4.7) and of selectors (SDM 3A 6.13)."""

from __future__ import annotations

from collections.abc import Iterator

from .bits import Layout
from .vectors import BY_MNEMONIC, VECTORS, pushes_error_code, vector_name

_PF = BY_MNEMONIC["#PF"].number

# fmt: off
PAGE_FAULT = Layout(
    "page-fault error code", 32,
    # name   low high  meaning (SDM 3A figure 4-12)
    ("P",      0,  0, "the translation is present: a protection violation"),
    ("WR",     1,  1, "the access was a write"),
    ("US",     2,  2, "the access was made in ring 3"),
    ("RSVD",   3,  3, "a reserved bit is set in an entry"),
    ("ID",     4,  4, "the access was an instruction fetch"),
    ("PK",     5,  5, "a protection key forbids it"),
    ("SS",     6,  6, "the access was to a shadow stack"),
    ("HLAT",   7,  7, "during HLAT paging"),
    ("SGX",   15, 15, "SGX forbids it"),
)

SELECTOR = Layout(
    "selector error code", 32,
    # name   low high  meaning (SDM 3A figure 6-7)
    ("EXT",    0,  0, "an event outside the program (or an earlier exception) was being delivered"),
    ("IDT",    1,  1, "the index is a vector"),
    ("TI",     2,  2, "without IDT: the index is in the LDT, not the GDT"),
    ("index",  3, 15, "index in the table"),
)
# fmt: on


def selector_code(selector: int, *, external: bool = False) -> int:
    """The error code that names a selector: its RPL gives way to EXT."""
    return selector & 0xFFFC | external


def vector_code(vector: int, *, external: bool = False) -> int:
    """The error code that names a gate of the IDT."""
    return vector << 3 | 2 | external


def describe_page_fault(code: int) -> str:
    """One line: who did what, and why it failed."""
    who = "user" if code & PAGE_FAULT.mask("US") else "supervisor"
    if code & PAGE_FAULT.mask("ID"):
        access = "instruction fetch"
    else:
        access = "write" if code & PAGE_FAULT.mask("WR") else "read"
    return f"{who} {access}: {_reason(code)}"


def describe_selector(code: int) -> str:
    """One line: the selector or gate that the code names."""
    error = SELECTOR.decode(code)
    suffix = ", while an external event or an earlier exception was delivered" if error["EXT"] else ""
    if error["IDT"]:
        return f"IDT gate {error['index']:#x} ({_gate_name(error['index'])}){suffix}"
    if not code & ~1:
        return f"no selector{suffix}"
    table = "LDT" if error["TI"] else "GDT"
    return f"{table} selector {code & 0xFFFC:#06x} (index {error['index']}){suffix}"


def explain(code: int, vector: int | None = None) -> Iterator[str]:
    """Lines: an error code as the exception of a vector pushes it, or in both forms.

    ValueError if no exception pushes such a code, or that one pushes none.
    """
    if code >> 32:
        raise ValueError(f"{code:#x} is no error code: it has more than 32 bits")
    if vector is not None and not pushes_error_code(vector):
        raise ValueError(f"{vector_name(vector)} pushes no error code")
    if vector in (None, _PF):
        yield f"#PF       {code:#x}  [{PAGE_FAULT.format(code)}]  {describe_page_fault(code)}"
    if vector != _PF:
        name = VECTORS[vector].mnemonic if vector is not None else "selector"
        yield f"{name:<8}  {code:#x}  [{SELECTOR.format(code)}]  {describe_selector(code)}"


def _reason(code: int) -> str:
    if not code & PAGE_FAULT.mask("P"):
        return "page not present"
    for name in ("RSVD", "PK", "SS", "HLAT", "SGX"):
        if code & PAGE_FAULT.mask(name):
            return PAGE_FAULT[name].meaning
    return "protection violation"


def _gate_name(index: int) -> str:
    return vector_name(index) if index <= 255 else "no such vector"

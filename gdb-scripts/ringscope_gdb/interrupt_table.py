"""x86 idt: gates, or real mode's vectors, and their handlers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from machine.x86 import descriptors
from machine.x86.descriptortables import TableEntry, read_idt, runs
from machine.x86.vectors import IVT_ENTRY, VECTORS, vector_name

from . import state
from .columns import hexadecimal, table
from .command import Arguments, Lines, command
from .descriptor_tables import heading, span, table_argument
from .memory import LinearMemory

_COLUMNS = "Vec Exception P DPL IST Sel Offset Type Handler"
_LIMIT = 0xFFF  # 256 gates, as Linux has
_FEW = 3  # gates that follow a pattern are folded from here on


@command("x86 idt")
def idt(arguments: Arguments) -> Lines:
    """Print the interrupt descriptor table: gates, and the symbols of their handlers.
    Usage: x86 idt [-v] [BASE [LIMIT]]

    Without arguments, at the base and limit that IDTR holds. DPL is the least privileged ring that may
    use the gate by INT n; IST names the stack of the TSS that the gate switches to. Gates of interrupts
    whose handlers stand at equal distances are one line, unless -v is given. In real mode, the vectors of
    segment and offset."""
    arguments.check("x86 idt [-v] [BASE [LIMIT]]", most=2, options="-v")
    where = table_argument(arguments, _LIMIT) or state.descriptor_table("idt")
    if state.real_mode():
        yield heading("IVT", where)
        yield from table("Vec Exception Handler _", _real_mode_rows(where))
        return
    long_mode = state.long_mode()
    gates = read_idt(LinearMemory().read, where.base, where.limit, long_mode=long_mode)
    yield heading("IDT", where)
    fewest = _FEW if "-v" not in arguments.options else 256
    yield from table(_COLUMNS, _gate_rows(gates, long_mode, fewest))


def _gate_rows(gates: Iterable[TableEntry], long_mode: bool, fewest: int) -> Iterator[tuple[str, ...]]:
    pending: list[TableEntry] = []
    for first, last, note in runs(gates):
        if pending and (note or not _continues(pending, first)):
            yield from _folded(pending, long_mode, fewest)
            pending = []
        if note:
            yield (span(first.index, last.index, "#04x"), note)
        else:
            pending.append(first)
    yield from _folded(pending, long_mode, fewest)


def _continues(pending: list[TableEntry], entry: TableEntry) -> bool:
    """Whether a gate differs from those before in its handler alone, by the distance that they have."""
    if pending[0].index < len(VECTORS) or pending[0].descriptor._replace(offset=0) != entry.descriptor._replace(
        offset=0
    ):
        return False
    distance = entry.descriptor.offset - pending[-1].descriptor.offset
    return len(pending) == 1 or distance == _distance(pending)


def _distance(pending: list[TableEntry]) -> int:
    return pending[1].descriptor.offset - pending[0].descriptor.offset


def _folded(pending: list[TableEntry], long_mode: bool, fewest: int) -> Iterator[tuple[str, ...]]:
    if len(pending) >= fewest:
        note = f"{len(pending)} handlers, {_distance(pending)} bytes apart"
        yield _gate_row(span(pending[0].index, pending[-1].index, "#04x"), note, pending[0], long_mode)
        return
    for entry in pending:
        name = vector_name(entry.index) if entry.index < len(VECTORS) else ""
        yield _gate_row(f"{entry.index:#04x}", name, entry, long_mode)


def _gate_row(vectors: str, name: str, entry: TableEntry, long_mode: bool) -> tuple[str, ...]:
    found = entry.descriptor
    return (
        vectors,
        name,
        str(found.present),
        str(found.dpl),
        str(found.ist) if found.ist else "-",
        f"{found.selector:#04x}",
        hexadecimal(found.offset),
        descriptors.type_name(found, long_mode=long_mode).split("-bit ")[-1],
        state.symbol(found.offset),
    )


def _real_mode_rows(where: state.Table) -> Iterator[tuple[str, ...]]:
    memory = LinearMemory()
    for vector in range(min((where.limit + 1) // 4, 256)):
        data = memory.read(where.base + vector * 4, 4)
        name = vector_name(vector) if vector < len(VECTORS) else ""
        if len(data) < 4:
            yield (f"{vector:#04x}", name, "unreadable", "")
            continue
        entry = IVT_ENTRY.decode(int.from_bytes(data, "little"))
        handler = f"{entry['segment']:04x}:{entry['offset']:04x}"
        yield (f"{vector:#04x}", name, handler, state.symbol((entry["segment"] << 4) + entry["offset"]))

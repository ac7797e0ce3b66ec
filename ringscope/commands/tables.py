"""Descriptor tables: GDT, LDT, IDT, TSS, selectors, interrupt frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from machine.x86 import descriptors, errorcodes, iret, tss
from machine.x86.bits import Structure
from machine.x86.control import CR4
from machine.x86.descriptors import Gate, SegmentDescriptor
from machine.x86.descriptortables import TableEntry, find_descriptor, read_idt, read_table, runs
from machine.x86.registers import RFLAGS
from machine.x86.vectors import VECTORS, vector_name
from ringscope.arguments import Expression, Option, VectorNumber
from ringscope.command import Lines, command
from ringscope.debuggee import Refused
from ringscope.ostables import Rows, os_table
from ringscope.processor import Reader, Table, descriptor_table, long_mode
from ringscope.render import Bad, Good, bits_of, hexadecimal, table
from ringscope.session import CommandError, Session

_SEGMENTS = ">Index Sel Base >Limit G D/B L AVL P DPL Type _"
_GATES = ">Vec Exception P DPL IST Sel Offset Type Handler"
_TSS = "Member >Offset Value Meaning"
_SEGMENT_REGISTERS = ("cs", "ss", "ds", "es", "fs", "gs", "tr", "ldtr")
_DEFAULT_LIMIT = 0xFFF


@command("gdt")
def show_gdt(session: Session, base: Expression | None = None, limit: Expression = _DEFAULT_LIMIT) -> Lines:
    """Print the global descriptor table, GDTR's or the one at BASE. Arrows show the selectors loaded now."""
    yield from _segment_table(session, "GDT", _where(session, "gdtr", base, limit), ti=0)


@command("ldt")
def show_ldt(session: Session, base: Expression | None = None, limit: Expression = _DEFAULT_LIMIT) -> Lines:
    """Print the local descriptor table, LDTR's or the one at BASE."""
    if base is None and not (selector := session.debuggee.read_register("ldtr")) & ~3:
        yield f"LDTR is {selector:#x}, a null selector: there is no LDT."
        return
    yield from _segment_table(session, "LDT", _where(session, "ldtr", base, limit), ti=1)


@command("idt")
def show_idt(session: Session, base: Expression | None = None, limit: Expression = _DEFAULT_LIMIT) -> Lines:
    """Print the interrupt descriptor table, IDTR's or the one at BASE: gates, and the symbols of their handlers.

    DPL is the least privileged ring that may use the gate by INT n; IST is the stack of the TSS it switches to."""
    where = _where(session, "idtr", base, limit)
    yield _heading("IDT", where)
    yield from table(_GATES, _gates(session, where))


@command("tss")
def show_tss(session: Session, base: Expression | None = None, limit: Expression = 0x67) -> Lines:
    """Print the task-state segment, TR's or the one at BASE: stacks of rings and interrupts, permitted ports."""
    where = _where(session, "tr", base, limit)
    layout = tss.TSS64 if long_mode(session.debuggee) else tss.TSS32
    data = session.debuggee.read_memory(where.base, layout.size)
    yield f"{_heading('TSS', where)}  {layout.name}"
    yield from table(_TSS, _tss_rows(session, layout, data))
    yield _io_bitmap(session, where, layout["iomap"].get(data))


@os_table("gdt", "GDT", _SEGMENTS)
def gdt(session: Session) -> Rows:
    """Global descriptor table, with the segment registers that hold its selectors."""
    return _segments(session, descriptor_table(session.debuggee, "gdtr"), ti=0)


@os_table("idt", "IDT", _GATES)
def idt(session: Session) -> Rows:
    """Interrupt descriptor table: gates and their handlers."""
    return _gates(session, descriptor_table(session.debuggee, "idtr"))


@os_table("tss", "TSS", _TSS)
def task_state(session: Session) -> Rows:
    """Task-state segment: stacks of rings and interrupts, permitted ports."""
    where = descriptor_table(session.debuggee, "tr")
    layout = tss.TSS64 if long_mode(session.debuggee) else tss.TSS32
    data = session.debuggee.read_memory(where.base, layout.size)
    yield from _tss_rows(session, layout, data)
    yield "ports", _io_bitmap(session, where, layout["iomap"].get(data))


@command("selector")
def show_selector(session: Session, value: Expression) -> Lines:
    """Decode a segment selector and the descriptor it names: selector $cs."""
    if value > 0xFFFF:
        raise CommandError(f"{value:#x} is no selector: it has more than 16 bits")
    parts = descriptors.decode_selector(value)
    yield f"{value:#06x}  {parts.table} index {parts.index} (offset {parts.offset:#x}), RPL {parts.rpl}"
    if parts.is_null:
        yield "A null selector: no descriptor."
        return
    where = descriptor_table(session.debuggee, "ldtr" if parts.ti else "gdtr")
    wide = long_mode(session.debuggee)
    entry = find_descriptor(Reader(session.debuggee), value, where.base, where.limit, long_mode=wide)
    if entry is None:
        raise CommandError(f"{value:#x} lies beyond the {parts.table}'s limit {where.limit:#x}: #GP if loaded")
    yield from _describe(entry, wide)


@command("frame")
def show_frame(session: Session, address: Expression | None = None, error: Option = False) -> Lines:
    """Print the interrupt frame at the stack pointer (or ADDRESS), which IRET pops, and where it leads.

    -e skips an error code, as at the entry of a handler whose exception pushes one."""
    layout = _frame_layout(session)
    word = layout.size // 5
    start = session.debuggee.read_register("rsp") if address is None else address
    start += word if error else 0
    data = session.debuggee.read_memory(start, layout.size)
    values = layout.decode(data)
    yield f"{layout.name} at {session.address_text(start)}"
    rows = (
        (m.name, f"{start + m.offset:#x}", hexadecimal(values[m.name], 2 * word), _frame_word(session, m.name, values))
        for m in layout
    )
    yield from table("Word At Value Meaning", rows)
    if layout is not tss.IRET_FRAME16:
        yield _frame_outcome(session, list(values.values()))


@command("vectors")
def list_vectors(session: Session) -> Lines:
    """List the exceptions: vector, mnemonic, name, kind, and whether an error code is pushed."""
    rows = ((str(v.number), v.mnemonic, v.name, v.kind.value, "yes" if v.pushes_error_code else "no") for v in VECTORS)
    yield from table(">Vec Mnemonic Exception Kind Error_code", rows)


@command("error")
def explain_error(session: Session, code: Expression, vector: VectorNumber | None = None) -> Lines:
    """Explain an error CODE; VECTOR, a number or mnemonic, says of which exception, else both forms are shown."""
    try:
        yield from errorcodes.explain(code, vector)
    except ValueError as error:
        raise CommandError(str(error)) from None


def _where(session: Session, register: str, base: int | None, limit: int) -> Table:
    if base is not None:
        return Table(base, limit)
    try:
        return descriptor_table(session.debuggee, register)
    except Refused as error:
        raise CommandError(f"{error}; pass BASE and LIMIT") from None


def _heading(name: str, where: Table) -> str:
    return f"{name}  base {hexadecimal(where.base)}  limit {where.limit:#x}"


def _segment_table(session: Session, name: str, where: Table, ti: int) -> Iterator[str]:
    yield _heading(name, where)
    yield from table(_SEGMENTS, _segments(session, where, ti))


def _segments(session: Session, where: Table, ti: int) -> Rows:
    wide = long_mode(session.debuggee)
    entries = read_table(Reader(session.debuggee), where.base, where.limit, long_mode=wide)
    return _segment_rows(session, entries, wide, _loaded(session, ti))


def _gates(session: Session, where: Table) -> Rows:
    wide = long_mode(session.debuggee)
    return _gate_rows(session, read_idt(Reader(session.debuggee), where.base, where.limit, long_mode=wide), wide)


def _tss_rows(session: Session, layout: Structure, data: bytes) -> Rows:
    for m in layout:
        yield m.name, f"{m.offset:#x}", _member(session, m.get(data), m.size), m.meaning


def _loaded(session: Session, ti: int) -> dict[int, list[str]]:
    """Index in the GDT (``ti`` 0) or LDT (1) to the segment registers that point there."""
    found: dict[int, list[str]] = {}
    for name in _SEGMENT_REGISTERS:
        value = session.find_register(name)
        if value is not None and value & ~3 and value >> 2 & 1 == ti:
            found.setdefault(value >> 3, []).append(name)
    return found


def _segment_rows(
    session: Session, entries: Iterable[TableEntry], wide: bool, loaded: dict[int, list[str]]
) -> Iterator[tuple[str, ...]]:
    for first, last, note in runs(entries):
        found = first.descriptor
        if note or found is None:
            yield (_span(first.index, last.index), note)
            continue
        arrow = f"<- {', '.join(loaded[first.index])}" if first.index in loaded else ""
        yield (str(first.index), f"{first.index << 3:#04x}", *_descriptor_cells(session, found, wide), arrow)


def _descriptor_cells(session: Session, found: SegmentDescriptor | Gate, wide: bool) -> tuple[str, ...]:
    kind = descriptors.type_name(found, long_mode=wide)
    if isinstance(found, Gate):
        target = f"{kind} to {found.selector:#x}:{session.address_text(found.offset)}"
        return "", "", "", "", "", "", str(found.present), str(found.dpl), target
    bits = (found.granularity, found.db, found.long, found.avl, found.present, found.dpl)
    prefix = ("code " if found.is_code else "data ") if found.s else ""
    return hexadecimal(found.base), f"{found.limit:#x}", *map(str, bits), prefix + kind


def _gate_rows(session: Session, gates: Iterable[TableEntry], wide: bool) -> Iterator[tuple[str, ...]]:
    for first, last, note in runs(gates):
        found = first.descriptor
        if note or not isinstance(found, Gate):
            yield (_span(first.index, last.index), note)
            continue
        yield (
            f"{first.index:#04x}",
            vector_name(first.index) if first.index < len(VECTORS) else "",
            str(found.present),
            str(found.dpl),
            str(found.ist) if found.ist else "-",
            f"{found.selector:#04x}",
            hexadecimal(found.offset),
            descriptors.type_name(found, long_mode=wide).split("-bit ")[-1],
            session.symbol(found.offset),
        )


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _describe(entry: TableEntry, wide: bool) -> Iterator[str]:
    found = entry.descriptor
    if found is None:
        raise CommandError(f"the descriptor at {entry.address:#x} is unreadable")
    what = descriptors.describe(found, long_mode=wide)
    title = f"{hexadecimal(entry.raw, 2 * entry.size)} at {entry.address:#x}  {what}"
    yield from bits_of(title, entry.layout, entry.raw)


def _member(session: Session, value: int, size: int) -> str:
    name = session.symbol(value) if size == 8 and value else ""
    return f"{hexadecimal(value, size * 2)} {name}".rstrip()


def _io_bitmap(session: Session, where: Table, iomap: int) -> str:
    if iomap > where.limit:
        return f"I/O bitmap: offset {iomap:#x} lies beyond the limit {where.limit:#x}: it permits no port."
    bitmap = Reader(session.debuggee)(where.base + iomap, where.limit + 1 - iomap)
    # The last byte only ends the bitmap: the processor reads two bytes for each port.
    ports = [f"{a:#x}" if a == b else f"{a:#x}-{b:#x}" for a, b in tss.permitted_ports(bitmap[:-1])]
    return f"I/O bitmap: permits {', '.join(ports) if ports else 'no port'}."


def _frame_layout(session: Session) -> Structure:
    if long_mode(session.debuggee):
        return tss.IRET_FRAME64
    return tss.IRET_FRAME16 if session.debuggee.code_segment().width == 16 else tss.IRET_FRAME32


def _frame_word(session: Session, name: str, values: dict[str, int]) -> str:
    value = values[name]
    if name.endswith("flags"):
        return f"[{RFLAGS.format(value)}]"
    if name not in ("cs", "ss"):
        return session.symbol(value)
    parts = descriptors.decode_selector(value)
    found = _segment_of(session, value)
    kind = "" if found is None else f", {descriptors.describe(found, long_mode=long_mode(session.debuggee))}"
    return f"{parts.table} index {parts.index}, RPL {parts.rpl}{kind}"


def _segment_of(session: Session, selector: int) -> SegmentDescriptor | None:
    """The code or data segment that a selector names, if its table can be read."""
    parts = descriptors.decode_selector(selector)
    try:
        where = descriptor_table(session.debuggee, "ldtr" if parts.ti else "gdtr")
    except Refused:
        return None
    wide = long_mode(session.debuggee)
    entry = find_descriptor(Reader(session.debuggee), selector, where.base, where.limit, long_mode=wide)
    found = entry.descriptor if entry is not None else None
    return found if isinstance(found, SegmentDescriptor) and found.s and not parts.is_null else None


def _find_segment(session: Session, selector: int) -> SegmentDescriptor | None:
    """As `machine.x86.iret` asks: LookupError where the table is not given."""
    if session.find_register("ldtr_base" if selector & 4 else "gdtr_base") is None:
        raise LookupError
    return _segment_of(session, selector)


def _frame_outcome(session: Session, words: list[int]) -> str:
    bits = 57 if (session.find_register("cr4") or 0) & CR4.mask("LA57") else 48
    origin = iret.Return(session.current_privilege_level(), long_mode(session.debuggee), bits)
    found = iret.judge(words, origin, partial(_find_segment, session))
    return Good(found.text) if found.succeeds else Bad(found.text)

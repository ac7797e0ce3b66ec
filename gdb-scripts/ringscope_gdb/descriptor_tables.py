"""x86 gdt, ldt, tss, selector and descriptor: segments and gates as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import gdb

from machine.x86 import descriptors, tss
from machine.x86.bits import FieldRow, Member
from machine.x86.descriptors import Descriptor, Gate, SegmentDescriptor
from machine.x86.descriptortables import TableEntry, find_descriptor, read_table, runs
from machine.x86.paging import is_canonical

from . import state
from .columns import hexadecimal, paint, table
from .command import Arguments, Lines, command
from .memory import LinearMemory

_SEGMENT_COLUMNS = "># Sel Base >Limit G D/B L AVL P DPL Type _"
# Linux's limits, where only a base is given.
_SEGMENTS_LIMIT, _TSS_LIMIT = 0x7F, 0x67


@command("x86 gdt")
def gdt(arguments: Arguments) -> Lines:
    """Print the global descriptor table.
    Usage: x86 gdt [BASE [LIMIT]]

    Without arguments, at the base and limit that GDTR holds. Arrows show the selectors loaded now."""
    arguments.check("x86 gdt [BASE [LIMIT]]", most=2)
    where = table_argument(arguments, _SEGMENTS_LIMIT) or state.descriptor_table("gdt")
    yield from _segment_table("GDT", where, ti=0)


@command("x86 ldt")
def ldt(arguments: Arguments) -> Lines:
    """Print the local descriptor table.
    Usage: x86 ldt [BASE [LIMIT]]

    Without arguments, the one that LDTR holds."""
    arguments.check("x86 ldt [BASE [LIMIT]]", most=2)
    where = table_argument(arguments, _SEGMENTS_LIMIT)
    if where is None:
        selector, where = state.system_segment("ldtr")
        if not selector & ~3:
            yield f"LDTR is {selector:#x}, a null selector: there is no LDT."
            return
    yield from _segment_table("LDT", where, ti=1)


@command("x86 tss")
def task_state_segment(arguments: Arguments) -> Lines:
    """Print the task-state segment: stacks of the rings and interrupts, I/O permission bitmap.
    Usage: x86 tss [BASE [LIMIT]]

    Without arguments, the one that TR holds."""
    arguments.check("x86 tss [BASE [LIMIT]]", most=2)
    where = table_argument(arguments, _TSS_LIMIT) or state.system_segment("tr")[1]
    layout = tss.TSS64 if state.long_mode() else tss.TSS32
    data = LinearMemory().read(where.base, layout.size)
    yield heading("TSS", where, layout.name)
    if len(data) < layout.size:
        raise gdb.GdbError(f"The TSS at {where.base:#x} is unreadable.")
    rows = ((m.name, f"{m.offset:#x}", _member(m, m.get(data)), m.meaning) for m in layout)
    yield from table("Member >Offset Value Meaning", rows)
    yield from _io_bitmap(where, layout["iomap"].get(data))


@command("x86 selector")
def selector(arguments: Arguments) -> Lines:
    """Decode a segment selector and the descriptor it names.
    Usage: x86 selector VALUE

    VALUE is an expression: 0x33, $cs, regs->cs."""
    arguments.check("x86 selector VALUE", least=1, most=1)
    value = arguments.number(0)
    if value > 0xFFFF:
        raise gdb.GdbError(f"{value:#x} is no selector: it has more than 16 bits.")
    parts = descriptors.decode_selector(value)
    yield f"{value:#06x}  {parts.table} index {parts.index} (offset {parts.offset:#x}), RPL {parts.rpl}"
    if parts.is_null:
        yield "A null selector: no descriptor."
        return
    where = state.system_segment("ldtr")[1] if parts.ti else state.descriptor_table("gdt")
    long_mode = state.long_mode()
    entry = find_descriptor(LinearMemory().read, value, where.base, where.limit, long_mode=long_mode)
    if entry is None:
        raise gdb.GdbError(f"{value:#x} lies beyond the {parts.table}'s limit {where.limit:#x}: #GP if loaded.")
    yield from _describe(entry, long_mode)


@command("x86 descriptor")
def descriptor(arguments: Arguments) -> Lines:
    """Decode one descriptor, given by value or by address.
    Usage: x86 descriptor VALUE [HIGH]
           x86 descriptor ADDRESS

    A number is taken as 8 bytes of descriptor if it is present (bit 47) and no canonical address, or if HIGH,
    the upper 8 bytes of a 16-byte descriptor, follows (0 will do); else as the linear address of one."""
    arguments.check("x86 descriptor VALUE [HIGH] | ADDRESS", least=1, most=2)
    low, high = arguments.number(0), arguments.number(1)
    long_mode = state.long_mode()
    if high is not None or (low >> 47 & 1 and not is_canonical(low)):
        raw = low | (high or 0) << 64
        size = 16 if high or descriptors.descriptor_size(low, long_mode=long_mode) == 16 else 8
        entry = TableEntry(0, 0, size, raw, descriptors.decode(raw, long_mode=long_mode))
    else:
        entry, *_ = read_table(LinearMemory().read, low, 15, long_mode=long_mode)
        if entry.descriptor is None:
            raise gdb.GdbError(f"{low:#x} is unreadable.")
    yield from _describe(entry, long_mode)


def table_argument(arguments: Arguments, default_limit: int) -> state.Table | None:
    """The table that BASE and LIMIT name, or None if they were not given."""
    base = arguments.number(0)
    return None if base is None else state.Table(base, arguments.number(1, default_limit))


def heading(name: str, where: state.Table, note: str = "") -> str:
    """The line above a table: what it is and where."""
    line = f"{name}  base {hexadecimal(where.base)}  limit {where.limit:#x}"
    return f"{line}  {note}" if note else line


def _segment_table(name: str, where: state.Table, ti: int) -> Lines:
    long_mode = state.long_mode()
    # No selector reaches further, whatever a stub says of the limit.
    limit = min(where.limit, 0xFFFF)
    entries = read_table(LinearMemory().read, where.base, limit, long_mode=long_mode)
    yield heading(name, where)
    yield from table(_SEGMENT_COLUMNS, _segment_rows(entries, long_mode, ti))


def _loaded(ti: int) -> dict[int, list[str]]:
    """Index in the GDT (`ti` 0) or LDT (1) to the names of the segment registers that point there."""
    found: dict[int, list[str]] = {}
    for name, value in state.loaded_selectors().items():
        if value & ~3 and value >> 2 & 1 == ti:
            found.setdefault(value >> 3, []).append(name)
    return found


def _segment_rows(entries: Iterable[TableEntry], long_mode: bool, ti: int) -> Iterator[tuple[str, ...]]:
    loaded = _loaded(ti)
    for first, last, note in runs(entries):
        if note:
            yield (span(first.index, last.index), note)
            continue
        arrow = paint(f"<- {', '.join(loaded[first.index])}", "mark") if first.index in loaded else ""
        found = first.descriptor
        cells = _segment_cells if isinstance(found, SegmentDescriptor) else _gate_in_gdt_cells
        yield (str(first.index), f"{first.index << 3 | ti << 2:#04x}", *cells(found, long_mode), arrow)


def _segment_cells(found: SegmentDescriptor, long_mode: bool) -> tuple[str, ...]:
    bits = (found.granularity, found.db, found.long, found.avl, found.present, found.dpl)
    name = descriptors.type_name(found, long_mode=long_mode)
    kind = f"{'code' if found.is_code else 'data'} {name}" if found.s else name
    return hexadecimal(found.base), f"{found.limit:#x}", *map(str, bits), kind


def _gate_in_gdt_cells(found: Gate, long_mode: bool) -> tuple[str, ...]:
    name = descriptors.type_name(found, long_mode=long_mode)
    target = f"{name} to {found.selector:#x}:{found.offset:#x} {state.symbol(found.offset)}"
    return "", "", "", "", "", "", str(found.present), str(found.dpl), target


def span(first: int, last: int, style: str = "d") -> str:
    """`first-last` in a format style, or the one number that both are."""
    return f"{first:{style}}" if first == last else f"{first:{style}}-{last:{style}}"


def _describe(entry: TableEntry, long_mode: bool) -> Lines:
    found = entry.descriptor
    if found is None:
        raise gdb.GdbError(f"The descriptor at {entry.address:#x} is unreadable.")
    at = f"  at {entry.address:#x}" if entry.address else ""
    yield f"{hexadecimal(entry.raw, entry.size * 2)}{at}  {descriptors.describe(found, long_mode=long_mode)}"
    layout = entry.layout
    rows = ((row.name, row.bits, f"{row.value:#x}", _meaning(row, found, long_mode)) for row in layout.rows(entry.raw))
    yield from table("Field >Bits >Value Meaning", rows)
    reserved = layout.reserved_bits(entry.raw)
    if reserved:
        yield f"Reserved bits are set: {reserved:#x}."


def _meaning(row: FieldRow, found: Descriptor, long_mode: bool) -> str:
    if row.name == "type":
        return descriptors.type_name(found, long_mode=long_mode)
    if row.name == "s":
        return row.text
    if isinstance(found, SegmentDescriptor):
        return f"last offset {found.limit:#x}" if row.name == "limit" else row.meaning
    return f"{row.meaning} {state.symbol(found.offset)}" if row.name == "offset" else row.meaning


def _member(member: Member, value: int) -> str:
    """A member's value; a stack, which ends below it, with the name of the object that it lies in."""
    digits = hexadecimal(value, member.size * 2)
    stack = value and member.name.startswith(("rsp", "ist", "esp"))
    name = state.symbol(value - 1).strip("<>").partition("+")[0] if stack else ""
    return f"{digits} top of {name}" if name else digits


def _io_bitmap(where: state.Table, iomap: int) -> Lines:
    if iomap > where.limit:
        yield f"I/O bitmap: offset {iomap:#x} lies beyond the limit {where.limit:#x}: no port is permitted by it."
        return
    bitmap = LinearMemory().read(where.base + iomap, where.limit + 1 - iomap)
    # The last byte only ends the bitmap: the processor reads two bytes for each port.
    ranges = [span(first, last, "#x") for first, last in tss.permitted_ports(bitmap[:-1])]
    yield f"I/O bitmap: permits {', '.join(ranges) if ranges else 'no port'}."

"""x86 frame: the words that IRET will pop, and what it will do with them."""

from __future__ import annotations

from collections.abc import Iterator

import gdb

from machine.x86 import iret, tss
from machine.x86.bits import Structure
from machine.x86.control import CR4
from machine.x86.descriptors import SegmentDescriptor, decode_selector, describe
from machine.x86.descriptortables import find_descriptor
from machine.x86.registers import RFLAGS

from . import state
from .columns import hexadecimal, paint, table
from .command import Arguments, Lines, command
from .memory import LinearMemory


@command("x86 frame")
def interrupt_frame(arguments: Arguments) -> Lines:
    """Print the interrupt frame at the stack pointer: what IRET will pop.
    Usage: x86 frame [-e] [ADDRESS]

    Without ADDRESS, at the stack pointer. -e skips an error code, as at the entry of a handler whose
    exception pushes one."""
    arguments.check("x86 frame [-e] [ADDRESS]", most=1, options="-e")
    layout = _layout()
    address = arguments.number(0)
    address = state.register("rsp") if address is None else address
    word = layout.size // 5
    skip = word if "-e" in arguments.options else 0
    data = LinearMemory().read(address, layout.size + skip)
    if len(data) < layout.size + skip:
        raise gdb.GdbError(f"The frame at {address:#x} is unreadable.")
    yield f"{layout.name} at {address + skip:#x}"
    rows = (
        [("error code", hexadecimal(address), hexadecimal(int.from_bytes(data[:word], "little")), "")] if skip else []
    )
    values = layout.decode(data[skip:])
    rows += [
        (m.name, hexadecimal(address + skip + m.offset), hexadecimal(values[m.name]), _meaning(m.name, values))
        for m in layout
    ]
    yield from table("Word At Value Meaning", rows)
    yield from _outcome(list(values.values()), layout)


def _layout() -> Structure:
    if state.long_mode():
        return tss.IRET_FRAME64
    return tss.IRET_FRAME16 if state.real_mode() else tss.IRET_FRAME32


def _meaning(name: str, values: dict[str, int]) -> str:
    value = values[name]
    if name in ("cs", "ss"):
        parts = decode_selector(value)
        what = _segment(value)
        kind = f", {describe(what)}" if what else ""
        return f"{parts.table} index {parts.index}, RPL {parts.rpl}{kind}"
    if name.endswith("flags"):
        return RFLAGS.format(value)
    return state.symbol(value)


def _segment(selector: int) -> SegmentDescriptor | None:
    where = state.find_table("ldtr" if selector & 4 else "gdt")
    if where is None or not selector & ~3:
        return None
    entry = find_descriptor(LinearMemory().read, selector, where.base, where.limit, long_mode=state.long_mode())
    found = entry.descriptor if entry is not None else None
    return found if isinstance(found, SegmentDescriptor) and found.s else None


def _outcome(words: list[int], layout: Structure) -> Iterator[str]:
    if layout is tss.IRET_FRAME16:
        return
    bits = 57 if (state.find_register("cr4") or 0) & CR4.mask("LA57") else 48
    origin = iret.Return(state.current_privilege_level(), state.long_mode(), bits)
    found = iret.judge(words, origin, _find)
    yield paint(found.text, "good" if found.succeeds else "bad")


def _find(selector: int) -> SegmentDescriptor | None:
    """As `machine.x86.iret` asks: LookupError where the table is not given."""
    if state.find_table("ldtr" if selector & 4 else "gdt") is None:
        raise LookupError
    return _segment(selector)

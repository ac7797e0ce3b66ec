"""What scripts for gdb ask of QEMU's monitor, in its words: gef and pwndbg find pages and descriptor tables so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from machine.x86 import descriptors
from machine.x86.control import CR0
from machine.x86.descriptors import HiddenPart
from machine.x86.descriptortables import find_descriptor
from machine.x86.pagemap import Mapping, Truncated, mappings
from ringscope.command import Lines, command
from ringscope.debuggee import PhysicalMemory, long_mode, paging_state
from ringscope.processor import Physical, Reader, Table, descriptor_table
from ringscope.session import Session

# fmt: off
_BEFORE = (
    "RAX={rax:016x} RBX={rbx:016x} RCX={rcx:016x} RDX={rdx:016x}",
    "RSI={rsi:016x} RDI={rdi:016x} RBP={rbp:016x} RSP={rsp:016x}",
    "R8 ={r8:016x} R9 ={r9:016x} R10={r10:016x} R11={r11:016x}",
    "R12={r12:016x} R13={r13:016x} R14={r14:016x} R15={r15:016x}",
    "RIP={rip:016x} RFL={eflags:08x} CPL={cpl:d}",
)
_AFTER = (
    "GDT=     {gdtr_base:016x} {gdtr_limit:08x}",
    "IDT=     {idtr_base:016x} {idtr_limit:08x}",
    "CR0={cr0:08x} CR2={cr2:016x} CR3={cr3:016x} CR4={cr4:08x}",
    "DR0={dr0:016x} DR1={dr1:016x} DR2={dr2:016x} DR3={dr3:016x}",
    "DR6={dr6:016x} DR7={dr7:016x}",
    "EFER={efer:016x}",
)
_SEGMENTS = {
    # register: its name there
    "es": "ES ", "cs": "CS ", "ss": "SS ", "ds": "DS ", "fs": "FS ", "gs": "GS ", "ldtr": "LDT", "tr": "TR ",
}
# fmt: on
_NO_SEGMENT = HiddenPart(0, 0, 0)
_REAL_MODE_LIMIT = 0xFFFF


class _Span(NamedTuple):
    """Linear addresses before ``end`` with the same rights: NX is none of them."""

    first: int
    end: int
    rights: str


@command("info registers")
def show_registers(session: Session) -> Lines:
    """Print registers as QEMU's monitor does, for scripts that ask it: of segments, what the descriptor tables say.

    `regs` tells more."""
    values = _Values(session)
    yield from (line.format_map(values) for line in _BEFORE)
    for register, name in _SEGMENTS.items():
        base, limit, flags = _segment(session, register)
        yield f"{name}={session.debuggee.read_register(register):04x} {base:016x} {limit:08x} {flags:08x}"
    yield from (line.format_map(values) for line in _AFTER)


class _Values(dict[str, int]):
    """Registers by name."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def __missing__(self, name: str) -> int:
        return self._session.debuggee.read_register(name)


def _segment(session: Session, register: str) -> HiddenPart:
    """The base where a register has it, the rest from memory."""
    selector = session.debuggee.read_register(register)
    if not session.debuggee.read_register("cr0") & CR0.mask("PE"):
        return HiddenPart(selector << 4, _REAL_MODE_LIMIT, 0)
    where = _table(session, selector)
    wide = long_mode(session.debuggee)
    entry = find_descriptor(Reader(session.debuggee), selector, where.base, where.limit, long_mode=wide)
    found = _NO_SEGMENT
    if entry is not None and not descriptors.decode_selector(selector).is_null:
        found = descriptors.hidden_part(entry.raw, long_mode=wide)
    base = session.find_register(f"{register}_base")
    return found if base is None else found._replace(base=base)


def _table(session: Session, selector: int) -> Table:
    return descriptor_table(session.debuggee, "ldtr" if descriptors.decode_selector(selector).ti else "gdtr")


@command("info mem", needs=PhysicalMemory)
def show_memory(session: Session) -> Lines:
    """Print what the page tables map as QEMU's monitor does, for scripts that ask it: first and end, length, rights.

    The rights are u if ring 3 has them too, r, and w. `os pagemap` tells more."""
    if not session.debuggee.read_register("cr0") & CR0.mask("PG"):
        yield "PG disabled"
        return
    for span in _spans(session):
        yield f"{span.first:016x}-{span.end:016x} {span.end - span.first:016x} {span.rights}"


def _spans(session: Session) -> Iterator[_Span]:
    """Neighbours with the same rights are one, wherever they lie; what `pagemap` leaves out is left out here too."""
    held: _Span | None = None
    read = Physical(session.debuggee).read
    for found in mappings(read, session.debuggee.read_register("cr3"), paging_state(session.debuggee)):
        if isinstance(found, Truncated):
            break
        if held is not None and (held.end, held.rights) == (found.first, _rights(found)):
            held = held._replace(end=found.last + 1)
            continue
        if held is not None:
            yield held
        held = _Span(found.first, found.last + 1, _rights(found))
    if held is not None:
        yield held


def _rights(mapping: Mapping) -> str:
    rights = mapping.rights
    return f"{'u' if rights.user else '-'}r{'w' if rights.writable else '-'}"

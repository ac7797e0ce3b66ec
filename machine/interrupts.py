"""Delivery of exceptions and interrupts through the IDT in IA-32e mode (SDM 3A 6.12-6.14).

Unicorn calls a hook where a processor would deliver; this module does what the processor does: gate and its DPL,
code segment, stack switch through TSS or IST, frame, flags; and what happens when one of these faults.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from machine.errors import MemoryFault
from machine.stop import FaultRecord
from machine.walk import (
    ACCESSED,
    CR0_WP,
    CR4_SMAP,
    DIRTY,
    EFER_LMA,
    USER,
    WRITABLE,
    NotMapped,
    Paging,
    translate,
)
from machine.x86 import errorcodes
from machine.x86.descriptors import Gate, SegmentDescriptor, decode_gate, decode_segment, decode_selector
from machine.x86.vectors import VECTORS, Kind, Nested, nested

from .engine.state import CS, HF_ADDSEG, HF_CPL, HF_CS32, HF_CS64, HF_INHIBIT_IRQ, HF_SS32, SS

if TYPE_CHECKING:
    from machine.cpu import Cpu

DF, TS, NP, SS_FAULT, GP, PF, UD = 8, 10, 11, 12, 13, 14, 6

TF, IF, NT, RF, VM = 1 << 8, 1 << 9, 1 << 14, 1 << 16, 1 << 17
RSP = 4


class Source(Enum):
    """Where an event comes from: it decides the gate's DPL check and the EXT bit (SDM 3A 6.12.1.2, 6.13)."""

    EXCEPTION = "exception"
    SOFTWARE = "software interrupt"
    EXTERNAL = "external interrupt"


class Event(NamedTuple):
    """Something to deliver.

    ``rip`` is what the frame says; ``fault_rip`` what it says if delivery itself faults (INT n: the instruction).
    """

    vector: int
    error_code: int | None
    source: Source
    rip: int
    fault_rip: int


class GuestFault(Exception):
    """An exception that the guest gets; ``cr2`` is the linear address of a page fault."""

    def __init__(self, vector: int, error_code: int | None, reason: str, cr2: int | None = None) -> None:
        super().__init__(reason)
        self.vector = vector
        self.error_code = error_code
        self.reason = reason
        self.cr2 = cr2


class TripleFault(Exception):
    """A fault while #DF was being delivered: the processor shuts down."""

    def __init__(self, chain: list[FaultRecord]) -> None:
        super().__init__("triple fault")
        self.chain = chain


def deliver(cpu: Cpu, event: Event) -> None:
    """Take the processor (whose state view is loaded) into the handler of an event; the caller stores the view.

    A fault on the way is delivered instead, or #DF (SDM 3A table 6-5).  Raises `TripleFault` with the chain.
    """
    chain = [FaultRecord(event.vector, event.error_code, event.rip, event.source.value)]
    while True:
        try:
            if not cpu.state.front.efer & EFER_LMA:
                raise TripleFault([*chain, _no_long_mode(event)])
            _enter(cpu, event)
            return
        except GuestFault as fault:
            if fault.cr2 is not None:
                cpu.state.front.cr[2] = fault.cr2
            chain.append(FaultRecord(fault.vector, fault.error_code, event.fault_rip, fault.reason))
            event = _after(event, fault, chain)


def _no_long_mode(event: Event) -> FaultRecord:
    return FaultRecord(event.vector, event.error_code, event.rip, "delivery outside IA-32e mode is not modelled")


def _after(event: Event, fault: GuestFault, chain: list[FaultRecord]) -> Event:
    # An interrupt is benign whatever its vector: only exceptions combine.
    first = event.vector if event.source is Source.EXCEPTION else 32
    what = nested(first, fault.vector)
    if what is Nested.SHUTDOWN:
        raise TripleFault(chain)
    if what is Nested.DOUBLE_FAULT:
        chain.append(FaultRecord(DF, 0, event.fault_rip, "an exception during the delivery of another"))
        return Event(DF, 0, Source.EXCEPTION, event.fault_rip, event.fault_rip)
    return Event(fault.vector, fault.error_code, Source.EXCEPTION, event.fault_rip, event.fault_rip)


def _enter(cpu: Cpu, event: Event) -> None:
    front = cpu.state.front
    external = event.source is not Source.SOFTWARE
    gate = _gate(cpu, event, external)
    target = _code_segment(cpu, gate.selector, external)
    cpl = front.hflags & HF_CPL
    new_cpl = cpl if target.is_conforming else target.dpl
    stack = _stack(cpu, gate.ist, cpl, new_cpl)
    flags = cpu.flags()
    _push_frame(cpu, event, stack, _frame_flags(flags, event))
    front.regs[RSP] = stack - 8 * (5 + (event.error_code is not None))
    if new_cpl < cpl:
        cpu.state.set_segment(SS, new_cpl, 0, 0, new_cpl << 13)
    selector = gate.selector & ~3 | new_cpl
    limit, attributes = target.limit, _attributes(target)
    cpu.state.set_segment(CS, selector, target.base, limit, attributes)
    front.hflags = front.hflags & ~(HF_CPL | HF_ADDSEG | HF_INHIBIT_IRQ) | HF_CS64 | HF_CS32 | HF_SS32 | new_cpl
    front.eip = gate.offset
    front.eflags &= ~(TF | NT | RF | VM | (IF if gate.is_interrupt else 0))


def _frame_flags(flags: int, event: Event) -> int:
    """The frame's RFLAGS: RF set for faults, so that an instruction breakpoint does not hit twice (SDM 3B 18.3.1.1)."""
    fault = event.source is Source.EXCEPTION and event.vector < 32 and VECTORS[event.vector].kind is Kind.FAULT
    return flags | RF if fault else flags & ~RF


def _attributes(descriptor: SegmentDescriptor) -> int:
    return (
        descriptor.type << 8
        | descriptor.s << 12
        | descriptor.dpl << 13
        | descriptor.present << 15
        | descriptor.avl << 20
        | descriptor.long << 21
        | descriptor.db << 22
        | descriptor.granularity << 23
    )


def _gate(cpu: Cpu, event: Event, external: bool) -> Gate:
    idt = cpu.state.front.idt
    code = errorcodes.vector_code(event.vector, external=external)
    offset = event.vector * 16
    if offset + 15 > idt.limit:
        raise GuestFault(GP, code, f"vector {event.vector:#x} is beyond the IDT limit {idt.limit:#x}")
    gate = decode_gate(int.from_bytes(read_supervisor(cpu, idt.base + offset, 16), "little"))
    if gate.s or not (gate.is_interrupt or gate.is_trap) or gate.type < 14:
        raise GuestFault(GP, code, f"IDT entry {event.vector:#x} has type {gate.type:#x}, not a 64-bit gate")
    if not external and gate.dpl < cpu.state.front.hflags & HF_CPL:
        raise GuestFault(GP, code, f"gate {event.vector:#x} has DPL {gate.dpl}, below CPL")
    if not gate.present:
        raise GuestFault(NP, code, f"gate {event.vector:#x} is not present")
    return gate


def _code_segment(cpu: Cpu, selector: int, external: bool) -> SegmentDescriptor:
    code = errorcodes.selector_code(selector, external=external)
    target = read_descriptor(cpu, selector, code)
    cpl = cpu.state.front.hflags & HF_CPL
    if not target.is_code or target.dpl > cpl or not target.long or target.db:
        raise GuestFault(GP, code, f"selector {selector:#x} is not a 64-bit code segment with DPL <= {cpl}")
    if not target.present:
        raise GuestFault(NP, code, f"code segment {selector:#x} is not present")
    return target


def read_descriptor(cpu: Cpu, selector: int, error_code: int) -> SegmentDescriptor:
    """The 8-byte descriptor that a selector names.  Raises `GuestFault` #GP(``error_code``) if there is none."""
    parts = decode_selector(selector)
    front = cpu.state.front
    table = front.ldt if parts.ti else front.gdt
    if parts.is_null or parts.offset + 7 > table.limit or (parts.ti and not table.selector & ~3):
        raise GuestFault(GP, error_code & ~0xFFFC if parts.is_null else error_code, f"no descriptor {selector:#x}")
    return decode_segment(int.from_bytes(read_supervisor(cpu, table.base + parts.offset, 8), "little"))


def _stack(cpu: Cpu, ist: int, cpl: int, new_cpl: int) -> int:
    """The handler's stack pointer, 16-byte aligned (SDM 3A 6.14.2, 6.14.4, 6.14.5)."""
    front = cpu.state.front
    if ist:
        offset = 0x24 + 8 * (ist - 1)
    elif new_cpl < cpl:
        offset = 4 + 8 * new_cpl
    else:
        return int(front.regs[RSP]) & ~15
    if offset + 7 > front.tr.limit:
        code = errorcodes.selector_code(front.tr.selector, external=True)
        raise GuestFault(TS, code, f"TSS limit {front.tr.limit:#x} does not hold the stack at {offset:#x}")
    return int.from_bytes(read_supervisor(cpu, front.tr.base + offset, 8), "little") & ~15


def _push_frame(cpu: Cpu, event: Event, stack: int, flags: int) -> None:
    front = cpu.state.front
    words = [event.rip, front.segs[CS].selector, flags, front.regs[RSP], front.segs[SS].selector]
    if event.error_code is not None:
        words.insert(0, event.error_code & 0xFFFFFFFF)
    frame = b"".join(word.to_bytes(8, "little") for word in words)
    try:
        write_supervisor(cpu, (stack - len(frame)) & 0xFFFFFFFFFFFFFFFF, frame)
    except GuestFault as fault:
        if fault.vector == GP:  # a non-canonical stack is #SS
            raise GuestFault(SS_FAULT, 1, fault.reason) from None
        raise


def read_supervisor(cpu: Cpu, address: int, length: int) -> bytes:
    """An implicit supervisor read (descriptor tables, TSS) at a linear address; sets A bits as hardware does."""
    ram = cpu.memory.ram
    return b"".join(bytes(ram[at : at + count]) for at, count in _runs(cpu, address, length, write=False))


def write_supervisor(cpu: Cpu, address: int, data: bytes) -> None:
    """An implicit supervisor write (a frame) at a linear address; sets A and D bits as hardware does."""
    ram, done = cpu.memory.ram, 0
    for at, count in _runs(cpu, address, len(data), write=True):
        if at + count <= cpu.memory.size:
            ram[at : at + count] = data[done : done + count]
        done += count


def _runs(cpu: Cpu, address: int, length: int, *, write: bool) -> list[tuple[int, int]]:
    # All pages first, so that a fault leaves nothing half written.
    paging = cpu.paging()
    runs = []
    while length:
        count = min(length, 4096 - (address & 4095))
        runs.append((_supervisor_physical(cpu, paging, address, write), count))
        address, length = (address + count) & 0xFFFFFFFFFFFFFFFF, length - count
    return runs


def _supervisor_physical(cpu: Cpu, paging: Paging, address: int, write: bool) -> int:
    code = 2 if write else 0
    try:
        found = translate(cpu.memory, paging, address)
    except NotMapped as fault:
        if fault.reserved:
            code |= 9
        raise GuestFault(PF, code, f"page fault at {address:#x}: {fault.reason}", cr2=address) from None
    except MemoryFault as fault:
        raise GuestFault(GP, 0, f"{address:#x}: {fault.reason}") from None
    if write and not found.rights & WRITABLE and paging.cr0 & CR0_WP:
        raise GuestFault(PF, code | 1, f"page fault at {address:#x}: the page is read-only", cr2=address)
    if found.rights & USER and paging.cr4 & CR4_SMAP:
        raise GuestFault(PF, code | 1, f"page fault at {address:#x}: a user page, and SMAP is on", cr2=address)
    for at in found.entries:
        wanted = ACCESSED | (DIRTY if write and at == found.entries[-1] else 0)
        if at < cpu.memory.size and cpu.memory.ram[at] & wanted != wanted:
            cpu.memory.ram[at] |= wanted
    return found.physical

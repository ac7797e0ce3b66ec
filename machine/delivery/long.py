"""Into a handler in IA-32e mode: 16-byte gates, IST, frames of 64-bit words (SDM 3A 6.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.delivery.event import GP, IF, NP, NT, RF, RSP, SS_FAULT, TF, TS, VM, Event, GuestFault
from machine.delivery.segments import follow_segments, load, read_descriptor, read_gate
from machine.delivery.supervisor import read_supervisor, write_supervisor
from machine.engine.state import CS, HF_CPL, HF_INHIBIT_IRQ, SS
from machine.x86 import errorcodes
from machine.x86.descriptors import Gate, SegmentDescriptor
from machine.x86.tss import ist_offset, stack_offset

if TYPE_CHECKING:
    from machine.cpu import Cpu


def enter(cpu: Cpu, event: Event) -> None:
    """Take the loaded state view into an event's handler.  Raises `GuestFault` for what the gate or stack refuses."""
    front = cpu.state.front
    gate = _gate(cpu, event)
    target = _code_segment(cpu, gate.selector, event.external)
    cpl = front.hflags & HF_CPL
    new_cpl = cpl if target.is_conforming else target.dpl
    stack = _stack(cpu, gate.ist, cpl, new_cpl)
    front.regs[RSP] = _push_frame(cpu, event, stack, event.frame_flags(cpu.flags()))
    if new_cpl < cpl:
        cpu.state.set_segment(SS, new_cpl, 0, 0, new_cpl << 13)
    load(cpu, CS, gate.selector & ~3 | new_cpl, target)
    front.hflags = front.hflags & ~(HF_CPL | HF_INHIBIT_IRQ) | new_cpl
    front.eip = gate.offset
    front.eflags &= ~(TF | NT | RF | VM | (IF if gate.is_interrupt else 0))
    follow_segments(front)


def _gate(cpu: Cpu, event: Event) -> Gate:
    idt = cpu.state.front.idt
    code = errorcodes.vector_code(event.vector, external=event.external)
    offset = event.vector * 16
    if offset + 15 > idt.limit:
        raise GuestFault(GP, code, f"vector {event.vector:#x} is beyond the IDT limit {idt.limit:#x}")
    gate = read_gate(cpu, idt.base + offset, wide=True)
    if gate.s or not (gate.is_interrupt or gate.is_trap) or gate.type < 14:
        raise GuestFault(GP, code, f"IDT entry {event.vector:#x} has type {gate.type:#x}, not a 64-bit gate")
    if not event.external and gate.dpl < cpu.state.front.hflags & HF_CPL:
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


def _stack(cpu: Cpu, ist: int, cpl: int, new_cpl: int) -> int:
    """The handler's stack pointer, 16-byte aligned (SDM 3A 6.14.2, 6.14.4, 6.14.5)."""
    front = cpu.state.front
    if ist:
        offset = ist_offset(ist)
    elif new_cpl < cpl:
        offset = stack_offset(new_cpl)
    else:
        return int(front.regs[RSP]) & ~15
    if offset + 7 > front.tr.limit:
        code = errorcodes.selector_code(front.tr.selector, external=True)
        raise GuestFault(TS, code, f"TSS limit {front.tr.limit:#x} does not hold the stack at {offset:#x}")
    return int.from_bytes(read_supervisor(cpu, front.tr.base + offset, 8), "little") & ~15


def _push_frame(cpu: Cpu, event: Event, stack: int, flags: int) -> int:
    """Returns the stack pointer below the frame."""
    front = cpu.state.front
    words = [event.rip, front.segs[CS].selector, flags, front.regs[RSP], front.segs[SS].selector]
    if event.error_code is not None:
        words.insert(0, event.error_code & 0xFFFFFFFF)
    frame = b"".join(word.to_bytes(8, "little") for word in words)
    pointer = (stack - len(frame)) & 0xFFFFFFFFFFFFFFFF
    try:
        write_supervisor(cpu, pointer, frame)
    except GuestFault as fault:
        if fault.vector == GP:  # a non-canonical stack is #SS
            raise GuestFault(SS_FAULT, 1, fault.reason) from None
        raise
    return pointer

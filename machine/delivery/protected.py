"""Into a handler in protected and virtual-8086 mode: 8-byte gates and stacks from the TSS (SDM 3A 6.12, 20.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.delivery.event import (
    GP,
    IF,
    NP,
    NT,
    RF,
    RSP,
    SS_FAULT,
    TF,
    TS,
    VM,
    Event,
    GuestFault,
    NotModelled,
)
from machine.delivery.segments import follow_segments, load, read_descriptor, read_gate
from machine.delivery.stack import Stack, current_stack, push
from machine.delivery.supervisor import read_supervisor
from machine.engine.state import CS, DS, ES, FS, GS, HF_CPL, HF_INHIBIT_IRQ, SS
from machine.x86 import errorcodes
from machine.x86.descriptors import (
    INTERRUPT_GATE,
    TSS_16_BUSY,
    TSS_AVAILABLE,
    TSS_BUSY,
    Gate,
    SegmentDescriptor,
    decode_selector,
    hidden_flags,
)
from machine.x86.tss import TSS16, TSS32

if TYPE_CHECKING:
    from machine.cpu import Cpu

_GATE = 8
_TSS_TYPES = {TSS_16_BUSY: (TSS16, "sp"), TSS_BUSY: (TSS32, "esp"), TSS_AVAILABLE: (TSS32, "esp")}
"""TR's type to the TSS's layout and its name of a stack pointer; boot loaders may leave TR not busy."""


def enter(cpu: Cpu, event: Event) -> None:
    """Take the loaded state view into an event's handler.

    Raises `GuestFault` for what gate, code segment, TSS or stack refuse, `NotModelled` for a task gate.
    """
    front = cpu.state.front
    flags = cpu.flags()
    gate = _gate(cpu, event)
    target = _code_segment(cpu, gate, event.external)
    cpl = front.hflags & HF_CPL
    ring = _new_ring(gate.selector, target, cpl, flags, event.external)
    stack = _inner_stack(cpu, ring, event.external) if ring < cpl else current_stack(cpu)
    if gate.offset > target.limit:
        raise GuestFault(GP, int(event.external), f"handler {gate.offset:#x} is beyond CS's limit {target.limit:#x}")
    words = _frame(cpu, event, flags, switched=ring < cpl)
    code = errorcodes.selector_code(stack.selector if ring < cpl else 0, external=event.external)
    pointer = push(cpu, stack, words, 4 if gate.type >= INTERRUPT_GATE else 2, ring, code)
    if flags & VM:
        for index in (ES, DS, FS, GS):
            cpu.state.set_segment(index, 0, 0, 0, 0)
    if ring < cpl:
        cpu.state.set_segment(SS, stack.selector, stack.base, stack.limit, stack.flags)
    load(cpu, CS, gate.selector & ~3 | ring, target)
    front.regs[RSP], front.eip = pointer, gate.offset
    front.eflags &= ~(TF | NT | RF | VM | (IF if gate.is_interrupt else 0))
    front.hflags = front.hflags & ~(HF_CPL | HF_INHIBIT_IRQ) | ring
    follow_segments(front)


def _gate(cpu: Cpu, event: Event) -> Gate:
    idt, vector = cpu.state.front.idt, event.vector
    code = errorcodes.vector_code(vector, external=event.external)
    offset = vector * _GATE
    if offset + _GATE - 1 > idt.limit:
        raise GuestFault(GP, code, f"vector {vector:#x} is beyond the IDT limit {idt.limit:#x}")
    gate = read_gate(cpu, idt.base + offset, wide=False)
    if gate.s or not (gate.is_interrupt or gate.is_trap or gate.is_task):
        raise GuestFault(GP, code, f"IDT entry {vector:#x} has type {gate.type:#x}, not a gate for interrupts")
    if not event.external and gate.dpl < cpu.state.front.hflags & HF_CPL:
        raise GuestFault(GP, code, f"gate {vector:#x} has DPL {gate.dpl}, below CPL")
    if not gate.present:
        raise GuestFault(NP, code, f"gate {vector:#x} is not present")
    if gate.is_task:
        raise NotModelled(
            f"vector {vector:#x} has a task gate, to TSS {gate.selector:#x}: task switches are not modelled"
        )
    return gate


def _code_segment(cpu: Cpu, gate: Gate, external: bool) -> SegmentDescriptor:
    selector, cpl = gate.selector, cpu.state.front.hflags & HF_CPL
    code = errorcodes.selector_code(selector, external=external)
    target = read_descriptor(cpu, selector, code)
    if not target.is_code or target.dpl > cpl:
        raise GuestFault(GP, code, f"selector {selector:#x} is not a code segment with DPL <= {cpl}")
    if not target.present:
        raise GuestFault(NP, code, f"code segment {selector:#x} is not present")
    return target


def _new_ring(selector: int, target: SegmentDescriptor, cpl: int, flags: int, external: bool) -> int:
    """The handler's ring; from virtual-8086 mode ring 0 alone."""
    if flags & VM and (target.is_conforming or target.dpl):
        code = errorcodes.selector_code(selector, external=external)
        raise GuestFault(GP, code, f"handler segment {selector:#x} is not ring 0's, and VM is set")
    return cpl if target.is_conforming else target.dpl


def _inner_stack(cpu: Cpu, ring: int, external: bool) -> Stack:
    """SS:ESP of a ring from the TSS, with the checks of SDM 3A 6.12.1.1 and of INT n in SDM 2A."""
    selector, pointer = _stack_of_tss(cpu, ring, external)
    code = errorcodes.selector_code(selector, external=external)
    if decode_selector(selector).is_null:
        raise GuestFault(TS, int(external), f"the TSS has null selector {selector:#x} for ring {ring}'s stack")
    try:
        segment = read_descriptor(cpu, selector, code)
    except GuestFault as fault:
        if fault.vector == GP:
            raise GuestFault(TS, code, fault.reason) from None
        raise
    if selector & 3 != ring or segment.dpl != ring or not segment.is_writable or not segment.is_data:
        raise GuestFault(TS, code, f"stack selector {selector:#x} is not a writable segment of ring {ring}")
    if not segment.present:
        raise GuestFault(SS_FAULT, code, f"stack segment {selector:#x} is not present")
    return Stack(selector, segment.base, segment.limit, hidden_flags(segment), pointer)


def _stack_of_tss(cpu: Cpu, ring: int, external: bool) -> tuple[int, int]:
    """The stack selector and pointer that the TSS has for a ring."""
    tr = cpu.state.front.tr
    code = errorcodes.selector_code(tr.selector, external=external)
    layout, name = _TSS_TYPES.get(tr.flags >> 8 & 15, (None, ""))
    if layout is None:
        raise GuestFault(TS, code, f"TR {tr.selector:#x} holds no TSS")
    pointer, selector = layout[f"{name}{ring}"], layout[f"ss{ring}"]
    if selector.offset + selector.size - 1 > tr.limit:
        raise GuestFault(TS, code, f"TSS limit {tr.limit:#x} does not hold ring {ring}'s stack")
    data = read_supervisor(cpu, tr.base + pointer.offset, pointer.size + selector.size)  # one behind the other
    return int.from_bytes(data[pointer.size :], "little"), int.from_bytes(data[: pointer.size], "little")


def _frame(cpu: Cpu, event: Event, flags: int, *, switched: bool) -> list[int]:
    """The words to push, in order (SDM 3A figures 6-4, 20-4)."""
    segs = cpu.state.front.segs
    words = [segs[index].selector for index in (GS, FS, DS, ES)] if flags & VM else []
    if switched:
        words += [segs[SS].selector, cpu.state.front.regs[RSP]]
    words += [event.frame_flags(flags), segs[CS].selector, event.rip]
    return words if event.error_code is None else [*words, event.error_code]

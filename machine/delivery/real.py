"""Into a handler in real mode: the interrupt vector table and a frame of three words (SDM 3B 20.1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.delivery.event import AC, GP, IF, RSP, TF, Event, GuestFault
from machine.delivery.stack import current_stack, push
from machine.delivery.supervisor import read_supervisor
from machine.engine.state import CS, HF_INHIBIT_IRQ
from machine.x86.vectors import IVT_ENTRY

if TYPE_CHECKING:
    from machine.cpu import Cpu

_ENTRY = 4


def enter(cpu: Cpu, event: Event) -> None:
    """Take the loaded state view into an event's handler.

    Nothing pushes an error code here.  Raises `GuestFault` #GP for a vector beyond IDTR's limit, #SS for a frame
    across the stack segment's end.
    """
    front = cpu.state.front
    idt, offset = front.idt, event.vector * _ENTRY
    if offset + _ENTRY - 1 > idt.limit:
        raise GuestFault(GP, None, f"vector {event.vector:#x} is beyond the IVT limit {idt.limit:#x}")
    entry = IVT_ENTRY.decode(int.from_bytes(read_supervisor(cpu, idt.base + offset, _ENTRY), "little"))
    frame = (cpu.flags(), front.segs[CS].selector, event.rip)
    front.regs[RSP] = push(cpu, current_stack(cpu), frame, 2, 0, None)
    code = front.segs[CS]
    code.selector, code.base = entry["segment"], entry["segment"] << 4
    front.eip = entry["offset"]
    front.eflags &= ~(TF | IF | AC)
    front.hflags &= ~HF_INHIBIT_IRQ

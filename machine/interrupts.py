"""Delivery of exceptions and interrupts in every mode of the processor (SDM 3A 6.12-6.15, 20.1.4).

Unicorn calls a hook where a processor would deliver; this module does what the processor does: it enters the handler
as the mode has it, and delivers what faults on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from machine.delivery import long, protected, real
from machine.delivery.event import DB, DF, GP, IF, NMI, PF, RF, RSP, UD, VM, Event, GuestFault, NotModelled, Source
from machine.delivery.segments import CR0_PE
from machine.delivery.supervisor import read_supervisor
from machine.engine.state import HF_CPL
from machine.stop import FaultRecord
from machine.walk import EFER_LMA
from machine.x86.vectors import Nested, nested

if TYPE_CHECKING:
    from machine.cpu import Cpu

__all__ = [
    "DB",
    "DF",
    "GP",
    "IF",
    "NMI",
    "PF",
    "RF",
    "RSP",
    "UD",
    "VM",
    "Event",
    "GuestFault",
    "Source",
    "TripleFault",
    "deliver",
    "read_supervisor",
]


class TripleFault(Exception):
    """A fault while #DF was being delivered: the processor shuts down."""

    def __init__(self, chain: list[FaultRecord]) -> None:
        super().__init__("triple fault")
        self.chain = chain


def deliver(cpu: Cpu, event: Event) -> tuple[FaultRecord, ...]:
    """Take the processor (whose state view is loaded) into the handler of an event; the caller stores the view.

    A fault on the way is delivered instead, or #DF (SDM 3A table 6-5).  Returns the chain of what was to be delivered,
    the event first; raises `TripleFault` with it.
    """
    chain = [FaultRecord(event.vector, event.error_code, event.rip, event.source.value)]
    enter, cpl = _way_in(cpu), cpu.state.front.hflags & HF_CPL
    while True:
        try:
            enter(cpu, event)
            crossed = cpu.state.front.hflags & HF_CPL < cpl
            cpu.progress.tallies.delivery(event.source, event.vector, crossed=crossed)
            return tuple(chain)
        except GuestFault as fault:
            if fault.cr2 is not None:
                cpu.state.front.cr[2] = fault.cr2
            chain.append(FaultRecord(fault.vector, fault.error_code, event.fault_rip, fault.reason))
            event = _after(event, fault, chain)
        except NotModelled as refusal:
            record = FaultRecord(event.vector, event.error_code, event.fault_rip, str(refusal))
            raise TripleFault([*chain, record]) from None


def _way_in(cpu: Cpu) -> Callable[[Cpu, Event], None]:
    """How the processor's mode enters handlers."""
    front = cpu.state.front
    if front.efer & EFER_LMA:
        return long.enter
    return protected.enter if front.cr[0] & CR0_PE else real.enter


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

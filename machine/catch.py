"""What a user can wait for beside addresses: events of the processor, as values, and how one is told in a line."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from machine.delivery.event import Event
from machine.stop import Access, FaultRecord
from machine.x86 import control
from machine.x86.msrs import msr_name
from machine.x86.vectors import vector_name

EVERY_NUMBER = (1 << 64) - 1


class Kind(Enum):
    """What a catch waits for; the value is its word."""

    RING = "ring"
    EXCEPTION = "exception"
    INTERRUPT = "interrupt"
    CR3 = "cr3"
    CONTROL = "cr"
    MSR = "msr"
    PORT = "port"
    MMIO = "mmio"
    HLT = "hlt"
    TRIPLE_FAULT = "triple-fault"


class Catch(NamedTuple):
    """A kind, and the numbers that count: vectors, control registers, MSRs, ports or physical addresses.

    ``access`` is for ports and memory; ``rings`` are those before and after, None for any.
    """

    kind: Kind
    first: int = 0
    last: int = EVERY_NUMBER
    access: Access = Access.ANY
    rings: tuple[int | None, int | None] = (None, None)

    def takes(self, first: int, last: int | None = None) -> bool:
        """Whether it waits for a number, or for one in a range."""
        return self.first <= (first if last is None else last) and first <= self.last

    @property
    def text(self) -> str:
        """The catch in words."""
        words = [self.kind.value]
        if self.rings != (None, None):
            words.append("-".join("any" if ring is None else str(ring) for ring in self.rings))
        if (self.first, self.last) != (0, EVERY_NUMBER):
            words.append(self._range())
        if self.access is not Access.ANY:
            words.append(self.access.value)
        return " ".join(words)

    def _range(self) -> str:
        if self.first != self.last:
            return f"{self.first:#x}-{self.last:#x}"
        if self.kind in (Kind.EXCEPTION, Kind.INTERRUPT):
            return f"{self.first:#x} ({vector_name(self.first)})"
        return f"{self.first:#x} ({msr_name(self.first)})" if self.kind is Kind.MSR else f"{self.first:#x}"


_CONTROL = {0: control.CR0, 4: control.CR4, 8: control.CR8}


def control_text(number: int, old: int, new: int | None) -> str:
    """A write to a control register; ``new`` is None where it comes from memory."""
    if new is None:
        return f"CR{number} is {old:#x} and is written from memory"
    return f"CR{number} {old:#x} -> {new:#x}{_changes(number, old, new)}"


def _changes(number: int, old: int, new: int) -> str:
    layout = _CONTROL.get(number)
    if layout is None:
        return ""
    words = [f"sets {layout.format(new & ~old)}"] if new & ~old else []
    words += [f"clears {layout.format(old & ~new)}"] if old & ~new else []
    return f", {' and '.join(words)}" if words else ", which changes nothing"


def msr_text(number: int, old: int, new: int) -> str:
    """A write to a model-specific register."""
    return f"MSR {number:#x} ({msr_name(number)}) {old:#x} -> {new:#x}"


def port_text(mnemonic: str, port: int, size: int, value: int | None) -> str:
    """An access to ports; ``value`` is None where it is read, or written from memory."""
    what = "" if value is None else f" <- {value:#0{2 * size + 2}x}"
    return f"{mnemonic} {port:#x}{what}, {size} byte{'s' if size > 1 else ''}"


def event_text(event: Event, cr2: int) -> str:
    """An exception or interrupt."""
    words = [vector_name(event.vector)]
    if event.vector >= 32 or event.source.value not in ("exception",):
        words.append(f"by {event.source.value}")
    if event.error_code is not None:
        words.append(f"error code {event.error_code:#x}")
    if event.vector == 14 and event.error_code is not None:
        words.append(f"address {cr2:#x}")
    return ", ".join(words)


def chain_text(chain: tuple[FaultRecord, ...], *, fatal: bool) -> str:
    """The faults that the delivery of the first leads to, and why each delivery fails."""
    names = " -> ".join(vector_name(record.vector).split()[0] for record in chain)
    reasons = "; ".join(record.reason for record in chain[1:])
    return f"{names}{' -> shutdown' if fatal else ''}: {reasons}"

"""Events to deliver, and what can go wrong on the way to their handlers (SDM 3A 6.12-6.15)."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from machine.x86.vectors import VECTORS, Kind

DB, NMI, UD, DF, TS, NP, SS_FAULT, GP, PF = 1, 2, 6, 8, 10, 11, 12, 13, 14

TF, IF, NT, RF, VM, AC = 1 << 8, 1 << 9, 1 << 14, 1 << 16, 1 << 17, 1 << 18
RSP = 4


class Source(Enum):
    """Where an event comes from: it decides the gate's DPL check and the EXT bit (SDM 3A 6.12.1.2, 6.13)."""

    EXCEPTION = "exception"
    SOFTWARE = "software interrupt"
    EXTERNAL = "external interrupt"


class Event(NamedTuple):
    """Something to deliver.

    ``rip`` is what the frame says; ``fault_rip`` what it says if delivery itself faults (INT n: the instruction).
    Both are offsets in the code segment.
    """

    vector: int
    error_code: int | None
    source: Source
    rip: int
    fault_rip: int

    @property
    def external(self) -> bool:
        """Whether the program did not ask for it: gates are not guarded by DPL, and error codes have EXT set."""
        return self.source is not Source.SOFTWARE

    def frame_flags(self, flags: int) -> int:
        """The frame's RFLAGS: RF set for faults, so that an instruction breakpoint does not hit twice
        (SDM 3B 18.3.1.1).
        """
        return flags | RF if self.is_fault else flags & ~RF

    @property
    def is_fault(self) -> bool:
        """Whether the instruction was begun and not completed."""
        return self.source is Source.EXCEPTION and self.vector < 32 and VECTORS[self.vector].kind is Kind.FAULT


class GuestFault(Exception):
    """An exception that the guest gets; ``cr2`` is the linear address of a page fault."""

    def __init__(self, vector: int, error_code: int | None, reason: str, cr2: int | None = None) -> None:
        super().__init__(reason)
        self.vector = vector
        self.error_code = error_code
        self.reason = reason
        self.cr2 = cr2


class NotModelled(Exception):
    """The guest asks for a way into a handler that this machine does not have; it shuts down and says so."""

"""The processor's state in words: its mode, where it is, its descriptor tables.

Functions raise `Refused` for a register that the debuggee does not give.
"""

from __future__ import annotations

from typing import NamedTuple

from machine.x86.mode import Processor, linear_address, operating_mode
from machine.x86.paging import paging_mode
from ringscope.debuggee import Debuggee, PhysicalMemory, Refused, find_register, long_mode, paging_state, read_available
from ringscope.session import Session


class Table(NamedTuple):
    """A descriptor table or system segment: linear base, and limit as the last offset in bytes."""

    base: int
    limit: int


def linear_pc(debuggee: Debuggee) -> int:
    """Linear address of the next instruction: CS.base + RIP outside 64-bit mode."""
    return linear_address(debuggee.code_segment(), debuggee.read_register("rip"))


def mode(debuggee: Debuggee) -> str:
    """The operating mode, as ``64-bit`` or ``32-bit protected``; with the code's width alone where CR0 is not given."""
    width = debuggee.code_segment().width
    cr0 = find_register(debuggee, "cr0")
    if cr0 is None:
        return f"{width}-bit"
    efer, flags = find_register(debuggee, "efer"), find_register(debuggee, "eflags")
    return operating_mode(cr0, efer or 0, flags or 0, width).name


def read_processor(session: Session) -> Processor:
    """The registers that decide the mode."""
    debuggee = session.debuggee
    cr0, cr4, efer, flags, cs, rip = map(debuggee.read_register, ("cr0", "cr4", "efer", "eflags", "cs", "rip"))
    return Processor(cr0, cr4, efer, flags, cs, rip, session.current_privilege_level(), debuggee.code_segment())


def describe(session: Session) -> str:
    """Mode, paging and ring in one line."""
    words = [f"{mode(session.debuggee)} mode"]
    if session.paging_is_known():
        words.append(paging_mode(paging_state(session.debuggee)).name)
    return ", ".join([*words, f"ring {session.current_privilege_level()}"])


def descriptor_table(debuggee: Debuggee, name: str) -> Table:
    """Where ``gdtr``, ``idtr``, ``ldtr`` or ``tr`` points."""
    return Table(debuggee.read_register(f"{name}_base"), debuggee.read_register(f"{name}_limit"))


class Reader:
    """Linear memory for the decoders: unreadable bytes are left out, pages are read once."""

    def __init__(self, debuggee: Debuggee) -> None:
        self._debuggee = debuggee
        self._pages: dict[int, bytes] = {}

    def __call__(self, address: int, length: int) -> bytes:
        """The bytes up to the first that cannot be read."""
        data = b""
        while len(data) < length:
            at = address + len(data)
            offset = at % 0x1000
            page = self._page(at - offset)
            if len(page) <= offset:
                break
            data += page[offset : offset + length - len(data)]
        return data

    def _page(self, address: int) -> bytes:
        if address not in self._pages:
            self._pages[address] = read_available(self._debuggee, address, 0x1000)
        return self._pages[address]


class Physical:
    """Physical memory for walks of page tables: nothing where there is none; that none at all can be read is told."""

    def __init__(self, debuggee: Debuggee) -> None:
        assert isinstance(debuggee, PhysicalMemory), "the registry has checked it"
        self._debuggee = debuggee
        self._readable = False

    def read(self, address: int, length: int) -> bytes:
        """The bytes at a physical address; Refused if there is no way to read any."""
        try:
            data = self._debuggee.read_physical(address, length)
        except Refused:
            if not self._readable:  # the top table is always there: nothing physical can be read
                raise
            return b""
        self._readable = True
        return data


__all__ = [
    "Physical",
    "Reader",
    "Table",
    "describe",
    "descriptor_table",
    "linear_pc",
    "long_mode",
    "mode",
    "read_processor",
]

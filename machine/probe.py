"""What is read of a processor inside a hook, as it stands before the instruction: live registers, linear memory.

Nothing is copied where the engine's state can be read in place, and nothing changes in the guest. A page that was
translated once is not walked again while the registers of paging and the entries walked through hold what they held.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from machine import registers
from machine.engine.state import Front
from machine.errors import MemoryFault
from machine.memory import PAGE
from machine.walk import Paging, translate
from machine.x86.registers import GPR64, SEGMENTS

if TYPE_CHECKING:
    from machine.cpu import Cpu

_MOST_PAGES = 4096
_OFFSET = PAGE - 1

Reader = Callable[[], int]


class _Page(NamedTuple):
    """Where a page lies, and what that hangs on: words of RAM by index, with their values."""

    control: list[int]
    efer: int
    entries: tuple[tuple[int, int], ...]
    physical: int


class Probe:
    """Reads one processor; `look` comes first at every instruction, from a hook before it or between two of them."""

    def __init__(self, cpu: Cpu) -> None:
        self._cpu = cpu
        self._ram = cpu.memory.ram
        self._words = cpu.memory.ram.cast("Q")
        self._size = cpu.memory.size
        self._front: Front = cpu.fast.live if cpu.fast else cpu.state.front
        self._control = self._front.cr
        self._pages: dict[int, _Page] = {}

    def look(self) -> None:
        """What is read from now on is the processor's state here."""
        if not self._cpu.fast:
            self._cpu.state.load()

    def reader(self, name: str) -> Reader:
        """A function that reads a register.  Raises `RegisterError` if it has no such name."""
        front, general = self._front, self._front.regs
        if name in GPR64:
            index = GPR64.index(name)
            return lambda: general[index]
        if name == "rip":
            return lambda: front.eip
        if name == "eflags":
            return self._cpu.flags
        if name in SEGMENTS:
            segment = front.segs[SEGMENTS.index(name)]
            return lambda: segment.selector
        return self._through_the_view(name)

    def _through_the_view(self, name: str) -> Reader:
        """By a copy of the whole state, for registers that are seldom asked for."""
        cpu, register = self._cpu, registers.find(name)

        def read() -> int:
            cpu.state.load()
            return register.read(cpu)

        return read

    def load(self, address: int, length: int) -> int:
        """An unsigned little-endian number at a linear address.  Raises `MemoryFault` where nothing can be read."""
        if (address & _OFFSET) + length > PAGE:
            return int.from_bytes(self.read(address, length), "little")
        at = self._physical(address)
        return int.from_bytes(self._ram[at : at + length], "little")

    def read(self, address: int, length: int) -> bytes:
        """All ``length`` bytes at a linear address.  Raises `MemoryFault` at the first that cannot be read."""
        parts, end = [], address + length
        while address < end:
            count = min(end - address, PAGE - (address & _OFFSET))
            at = self._physical(address & 0xFFFFFFFFFFFFFFFF)
            parts.append(bytes(self._ram[at : at + count]))
            address += count
        return b"".join(parts)

    def _physical(self, address: int) -> int:
        page = self._pages.get(address >> 12)
        if page is not None and page.control == self._control[:] and page.efer == self._front.efer:
            words = self._words
            for index, value in page.entries:
                if words[index] != value:
                    break
            else:
                return page.physical + (address & _OFFSET)
        return self._walk(address)

    def _walk(self, address: int) -> int:
        front, control = self._front, self._control[:]
        paging = Paging(control[0], control[3], control[4], front.efer)
        found = translate(self._cpu.memory, paging, address)
        if found.physical >= self._size:
            raise MemoryFault(address, f"physical address {found.physical:#x} is outside RAM")
        if len(self._pages) >= _MOST_PAGES:
            self._pages.clear()
        entries = tuple((at >> 3, self._words[at >> 3]) for at in found.entries)
        physical = found.physical & ~_OFFSET
        self._pages[address >> 12] = _Page(control, front.efer, entries, physical)
        return found.physical

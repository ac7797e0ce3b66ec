"""Linear memory as a debugger sees it: through the page tables, without side effects."""

from __future__ import annotations

from machine.cpu import Cpu
from machine.errors import MemoryFault
from machine.memory import PAGE, Memory
from machine.walk import Paging, pages


class LinearMemory:
    """A machine's part that reads and writes at linear addresses."""

    memory: Memory
    cpu: Cpu

    def _paging(self, cr3: int | None, cpu: Cpu | None) -> Paging:
        cpu = cpu or self.cpu
        cpu.state.load()
        paging = cpu.paging()
        return paging if cr3 is None else paging._replace(cr3=cr3)

    def read_linear(self, address: int, length: int, cr3: int | None = None, cpu: Cpu | None = None) -> bytes:
        """``length`` bytes at a linear address, through the page tables of a processor, by default the current one, or
        those at ``cr3``.

        Nothing changes in the guest, and the processor's ring does not matter.  Raises `MemoryFault` at the first
        byte that is not mapped or not RAM.
        """
        runs = self.cpu.walks.pages(self._paging(cr3, cpu), address, length)
        return b"".join(self.memory.read(at, count) for at, count in runs)

    def write_linear(self, address: int, data: bytes, cr3: int | None = None, cpu: Cpu | None = None) -> None:
        """Store bytes at a linear address, read-only pages too; nothing is written if any byte cannot be."""
        runs = pages(self.memory, self._paging(cr3, cpu), address, len(data))
        for at, count in runs:
            self.memory.read(at, count)
        done = 0
        for at, count in runs:
            self.memory.write(at, data[done : done + count])
            done += count

    def readable(self, address: int, length: int, cr3: int | None = None, cpu: Cpu | None = None) -> int:
        """How many of ``length`` bytes at a linear address can be read before the first page that cannot."""
        done = 0
        while done < length:
            count = min(PAGE - (address + done) % PAGE, length - done)
            try:
                self.read_linear(address + done, count, cr3, cpu)
            except MemoryFault:
                break
            done += count
        return done

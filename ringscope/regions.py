"""What the page tables map around an address, as LLDB asks for it."""

from __future__ import annotations

from gdbstub.values import Region
from machine.machine import Machine
from machine.x86.pagemap import Mapping, mappings
from machine.x86.paging import PagingState

END = 1 << 64


class Regions:
    """The linear memory of a machine that does not run meanwhile."""

    def __init__(self, machine: Machine) -> None:
        cpu = machine.cpu
        cr0, cr3, cr4, efer = map(cpu.read_register, ("cr0", "cr3", "cr4", "efer"))
        memory = machine.memory

        def read(address: int, length: int) -> bytes:
            return bytes(memory.ram[address : address + length]) if address < memory.size else b""

        found = mappings(read, cr3, PagingState(cr0, cr4, efer))
        self._regions: list[Region] = []
        for mapping in sorted(each for each in found if isinstance(each, Mapping)):
            self._add(mapping)

    def _add(self, mapping: Mapping) -> None:
        """Neighbours with equal rights are one region, wherever they lie."""
        length, permissions = mapping.last + 1 - mapping.first, mapping.rights.letters.replace("-", "")
        if self._regions:
            last = self._regions[-1]
            if last.start + last.length == mapping.first and last.permissions == permissions:
                self._regions[-1] = Region(last.start, last.length + length, permissions)
                return
        self._regions.append(Region(mapping.first, length, permissions))

    def first_mapped(self, first: int, last: int) -> int | None:
        """The lowest mapped address in a range whose mapping begins there."""
        return next((region.start for region in self._regions if first <= region.start <= last), None)

    def at(self, address: int) -> Region:
        """The region of an address, or the gap that it lies in."""
        before = 0
        for region in self._regions:
            if address < region.start:
                return Region(before, region.start - before, "")
            if address < region.start + region.length:
                return region
            before = region.start + region.length
        return Region(before, END - before, "")

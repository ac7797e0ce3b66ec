"""The memory of a machine as the kernel in it sees it, for `kernel.objects`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from kernel.errors import UnreadableError
from machine.errors import MemoryFault
from machine.machine import Machine
from machine.walk import EFER_LMA, Paging, translate

T = TypeVar("T")

PCID_AND_PTI = 0x1FFF
"""Bits of CR3 that choose a process-context identifier, and the half of a pair of tables that ring 3 runs on."""


class KernelMemory:
    """Linear memory behind the page tables that the kernel half of every address space shares.

    While ring 3 runs on tables of its own (Linux: page-table isolation), those of the kernel are beside them.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def read(self, address: int, length: int, page_table: int | None = None) -> bytes:
        """All bytes, by the current tables or those at a physical address. Raises UnreadableError."""
        tables = self._tables() if page_table is None else [page_table]
        return self._first(address, lambda table: self.machine.read_linear(address, length, table), tables)

    def write(self, address: int, data: bytes) -> None:
        """Store all of it. Raises UnreadableError."""
        self._first(address, lambda table: self.machine.write_linear(address, data, table), self._tables())

    def physical(self, address: int) -> int:
        """Where a linear address lies. Raises UnreadableError."""
        paging = self._paging()
        return self._first(
            address,
            lambda table: translate(self.machine.memory, paging._replace(cr3=table), address).physical,
            self._tables(),
        )

    def _paging(self) -> Paging:
        cpu = self.machine.cpu
        cpu.state.load()
        return cpu.paging()

    def _tables(self) -> list[int]:
        cr3 = self._paging().cr3
        return list(dict.fromkeys((cr3, cr3 & ~PCID_AND_PTI)))

    def _first(self, address: int, access: Callable[[int], T], tables: Sequence[int]) -> T:
        if not self._paging().efer & EFER_LMA:
            raise UnreadableError("no kernel runs yet: the processor is not in long mode")
        for table in tables[:-1]:
            try:
                return access(table)
            except MemoryFault:
                continue
        try:
            return access(tables[-1])
        except MemoryFault as fault:
            raise UnreadableError(f"kernel memory at {address:#x}: {fault}") from None

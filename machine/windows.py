"""Devices in memory: pages above RAM whose accesses go to a device, each at the exact time of its instruction.

An access that a page's protection forbids makes the engine work out where it is before it asks a hook.  A page that
forbids every access is therefore one at which RIP is always right, in the middle of a block too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from unicorn import UC_HOOK_MEM_READ_PROT, UC_HOOK_MEM_WRITE_PROT, UC_PROT_NONE, Uc

if TYPE_CHECKING:
    from machine.cpu import Cpu
    from machine.intercepts import Board


class MemoryDevice(Protocol):
    """A device behind a range of physical memory; ``offset`` counts bytes from the range's start.

    Accesses are 1, 2 or 4 bytes wide; wider ones come in pieces of 4.
    """

    def read_memory(self, offset: int, size: int) -> int:
        """The value at an offset, ``size`` bytes wide."""

    def write_memory(self, offset: int, value: int, size: int) -> None:
        """Take a value of ``size`` bytes."""


class Windows:
    """One processor's view of the devices in memory."""

    def __init__(self, cpu: Cpu, board: Board) -> None:
        self._cpu = cpu
        self._board = board

    def attach(self, device: MemoryDevice, first: int, size: int) -> None:
        """Let a device answer at ``size`` bytes from physical ``first`` on, which the open bus leaves out."""
        uc, last = self._cpu.uc, first + size - 1
        uc.mmio_map(first, size, self._read, device, self._write, device)
        uc.mem_protect(first, size, UC_PROT_NONE)
        uc.hook_add(UC_HOOK_MEM_READ_PROT | UC_HOOK_MEM_WRITE_PROT, self._allow, None, first, last)

    def _allow(self, *_access: object) -> bool:
        self._cpu.inside()
        return True

    # A watchpoint that has left the instruction has it run again: the device must see that access alone.

    def _read(self, _uc: Uc, offset: int, size: int, device: MemoryDevice) -> int:
        if self._cpu.progress.caught:
            return 0
        return self._board.read_memory(device, offset, size)

    def _write(self, _uc: Uc, offset: int, size: int, value: int, device: MemoryDevice) -> None:
        if not self._cpu.progress.caught:
            self._board.write_memory(device, offset, value, size)

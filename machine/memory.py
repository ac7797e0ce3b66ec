"""Physical memory: RAM from address 0, and an open bus that reads all ones everywhere above it."""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Sequence

from unicorn import UC_PROT_ALL, Uc

from machine.errors import Error, MemoryFault
from machine.limits import MAXIMUM, MINIMUM, PAGE

__all__ = ["MAXIMUM", "MINIMUM", "PAGE", "PHYSICAL_BITS", "Memory"]

PHYSICAL_BITS = 40
"""Width of a physical address in bits (CPUID leaf 0x80000008 says the same)."""


class Memory:
    """RAM of ``size`` bytes (a multiple of 4 KiB) at physical address 0.

    ``windows`` are the (start, length) of whole pages above it, in order, where devices answer instead of the open
    bus.  Raises `Error` when the size is out of range.
    """

    def __init__(self, size: int, windows: Sequence[tuple[int, int]] = ()) -> None:
        if size % PAGE or not MINIMUM <= size <= MAXIMUM:
            raise Error(f"memory size {size:#x} is not a multiple of 4 KiB from 1 MiB to 3 GiB")
        self.size = size
        self._windows = windows
        # Private, so that a fork of the host process does not share the guest's RAM.
        self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.ram = memoryview(self._map)
        self.changes = 0
        """Counts the host's writes: translations from before the last one may be stale."""

    @property
    def address(self) -> int:
        """Where RAM lies in this process."""
        return ctypes.addressof((ctypes.c_char * self.size).from_buffer(self._map))

    def attach(self, uc: Uc) -> None:
        """Map RAM and the open bus into a processor's physical address space; the devices' windows are left out."""
        uc.mem_map_ptr(0, self.size, UC_PROT_ALL, self.address)
        start = self.size
        for window, length in (*self._windows, (1 << PHYSICAL_BITS, 0)):
            uc.mmio_map(start, window - start, _open_bus_read, None, _open_bus_write, None)
            start = window + length

    def _check(self, address: int, length: int) -> None:
        if not 0 <= address <= self.size - length:
            first = address if not 0 <= address < self.size else self.size
            raise MemoryFault(first, f"physical address is outside RAM (0..{self.size - 1:#x})")

    def read(self, address: int, length: int) -> bytes:
        """``length`` bytes at a physical address.  Raises `MemoryFault` outside RAM."""
        self._check(address, length)
        return bytes(self.ram[address : address + length])

    def write(self, address: int, data: bytes | memoryview) -> None:
        """Store bytes at a physical address from the host's side.  Raises `MemoryFault` outside RAM."""
        self._check(address, len(data))
        self.ram[address : address + len(data)] = data
        self.changes += 1

    def clear(self, address: int = 0, length: int | None = None) -> None:
        """Make a range of RAM zero, all of it by default; where the host can, whole pages are given back.

        Raises `MemoryFault` outside RAM.
        """
        end = address + (self.size - address if length is None else length)
        self._check(address, end - address)
        start, stop = -address % PAGE + address, end & -PAGE
        if start >= stop or sys.platform != "linux":
            self.ram[address:end] = bytes(end - address)
        else:
            self.ram[address:start], self.ram[stop:end] = bytes(start - address), bytes(end - stop)
            self._map.madvise(mmap.MADV_DONTNEED, start, stop - start)
        self.changes += 1

    def read_u64(self, address: int) -> int:
        """A little-endian 64-bit word; all ones off the end of RAM, as the open bus reads."""
        return int.from_bytes(self.ram[address : address + 8] or b"\xff" * 8, "little")


def _open_bus_read(_uc: Uc, _offset: int, size: int, _data: object) -> int:
    return (1 << (8 * size)) - 1


def _open_bus_write(_uc: Uc, _offset: int, _size: int, _value: int, _data: object) -> None:
    pass

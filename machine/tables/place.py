"""Where the tables lie: in the BIOS's own 64 KiB below 1 MiB, which the memory map reserves."""

from __future__ import annotations

from machine.memory import Memory
from machine.tables import acpi, mp

RSDP = 0xF0000
"""Physical address of the ACPI root pointer, where a search for it comes past."""

MP_POINTER = RSDP + 0x40
"""Physical address of the MultiProcessor floating pointer."""

_TABLES = RSDP + 0x100
_ALIGN = 64


class _Room:
    """Lays tables one behind the other."""

    def __init__(self, memory: Memory, start: int) -> None:
        self._memory = memory
        self._next = start

    def add(self, table: bytes) -> int:
        """Store a table; returns its physical address."""
        at, self._next = self._next, self._next + len(table) + _ALIGN - 1 & -_ALIGN
        self._memory.write(at, table)
        return at


def place_tables(memory: Memory, *, serial_ports: int = 1, processors: int = 1) -> None:
    """Put all tables into RAM, for a machine with so many serial ports and processors."""
    room = _Room(memory, _TABLES)
    fadt = acpi.fadt(room.add(acpi.facs()), room.add(acpi.dsdt(serial_ports)))
    tables = [room.add(fadt), room.add(acpi.madt(processors))]
    memory.write(RSDP, acpi.rsdp(room.add(acpi.rsdt(tables)), room.add(acpi.xsdt(tables))))
    memory.write(MP_POINTER, mp.floating_pointer(room.add(mp.configuration(processors))))

"""PCI configuration mechanism 1 of a machine without a PCI bus: address at 0xcf8, data at 0xcfc (PCI 2.1, 3.2.2.3.2).

No device answers, so all data read as ones.  Bytes written to 0xcf9 are for the reset control register.
"""

from __future__ import annotations

from collections.abc import Callable

from machine.fields import Fields, SavedByFields, number

CONFIGURATION, RESET_CONTROL = 0xCF8, 0xCF9
ADDRESS_BITS = 0x80FFFFFC

RESET_SYSTEM, RESET_CPU, RESET_FULL = 0x02, 0x04, 0x08
"""Bits of the reset control register: hard rather than soft, now, with a power cycle (Intel 82371SB data sheet)."""


class PciConfiguration(SavedByFields):
    """Eight ports: the address register is reached by 32-bit accesses alone.  ``reset`` restarts the machine."""

    FIELDS = Fields("PCI configuration", address=number(ADDRESS_BITS), control=number(14))
    width = 4

    def __init__(self, reset: Callable[[], None]) -> None:
        self._reset = reset
        self.address = 0
        self.control = 0

    def read_port(self, offset: int, size: int) -> int:
        """The address, the reset control register, or what an empty bus answers."""
        if (offset, size) == (0, 4):
            return self.address
        if (offset, size) == (RESET_CONTROL - CONFIGURATION, 1):
            return self.control
        return (1 << 8 * size) - 1

    def write_port(self, offset: int, value: int, size: int) -> None:
        """Keep the address; restart when the reset control register's bit 2 goes up."""
        if (offset, size) == (0, 4):
            self.address = value & ADDRESS_BITS
        elif (offset, size) == (RESET_CONTROL - CONFIGURATION, 1):
            rising = value & ~self.control & RESET_CPU
            self.control = value & (RESET_SYSTEM | RESET_CPU | RESET_FULL)
            if rising:
                self._reset()

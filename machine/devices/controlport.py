"""System control port A at 0x92: fast reset and fast A20 (IBM PS/2 Hardware Interface Technical Reference)."""

from __future__ import annotations

from collections.abc import Callable

from machine.fields import Fields, SavedByFields, number

CONTROL_PORT_A = 0x92
FAST_RESET, FAST_A20 = 0x01, 0x02


class ControlPortA(SavedByFields):
    """Bit 0 going up restarts the machine; bit 1, address line 20, is always on.  ``reset`` does the former."""

    FIELDS = Fields("port 0x92", _latch=number(0xFF))
    width = 1

    def __init__(self, reset: Callable[[], None]) -> None:
        self._reset = reset
        self._latch = 0

    def read_port(self, offset: int, size: int) -> int:
        """What was written, with A20 on."""
        return self._latch | FAST_A20

    def write_port(self, offset: int, value: int, size: int) -> None:
        """Keep the bits."""
        rising = value & ~self._latch & FAST_RESET
        self._latch = value
        if rising:
            self._reset()

"""The MC146818 clock and CMOS RAM at ports 0x70-0x71.

The date at power-on is fixed and runs with virtual time: no host time reaches the guest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from machine.clock import NANOSECONDS, Clock
from machine.fields import Fields, SavedByFields, number, raw

POWER_ON = datetime(2020, 1, 1, tzinfo=UTC)
"""The guest's date at virtual time 0."""

STATUS_A, STATUS_B, STATUS_C, STATUS_D = 10, 11, 12, 13
B_24_HOURS, B_BINARY = 2, 4
D_VALID = 0x80
CENTURY = 0x32

_FIELDS: dict[int, Callable[[datetime], int]] = {
    0: lambda t: t.second,
    2: lambda t: t.minute,
    4: lambda t: t.hour,
    6: lambda t: t.isoweekday() % 7 + 1,
    7: lambda t: t.day,
    8: lambda t: t.month,
    9: lambda t: t.year % 100,
    CENTURY: lambda t: t.year // 100,
}


class Rtc(SavedByFields):
    """Index at port 0, data at port 1; ``memory`` is the 128 bytes of CMOS RAM."""

    FIELDS = Fields("CMOS", _index=number(0x7F), memory=raw(128, 128))
    width = 1

    def __init__(self, clock: Clock, ram_size: int) -> None:
        self._clock = clock
        self._index = 0
        self.memory = bytearray(128)
        self.memory[STATUS_A] = 0x26
        self.memory[STATUS_B] = B_24_HOURS
        extended = min((ram_size >> 10) - 1024, 0xFFFF)  # KiB above 1 MiB
        above_16m = min(max((ram_size >> 16) - 256, 0), 0xFFFF)  # 64 KiB units above 16 MiB
        for at, value in ((0x15, 640), (0x17, extended), (0x30, extended), (0x34, above_16m)):
            self.memory[at : at + 2] = value.to_bytes(2, "little")

    def read_port(self, offset: int, size: int) -> int:
        """The byte at the index; time fields from virtual time, in BCD unless register B says binary."""
        if offset == 0:
            return 0xFF
        if self._index in _FIELDS:
            now = POWER_ON + timedelta(seconds=self._clock.now() // NANOSECONDS)
            value = _FIELDS[self._index](now)
            return value if self.memory[STATUS_B] & B_BINARY else value // 10 << 4 | value % 10
        return D_VALID if self._index == STATUS_D else self.memory[self._index]

    def write_port(self, offset: int, value: int, size: int) -> None:
        """Select a byte (bit 7 masks NMI and selects nothing), or store it; the clock cannot be set."""
        if offset == 0:
            self._index = value & 0x7F
        elif self._index not in _FIELDS and self._index not in (STATUS_C, STATUS_D):
            self.memory[self._index] = value

"""INT 12h and the memory functions of INT 15h (ACPI specification, chapter 15; Ralf Brown's list, 15/88, 15/E801)."""

from __future__ import annotations

import struct

from machine.bios.call import Call, Data
from machine.boot.layout import HIGH_START, memory_map

SMAP = 0x534D4150
ENTRY = 20
"""Bytes of an address range descriptor."""

_16M = 16 << 20
_CAP = 63 << 10
"""KiB that function 88 reports at most."""


def low_memory(call: Call) -> None:
    """INT 12h: KiB of conventional memory in AX."""
    call["ax"] = Data(call.machine).read(Data.LOW_MEMORY)


def query_map(call: Call) -> None:
    """E820: one range of the memory map to ES:DI; EBX goes from entry to entry, 0 at both ends."""
    ranges, index = memory_map(call.machine.memory), call["ebx"]
    if call["edx"] != SMAP or call["ecx"] < ENTRY or index >= len(ranges):
        call.fail(0x86)
        return
    call.write("di", struct.pack("<QQI", *ranges[index]))
    call["eax"], call["ecx"], call["ebx"] = SMAP, ENTRY, (index + 1) % len(ranges)
    call.succeed(None)


def extended_memory(call: Call) -> None:
    """E801: KiB from 1 to 16 MiB in AX and CX, blocks of 64 KiB above in BX and DX."""
    size = call.machine.memory.size
    call["ax"] = call["cx"] = min(size, _16M) - HIGH_START >> 10
    call["bx"] = call["dx"] = max(size - _16M, 0) >> 16
    call.succeed(None)


def extended_memory_88(call: Call) -> None:
    """88: KiB from 1 MiB on in AX."""
    call["ax"] = min(call.machine.memory.size - HIGH_START >> 10, _CAP)
    call.succeed(None)

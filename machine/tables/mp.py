"""The tables of Intel's MultiProcessor Specification 1.4, chapter 4, for kernels that know no ACPI."""

from __future__ import annotations

import struct

from machine.cpuid import LEAF_1_EDX, SIGNATURE, feature_bits
from machine.devices import ioapic, localapic
from machine.devices.pic import CASCADE
from machine.devices.pit import TIMER_IRQ
from machine.devices.powermanagement import SCI_IRQ

REVISION = 4
OEM_ID, PRODUCT_ID = b"RNGSCOPE", b"RINGSCOPE   "
HEADER = 44
"""Bytes of the configuration table's header."""

_PROCESSOR, _BUS, _IO_APIC, _INTERRUPT, _LOCAL_INTERRUPT = range(5)
"""Types of an entry."""

_ENABLED, _BOOTSTRAP = 1, 2
_ISA = 0
"""Number of the one bus."""

_INT, _NMI, _EXTINT = 0, 1, 3
"""Types of an interrupt."""

_ACTIVE_HIGH_LEVEL = 1 | 3 << 2
ALL_APICS = 0xFF


def floating_pointer(configuration_at: int) -> bytes:
    """What a search finds; no IMCR: at the start the 8259 pair comes through the local APIC ("virtual wire")."""
    pointer = bytearray(struct.pack("<4sIBBB5x", b"_MP_", configuration_at, 1, REVISION, 0))
    pointer[10] = -sum(pointer) & 0xFF
    return bytes(pointer)


def _interrupts(io_apic: int) -> list[bytes]:
    """How the ISA bus's lines reach the I/O APIC, the 8259 pair its pin 0 and LINT0, and NMI LINT1."""
    entries = []
    for irq in range(16):
        if irq != CASCADE:
            pin = ioapic.TIMER_PIN if irq == TIMER_IRQ else irq
            flags = _ACTIVE_HIGH_LEVEL if irq == SCI_IRQ else 0
            entries.append(struct.pack("<BBHBBBB", _INTERRUPT, _INT, flags, _ISA, irq, io_apic, pin))
    pin = ioapic.EXTERNAL_PIN
    entries.append(struct.pack("<BBHBBBB", _INTERRUPT, _EXTINT, 0, _ISA, 0, io_apic, pin))
    entries.append(struct.pack("<BBHBBBB", _LOCAL_INTERRUPT, _EXTINT, 0, _ISA, 0, ALL_APICS, 0))
    entries.append(struct.pack("<BBHBBBB", _LOCAL_INTERRUPT, _NMI, 0, _ISA, 0, ALL_APICS, 1))
    return entries


def _processor(number: int) -> bytes:
    return struct.pack(
        "<BBBBII8x",
        _PROCESSOR,
        number,
        localapic.VERSION_VALUE & 0xFF,
        _ENABLED | (_BOOTSTRAP if number == localapic.POWER_ON_ID else 0),
        SIGNATURE,
        feature_bits(LEAF_1_EDX),
    )


def configuration(processors: int = 1) -> bytes:
    """The configuration table: processors, one bus, one I/O APIC, and the lines between them."""
    io_apic_id = ioapic.power_on_id(processors)
    bus = struct.pack("<BB6s", _BUS, _ISA, b"ISA   ")
    io_apic = struct.pack("<BBBBI", _IO_APIC, io_apic_id, ioapic.VERSION, _ENABLED, ioapic.IO_APIC)
    entries = [*map(_processor, range(processors)), bus, io_apic, *_interrupts(io_apic_id)]
    body = b"".join(entries)
    start = struct.pack(
        "<4sHBB8s12sIHHIHBx",
        b"PCMP",
        HEADER + len(body),
        REVISION,
        0,
        OEM_ID,
        PRODUCT_ID,
        0,
        0,
        len(entries),
        localapic.LOCAL_APIC,
        0,
        0,
    )
    table = bytearray(start + body)
    table[7] = -sum(table) & 0xFF
    return bytes(table)

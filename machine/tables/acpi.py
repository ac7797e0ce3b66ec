"""The ACPI tables of the machine (ACPI 6.4, 5.2): RSDP, RSDT, XSDT, FADT, MADT, FACS and DSDT."""

from __future__ import annotations

import struct
from typing import NamedTuple

from machine.devices import i8042, ioapic, localapic, pci, pit, powermanagement, rtc, serial
from machine.tables import aml

OEM_ID, OEM_TABLE_ID, CREATOR = b"RNGSCP", b"RINGSCOP", b"RNGS"
HEADER = 36
"""Bytes of a table's header."""

_CHECKSUM = 9


def header(signature: bytes, revision: int, body: bytes) -> bytes:
    """A table: header and body, its bytes adding up to 0."""
    start = struct.pack(
        "<4sIBB6s8sI4sI", signature, HEADER + len(body), revision, 0, OEM_ID, OEM_TABLE_ID, 1, CREATOR, 1
    )
    table = bytearray(start + body)
    table[_CHECKSUM] = -sum(table) & 0xFF
    return bytes(table)


def rsdp(rsdt: int, xsdt: int) -> bytes:
    """The root pointer of ACPI 2 and later: where the other two lie."""
    first = bytearray(struct.pack("<8sB6sBI", b"RSD PTR ", 0, OEM_ID, 2, rsdt))
    first[8] = -sum(first) & 0xFF
    whole = bytearray(bytes(first) + struct.pack("<IQB3x", 36, xsdt, 0))
    whole[32] = -sum(whole) & 0xFF
    return bytes(whole)


def rsdt(tables: list[int]) -> bytes:
    """Addresses of tables, 32 bits wide."""
    return header(b"RSDT", 1, struct.pack(f"<{len(tables)}I", *tables))


def xsdt(tables: list[int]) -> bytes:
    """Addresses of tables, 64 bits wide."""
    return header(b"XSDT", 1, struct.pack(f"<{len(tables)}Q", *tables))


def facs() -> bytes:
    """The firmware control structure: the global lock, free."""
    return struct.pack("<4sIIIIIQB31x", b"FACS", 64, 0, 0, 0, 0, 0, 1)


# Fixed description


class Field(NamedTuple):
    """A field of the FADT: offset and size in bytes."""

    offset: int
    size: int
    value: int


WBINVD, PROC_C1, SLP_BUTTON, FIX_RTC, RESET_REG_SUP = 1 << 0, 1 << 2, 1 << 5, 1 << 6, 1 << 10
"""Flags: WBINVD works, C1 is there; no sleep button, no RTC alarm among the fixed events; the reset register is."""

BOOT_LEGACY, BOOT_8042, BOOT_NO_VGA, BOOT_NO_MSI = 1 << 0, 1 << 1, 1 << 2, 1 << 3

FADT_REVISION, FADT_SIZE = 3, 244
DESKTOP = 1
NO_STATE = 0xFFF
"""A latency that says that C2 or C3 is not there."""

_PM = powermanagement


def _port(address: int, bits: int) -> int:
    """A generic address structure for I/O ports, as a number (ACPI 6.4, 5.2.3.2)."""
    return int.from_bytes(struct.pack("<BBBBQ", 1, bits, 0, 0, address), "little")


def fadt(facs_at: int, dsdt_at: int) -> bytes:
    """Where the fixed hardware is."""
    # fmt: off
    fields = (
        # FIRMWARE_CTRL, DSDT, X_DSDT, profile, SCI_INT
        Field(36, 4, facs_at), Field(40, 4, dsdt_at), Field(140, 8, dsdt_at), Field(45, 1, DESKTOP),
        Field(46, 2, _PM.SCI_IRQ),
        # PM1a event, PM1a control, PM timer: addresses, lengths, generic addresses
        Field(56, 4, _PM.PM1A_EVENT),   Field(88, 1, 4), Field(148, 12, _port(_PM.PM1A_EVENT, 32)),
        Field(64, 4, _PM.PM1A_CONTROL), Field(89, 1, 2), Field(172, 12, _port(_PM.PM1A_CONTROL, 16)),
        Field(76, 4, _PM.PM_TIMER),     Field(91, 1, 4), Field(208, 12, _port(_PM.PM_TIMER, 32)),
        # latencies of C2 and C3, CENTURY, IAPC_BOOT_ARCH, flags
        Field(96, 2, NO_STATE), Field(98, 2, NO_STATE), Field(108, 1, rtc.CENTURY),
        Field(109, 2, BOOT_LEGACY | BOOT_8042 | BOOT_NO_VGA | BOOT_NO_MSI),
        Field(112, 4, WBINVD | PROC_C1 | SLP_BUTTON | FIX_RTC | RESET_REG_SUP),
        # RESET_REG and RESET_VALUE
        Field(116, 12, _port(pci.RESET_CONTROL, 8)), Field(128, 1, pci.RESET_SYSTEM | pci.RESET_CPU),
    )
    # fmt: on
    table = bytearray(FADT_SIZE)
    for offset, size, value in fields:
        table[offset : offset + size] = value.to_bytes(size, "little")
    return header(b"FACP", FADT_REVISION, bytes(table[HEADER:]))


# Interrupt controllers

PCAT_COMPAT = 1
"""The 8259 pair is there too."""

ACTIVE_HIGH, LEVEL = 1 << 0, 3 << 2
"""Flags of an override; 0 means what the bus does, which for ISA is edge and active high."""

ANY_PROCESSOR, LINT1 = 0xFF, 1


def madt(processors: int = 1) -> bytes:
    """The local APICs, the I/O APIC, and how the ISA bus's lines reach it where that is not by their own number."""
    entries = (
        *(struct.pack("<BBBBI", 0, 8, number, number, 1) for number in range(processors)),
        struct.pack("<BBBBII", 1, 12, ioapic.power_on_id(processors), 0, ioapic.IO_APIC, 0),
        struct.pack("<BBBBIH", 2, 10, 0, pit.TIMER_IRQ, ioapic.TIMER_PIN, 0),
        struct.pack("<BBBBIH", 2, 10, 0, _PM.SCI_IRQ, _PM.SCI_IRQ, ACTIVE_HIGH | LEVEL),
        struct.pack("<BBBHB", 4, 6, ANY_PROCESSOR, 0, LINT1),
    )
    return header(b"APIC", 3, struct.pack("<II", localapic.LOCAL_APIC, PCAT_COMPAT) + b"".join(entries))


# Differentiated description


class Part(NamedTuple):
    """A device of the mainboard: its name, its EISA identifier, its ports as (first, count), its IRQ.

    ``unit`` tells devices of one identifier apart.
    """

    name: str
    identifier: str
    ports: tuple[tuple[int, int], ...]
    irq: int | None = None
    unit: int | None = None


# fmt: off
PARTS = (
    Part("PIC",  "PNP0000", ((0x20, 2), (0xA0, 2), (0x4D0, 2)), 2),
    Part("TMR",  "PNP0100", ((0x40, 4),), pit.TIMER_IRQ),
    Part("SPKR", "PNP0800", ((0x61, 1),)),
    Part("KBD",  "PNP0303", ((i8042.DATA, 1), (i8042.COMMAND, 1)), i8042.KEYBOARD_IRQ),
    Part("RTC",  "PNP0B00", ((0x70, 2),)),
)
# fmt: on
SERIAL_PORTS = tuple(
    Part(row.name, "PNP0501", ((row.base, 8),), row.irq, unit) for unit, row in enumerate(serial.PORTS, 1)
)


def _part(part: Part) -> bytes:
    lines = [aml.interrupt(part.irq)] if part.irq is not None else []
    unit = [aml.name("_UID", aml.integer(part.unit))] if part.unit is not None else []
    return aml.device(
        part.name,
        (
            aml.name("_HID", aml.eisa_id(part.identifier)),
            *unit,
            aml.name("_CRS", aml.resources(*(aml.ports(*run) for run in part.ports), *lines)),
        ),
    )


def dsdt(serial_ports: int) -> bytes:
    """The one sleep state, S5, and the devices on the mainboard, with so many serial ports."""
    sleep_type = aml.integer(powermanagement.SLEEP_TYPE_S5)
    s5 = aml.name("\\_S5", aml.package(sleep_type, sleep_type, aml.integer(0), aml.integer(0)))
    return header(b"DSDT", 2, s5 + aml.scope("\\_SB", map(_part, PARTS + SERIAL_PORTS[:serial_ports])))

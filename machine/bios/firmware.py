"""Puts the firmware into a machine: stubs at F000, vectors at 0, the data area at 400h, timer and 8259s set up.

A stub is an OUT to a port of its own, by which the host does the service, and an IRET.  The entry points are those of
the IBM PC, which old programs know by heart.  All that services remember is in guest memory.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from machine.bios import memory, services, video
from machine.bios.call import Call, Data
from machine.bios.screen import COLUMNS, MODE, ROWS, Screen
from machine.boot.layout import LOW_END
from machine.delivery.segments import CR0_PE
from machine.devices.serial import PORTS as SERIAL_PORTS
from machine.fields import Fields, SavedByFields
from machine.machine import Machine

SEGMENT = 0xF000
NAME = "firmware"
"""The device's name in `Machine.devices`."""

PORT = 0xB0
"""The first port of the stubs: one for each row of `ENTRIES`, in order."""

IRET, RESET = 0xFF53, 0xFFF0
END_MASTER, END_SLAVE = 0xFF23, 0xFF30
MODEL_AT = 0xFC

EQUIPMENT = 0x0022
"""INT 11h's word but for bits 11:9, the number of serial ports: x87, 80 columns in colour."""

_IRET = b"\xcf"
_INT_1C = b"\xcd\x1c"
# push %ax; mov $0x20, %al; out %al, $0xa0; out %al, $0x20; pop %ax; iret
_END_MASTER = bytes.fromhex("50 b0 20 e6 20 58 cf")
_END_SLAVE = bytes.fromhex("50 b0 20 e6 a0 e6 20 58 cf")
_HALT = bytes.fromhex("fa f4 eb fc")  # cli; 1: hlt; jmp 1b


class Entry(NamedTuple):
    """A service: its vector, where its stub lies in the segment, what the host does, and the stub's last bytes."""

    vector: int
    offset: int
    service: services.Function
    tail: bytes = _IRET


# fmt: off
ENTRIES = (
    Entry(0x08, 0xFEA5, services.tick, _INT_1C + _IRET),
    Entry(0x10, 0xF065, video.answer),
    Entry(0x11, 0xF84D, services.equipment),
    Entry(0x12, 0xF841, memory.low_memory),
    Entry(0x13, 0xE3FE, services.disk),
    Entry(0x15, 0xF859, services.system),
    Entry(0x16, 0xE82E, services.keyboard),
    Entry(0x1A, 0xFE6E, services.time),
)

_BIOS_DATA = (
    # offset                 bytes  value
    (Data.EBDA_SEGMENT,      2,     LOW_END >> 4),
    (Data.LOW_MEMORY,        2,     LOW_END >> 10),
    (Data.MODE,              1,     MODE),
    (Data.COLUMNS,           2,     COLUMNS),
    (Data.PAGE_LENGTH,       2,     0x1000),
    (Data.SHAPE,             2,     0x0607),
    (Data.CRT_PORT,          2,     0x3D4),
    (Data.ROWS,              1,     ROWS - 1),
    (Data.CHARACTER_HEIGHT,  2,     16),
)

_POWER_ON = (
    # port  values: 8254 channel 0 at 18.2 Hz; then, so that its first edge is forgotten, 8259s at vectors 8 and 70h
    # with all but timer and cascade masked
    (0x43, (0x36,)), (0x40, (0, 0)),
    (0x20, (0x11,)), (0x21, (0x08, 0x04, 0x01, 0xFA)),
    (0xA0, (0x11,)), (0xA1, (0x70, 0x02, 0x01, 0xFF)),
)
# fmt: on


class Firmware(SavedByFields):
    """The port device behind the stubs."""

    FIELDS = Fields("firmware")
    width = 1

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def read_port(self, offset: int, size: int) -> int:
        """Nothing is there to read."""
        return 0xFF

    def write_port(self, offset: int, value: int, size: int) -> None:
        """A stub was called: do its service.  Outside real mode nothing has a frame to answer into."""
        call = Call(self._machine)
        if not call.cpu.state.front.cr[0] & CR0_PE:
            ENTRIES[offset].service(call)


def attach(machine: Machine) -> None:
    """Let the host answer the stubs of a machine whose memory holds them."""
    machine.attach(NAME, Firmware(machine), PORT, len(ENTRIES))


def install(machine: Machine) -> None:
    """Make a new machine one that firmware has started; the processor is not touched."""
    attach(machine)
    _place_code(machine)
    _place_vectors(machine)
    data = Data(machine)
    for offset, length, value in _BIOS_DATA:
        data.write(offset, value, length)
    data.write(Data.EQUIPMENT, EQUIPMENT | len(machine.serial_ports) << 9, 2)
    for number, row in enumerate(SERIAL_PORTS[: len(machine.serial_ports)]):
        data.write(Data.SERIAL_PORTS + 2 * number, row.base, 2)
    machine.memory.write(LOW_END, b"\x01")  # the extended data area's KiB
    Screen(machine).clear()
    for port, values in _POWER_ON:
        for value in values:
            machine.ports.write(port, value, 1)


def _place_code(machine: Machine) -> None:
    def place(offset: int, code: bytes) -> None:
        machine.memory.write((SEGMENT << 4) + offset, code)

    for number, entry in enumerate(ENTRIES):
        place(entry.offset, bytes((0xE6, PORT + number)) + entry.tail)
    place(IRET, _IRET)
    place(END_MASTER, _END_MASTER)
    place(END_SLAVE, _END_SLAVE)
    place(RESET, _HALT)
    place(0xFFF5, b"01/01/20\0" + bytes([MODEL_AT]))


def _place_vectors(machine: Machine) -> None:
    offsets = dict.fromkeys(range(256), IRET)
    offsets |= dict.fromkeys(range(0x09, 0x10), END_MASTER) | dict.fromkeys(range(0x70, 0x78), END_SLAVE)
    offsets |= {entry.vector: entry.offset for entry in ENTRIES}
    machine.memory.write(0, b"".join(struct.pack("<HH", offsets[vector], SEGMENT) for vector in range(256)))

"""ACPI: the tables as a kernel finds them, the encoder of their code, and the fixed hardware behind its ports."""

import struct

import pytest

from machine.clock import Clock
from machine.devices.powermanagement import TIMER_HZ, PowerManagement
from machine.memory import Memory
from machine.stop import Exited
from machine.tables import acpi, aml
from machine.tables.place import MP_POINTER, RSDP, place_tables
from tests.machine.bare import Bare

SECOND = 1_000_000_000


# Tables


@pytest.fixture(scope="module")
def memory():
    memory = Memory(1 << 20)
    place_tables(memory)
    return memory


def table(memory, address):
    (length,) = struct.unpack("<I", memory.read(address + 4, 4))
    return memory.read(address, length)


def find_rsdp(memory):
    """As ACPI 5.2.5.1 says: on a 16-byte boundary from E0000h on, its first 20 bytes adding up to 0."""
    for address in range(0xE0000, 0x100000, 16):
        if memory.read(address, 8) == b"RSD PTR " and sum(memory.read(address, 20)) & 0xFF == 0:
            return address
    return None


def root(memory):
    pointer = memory.read(RSDP, 36)
    return struct.unpack_from("<I", pointer, 16)[0], struct.unpack_from("<Q", pointer, 24)[0]


def tables(memory):
    """By signature, from the XSDT."""
    listed = table(memory, root(memory)[1])
    found = [table(memory, at) for at in struct.unpack(f"<{(len(listed) - 36) // 8}Q", listed[36:])]
    return {each[:4]: each for each in found}


def test_the_root_pointer_is_found(memory):
    assert find_rsdp(memory) == RSDP
    assert sum(memory.read(RSDP, 36)) & 0xFF == 0
    assert memory.read(RSDP + 15, 1) == b"\x02"


def test_both_roots_list_the_same_tables(memory):
    rsdt, xsdt = (table(memory, at) for at in root(memory))
    assert (rsdt[:4], xsdt[:4]) == (b"RSDT", b"XSDT")
    narrow = struct.unpack(f"<{(len(rsdt) - 36) // 4}I", rsdt[36:])
    assert narrow == struct.unpack(f"<{(len(xsdt) - 36) // 8}Q", xsdt[36:])


def test_checksums(memory):
    fadt = tables(memory)[b"FACP"]
    dsdt = table(memory, struct.unpack_from("<I", fadt, 40)[0])
    checked = [*tables(memory).values(), dsdt, *(table(memory, at) for at in root(memory))]
    assert all(sum(each) & 0xFF == 0 for each in checked)
    assert dsdt[:4] == b"DSDT"


def test_the_fadt_names_the_hardware(memory):
    fadt = tables(memory)[b"FACP"]
    assert len(fadt) == 244
    (facs,) = struct.unpack_from("<I", fadt, 36)
    assert facs % 64 == 0 and memory.read(facs, 4) == b"FACS"
    assert struct.unpack_from("<H", fadt, 46) == (9,), "SCI"
    assert [struct.unpack_from("<I", fadt, at)[0] for at in (56, 64, 76)] == [0x600, 0x604, 0x608]
    assert fadt[116:129] == bytes.fromhex("01 08 00 00 f9 0c 00 00 00 00 00 00 06"), "reset: 6 to port 0xcf9"


def test_the_madt_names_both_controllers(memory):
    body = tables(memory)[b"APIC"][36:]
    assert struct.unpack_from("<II", body) == (0xFEE00000, 1)
    entries, at = [], 8
    while at < len(body):
        entries.append(body[at : at + body[at + 1]])
        at += body[at + 1]
    assert [entry.hex() for entry in entries] == [
        "0008000001000000",  # processor 0, APIC 0, enabled
        "010c01000000c0fe00000000",  # I/O APIC 1, inputs from 0
        "020a0000020000000000",  # IRQ 0 is input 2
        "020a0009090000000d00",  # the SCI is a level, active high
        "0406ff000001",  # NMI at LINT1 of all
    ]


# MultiProcessor tables


def test_the_floating_pointer_is_found(memory):
    """As MP 4.1 says: on a 16-byte boundary in the BIOS's 64 KiB, its 16 bytes adding up to 0."""
    found = [at for at in range(0xF0000, 0x100000, 16) if memory.read(at, 4) == b"_MP_"]
    assert found == [MP_POINTER]
    assert sum(memory.read(MP_POINTER, 16)) & 0xFF == 0
    assert memory.read(MP_POINTER + 8, 8)[:2] == b"\x01\x04"


def test_the_configuration_table(memory):
    (at,) = struct.unpack_from("<I", memory.read(MP_POINTER, 16), 4)
    (length,) = struct.unpack("<H", memory.read(at + 4, 2))
    table = memory.read(at, length)
    assert table[:4] == b"PCMP" and sum(table) & 0xFF == 0
    assert struct.unpack_from("<I", table, 36) == (0xFEE00000,)
    kinds, where = [], 44
    for _ in range(*struct.unpack_from("<H", table, 34)):
        kinds.append(table[where])
        where += 20 if table[where] == 0 else 8
    assert where == length
    assert kinds == [0, 1, 2, *[3] * 16, 4, 4]
    lines = [table[at : at + 8] for at in range(44 + 36, length, 8)]
    assert [line.hex() for line in lines[:3]] == ["0300000000000102", "0300000000010101", "0300000000030103"]
    assert "03000d0000090109" in [line.hex() for line in lines]
    assert [line.hex() for line in lines[-3:]] == ["0303000000000100", "040300000000ff00", "040100000000ff01"]


# Machine language


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (aml.integer(0), "00"),
        (aml.integer(1), "01"),
        (aml.integer(2), "0a02"),
        (aml.integer(0x1234), "0b3412"),
        (aml.integer(0x12345678), "0c78563412"),
        (aml.string("AB"), "0d414200"),
        (aml.eisa_id("PNP0303"), "0c41d00303"),
        (aml.name("\\_S5", aml.package(aml.integer(5), aml.integer(0))), "085c5f53355f 1205020a0500"),
        (aml.device("KBD", [aml.name("_UID", aml.integer(1))]), "5b820b 4b42445f 085f55494401"),
        (aml.scope("\\_SB", []), "10065c5f53425f"),
        (aml.ports(0x3F8, 8), "4701f803f8030108"),
        (aml.interrupt(4), "23100001"),
        (aml.resources(), "11050a02 7900"),
    ],
)
def test_encoding(encoded, expected):
    assert encoded == bytes.fromhex(expected)


@pytest.mark.parametrize("size", [0, 50, 60, 61, 62, 63, 64, 4000, 4090, 4093, 4094, 5000, 1 << 20])
def test_lengths_count_themselves(size):
    encoded = aml.scope("ABCD", [bytes(size)])[1:]
    more = encoded[0] >> 6
    value = encoded[0] & 0x3F if not more else encoded[0] & 0xF | int.from_bytes(encoded[1 : 1 + more], "little") << 4
    assert value == len(encoded)


def test_an_object_has_a_limit():
    with pytest.raises(ValueError, match="too many"):
        aml.scope("ABCD", [bytes(1 << 28)])


# Fixed hardware


class Hardware:
    """The registers, on a clock that the test moves."""

    def __init__(self):
        self.at, self.line, self.ended = 0, False, 0
        self.clock = Clock(lambda: self.at)
        self.chip = PowerManagement(self.clock, self._interrupt, self._power_off)

    def _interrupt(self, level):
        self.line = level

    def _power_off(self):
        self.ended += 1

    def read(self, offset, size):
        return sum(self.chip.read_port(offset + at, 1) << 8 * at for at in range(size))

    def write(self, offset, value, size=2):
        for at in range(size):
            self.chip.write_port(offset + at, value >> 8 * at & 0xFF, 1)

    def go(self, nanoseconds):
        self.at += nanoseconds
        self.clock.run_due(self.at)


@pytest.fixture
def hardware():
    return Hardware()


def test_the_timer_counts_virtual_time(hardware):
    hardware.go(SECOND)
    assert hardware.read(8, 4) == TIMER_HZ
    hardware.go(4 * SECOND)
    assert hardware.read(8, 4) == 5 * TIMER_HZ % (1 << 24)


def test_the_timers_event(hardware):
    half = -(-(1 << 23) * SECOND // TIMER_HZ)
    hardware.write(2, 1)
    hardware.go(half - 1)
    assert (hardware.read(0, 2), hardware.line) == (0, False)
    hardware.go(1)
    assert (hardware.read(0, 2), hardware.line) == (1, True)
    hardware.write(0, 1)
    assert (hardware.read(0, 2), hardware.line) == (0, False)
    hardware.go(half)
    assert hardware.line
    hardware.write(2, 0)
    assert not hardware.line and hardware.read(0, 2) == 1


def test_the_power_button(hardware):
    hardware.chip.press_power_button()
    assert (hardware.read(0, 2), hardware.line) == (0x100, False)
    hardware.write(2, 0xFFFF)
    assert (hardware.read(2, 2), hardware.line) == (0x521, True), "bits that are events"
    hardware.write(0, 0x100)
    assert not hardware.line


def test_control(hardware):
    assert hardware.read(4, 2) == 1, "ACPI mode is on"
    hardware.write(4, 0x1402)
    assert hardware.read(4, 2) == 0x1403
    hardware.write(4, 0x2400 | 0x400)  # SLP_EN with another type of sleep
    assert not hardware.ended
    hardware.write(4, 0x3400)
    assert hardware.ended == 1
    assert not hardware.read(4, 2) & 0x2000


def test_s5_ends_the_machine():
    guest = Bare().kernel("movw $0x604, %dx; movw $0x3400, %ax; outw %ax, %dx; 1: jmp 1b")
    assert guest.run() == Exited(0)


def test_edge_or_level():
    guest = Bare()
    pic, ports = guest.machine.pic, guest.machine.ports
    ports.write(0x4D0, 0xFFFF, 2)
    assert ports.read(0x4D0, 2) == 0xDEF8, "timer, keyboard, cascade, clock, coprocessor stay edges"
    ports.write(0x4D0, 0x0200, 2)
    for port, values in ((0xA0, (0x11,)), (0xA1, (0x38, 2, 1, 0)), (0x20, (0x11,)), (0x21, (0x30, 4, 1, 0))):
        for value in values:
            ports.write(port, value, 1)
    pic.set_irq(9, True)
    assert pic.acknowledge() == 0x39
    ports.write(0xA0, 0x20, 1)
    ports.write(0x20, 0x20, 1)
    assert pic.pending(), "the line is still high"
    pic.set_irq(9, False)
    assert not pic.pending()


def test_identifiers_fit_the_tables():
    assert acpi.header(b"TEST", 1, b"")[10:32] == b"RNGSCPRINGSCOP\x01\0\0\0RNGS"

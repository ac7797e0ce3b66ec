"""The ATA disk by its ports alone, and in a machine that is saved."""

import pytest

from machine.devices.ata import (
    ABRT,
    CONTROL,
    COUNT,
    DATA,
    DEVICE,
    DEVICE_1,
    DEVICE_LBA,
    DRDY,
    DRQ,
    DSC,
    ERR,
    ERROR,
    IDNF,
    LBA_HIGH,
    LBA_LOW,
    LBA_MID,
    NIEN,
    SECTOR,
    SECTORS,
    SRST,
    STATUS,
    AtaDisk,
)
from machine.errors import Error

READ, WRITE, FLUSH, IDENTIFY, UNKNOWN = 0x20, 0x30, 0xE7, 0xEC, 0xB0
READY = DRDY | DSC


@pytest.fixture
def lines():
    return []


@pytest.fixture
def disk(lines):
    return AtaDisk(lines.append)


def command(disk, number, lba=0, count=1):
    for register, value in (
        (DEVICE, DEVICE_LBA | lba >> 24),
        (COUNT, count & 0xFF),
        (LBA_LOW, lba & 0xFF),
        (LBA_MID, lba >> 8 & 0xFF),
        (LBA_HIGH, lba >> 16 & 0xFF),
        (STATUS, number),
    ):
        disk.write_port(register, value, 1)


def take(disk, sectors=1, size=4):
    return b"".join(disk.read_port(DATA, size).to_bytes(size, "little") for _ in range(sectors * SECTOR // size))


def give(disk, data, size=4):
    for at in range(0, len(data), size):
        disk.write_port(DATA, int.from_bytes(data[at : at + size], "little"), size)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_what_is_written_is_read(disk, size):
    data = bytes(range(256)) * 4
    command(disk, WRITE, SECTORS - 2, 2)
    assert disk.read_port(STATUS, 1) == READY | DRQ
    give(disk, data, size)
    assert disk.read_port(STATUS, 1) == READY
    command(disk, READ, SECTORS - 2, 2)
    assert take(disk, 2, size) == data
    assert disk.read_port(STATUS, 1) == READY
    assert disk.read_port(DATA, 4) == 0, "no more"


def test_a_count_of_0_is_256_sectors(disk):
    command(disk, READ, 0, 0)
    assert take(disk, 255) == bytes(255 * SECTOR)
    assert disk.read_port(STATUS, 1) == READY | DRQ
    take(disk)
    assert disk.read_port(STATUS, 1) == READY


def test_cylinders_heads_and_sectors(disk):
    command(disk, WRITE, 16 * 63 + 2 * 63 + 4)
    give(disk, b"x" * SECTOR)
    for register, value in ((DEVICE, 2), (COUNT, 1), (LBA_LOW, 5), (LBA_MID, 1), (LBA_HIGH, 0), (STATUS, READ)):
        disk.write_port(register, value, 1)
    assert take(disk) == b"x" * SECTOR


@pytest.mark.parametrize(("number", "lba", "count", "error"), [
    (READ, SECTORS, 1, IDNF), (WRITE, SECTORS - 1, 2, IDNF), (READ, (1 << 28) - 1, 0, IDNF), (UNKNOWN, 0, 1, ABRT),
])  # fmt: skip
def test_errors(disk, lines, number, lba, count, error):
    command(disk, number, lba, count)
    assert lines[-1] is True
    assert disk.read_port(STATUS, 1) == READY | ERR
    assert disk.read_port(ERROR, 1) == error
    command(disk, FLUSH)
    assert disk.read_port(STATUS, 1) == READY


def test_identification(disk):
    command(disk, IDENTIFY)
    words = take(disk)
    assert int.from_bytes(words[120:124], "little") == SECTORS
    model = bytes(words[54 + (at ^ 1)] for at in range(40))
    assert model == b"ringscope disk".ljust(40)


def test_interrupts(disk, lines):
    command(disk, READ, 0, 2)
    assert lines[-1] is True
    disk.read_port(CONTROL, 1)
    assert lines[-1] is True, "the alternate status leaves it"
    disk.read_port(STATUS, 1)
    assert lines[-1] is False
    take(disk)
    assert lines[-1] is True, "the next sector"
    disk.write_port(CONTROL, NIEN, 1)
    lines.clear()
    command(disk, IDENTIFY)
    assert True not in lines


def test_there_is_no_device_1(disk):
    disk.write_port(DEVICE, DEVICE_LBA | DEVICE_1, 1)
    assert disk.read_port(STATUS, 1) == 0
    disk.write_port(STATUS, IDENTIFY, 1)
    assert disk.read_port(STATUS, 1) == 0 and disk.read_port(DATA, 4) == 0


def test_a_reset_ends_what_was_going_on(disk):
    command(disk, WRITE, 3)
    disk.write_port(CONTROL, SRST, 1)
    disk.write_port(CONTROL, 0, 1)
    assert [disk.read_port(register, 1) for register in (COUNT, LBA_LOW, LBA_MID, LBA_HIGH)] == [1, 1, 0, 0]
    give(disk, b"x" * SECTOR)
    assert disk.sector(3) == bytes(SECTOR)


def test_saved_in_the_middle(disk, lines):
    command(disk, WRITE, 7, 2)
    give(disk, b"a" * SECTOR + b"b" * 100)
    other = AtaDisk(lines.append)
    other.load(disk.save())
    give(other, b"c" * 412)
    assert other.sector(7) == b"a" * SECTOR
    assert other.sector(8) == b"b" * 100 + b"c" * 412
    give_zeros = other.save()["sectors"]
    command(other, WRITE, 7)
    give(other, bytes(SECTOR))
    assert len(other.save()["sectors"]) == len(give_zeros) - 1, "zeros are as if never written"


def test_a_wrong_state_is_refused(disk):
    state = disk.save()
    for name, value in (("at", 513), ("sectors", [[SECTORS, "00" * SECTOR]]), ("registers", "00")):
        with pytest.raises(Error, match=name):
            disk.load({**state, name: value})

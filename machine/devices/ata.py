"""An ATA disk on the primary channel, ports 0x1f0-0x1f7 and 0x3f6, by programmed I/O (ATA-4: T13/1153D).

Its sectors are in memory: zeros at power-on, kept by snapshots, never in a file of the host. Commands take no virtual
time: a driver that polls never sees BSY.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import pack_into

from machine.fields import Fields, Kind, SavedByFields, flag, number, raw, row, several

COMMAND_BLOCK, CONTROL_BLOCK, DISK_IRQ = 0x1F0, 0x3F6, 14
SECTOR, SECTORS = 512, 32 << 11
"""Bytes of a sector; sectors of the disk, 32 MiB."""

HEADS, SECTORS_PER_TRACK = 16, 63
CYLINDERS = SECTORS // (HEADS * SECTORS_PER_TRACK)

# Registers of the command block by their port, and device control behind them.
DATA, ERROR, COUNT, LBA_LOW, LBA_MID, LBA_HIGH, DEVICE, STATUS = range(8)
CONTROL = 8

ERR, DRQ, DSC, DRDY = 0x01, 0x08, 0x10, 0x40
ABRT, IDNF = 0x04, 0x10
DEVICE_LBA, DEVICE_1 = 0x40, 0x10
NIEN, SRST = 0x02, 0x04

_BYTES = raw(SECTOR, SECTOR)
_SECTOR = row(lambda *it: it, number(SECTORS - 1), Kind(_BYTES.save, lambda it, _, where: _BYTES.load(it, b"", where)))
_FIELDS = Fields(
    "disk",
    _registers=raw(8, 8),
    _control=number(0xFF),
    _buffer=raw(SECTOR),
    _at=number(SECTOR),
    _writing=flag,
    _lba=number(1 << 28),
    _left=number(256),
    _sectors=several(_SECTOR, SECTORS),
)


class AtaDisk(SavedByFields):
    """Offsets 0 to 7 are the command block, offset 8 the control block; there is no device 1."""

    FIELDS = _FIELDS
    width = 4

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        self._interrupt = interrupt
        self._disk: dict[int, bytes] = {}
        self._reset()

    @property
    def _sectors(self) -> list[tuple[int, bytes]]:
        """The sectors that are not zeros, in order."""
        return sorted(self._disk.items())

    @_sectors.setter
    def _sectors(self, sectors: list[tuple[int, bytes]]) -> None:
        self._disk = dict(sectors)

    def sector(self, lba: int) -> bytes:
        """What is on the disk; nothing changes."""
        return self._disk.get(lba, bytes(SECTOR))

    def _reset(self) -> None:
        """As after power-on: the signature of a disk in the registers."""
        self._registers = bytearray((0, 1, 1, 1, 0, 0, 0, DRDY | DSC))
        self._control = 0
        self._buffer = bytearray()
        self._at = self._lba = self._left = 0
        self._writing = False

    def read_port(self, offset: int, size: int) -> int:
        """A register; data of up to 4 bytes. Reading the status takes the interrupt back."""
        if offset == DATA:
            return self._read_data(size)
        if self._registers[DEVICE] & DEVICE_1:
            return 0
        if offset == STATUS:
            self._interrupt(False)
        return self._registers[STATUS if offset == CONTROL else offset]

    def write_port(self, offset: int, value: int, size: int) -> None:
        """Set a register, give data or a command."""
        value &= 0xFFFFFFFF if offset == DATA else 0xFF
        if offset == DATA:
            self._write_data(value, size)
        elif offset == CONTROL:
            self._write_control(value)
        elif offset == STATUS:
            self._command(value)
        elif offset != ERROR:  # features: none
            self._registers[offset] = value

    def _write_control(self, value: int) -> None:
        if value & SRST:
            self._reset()
        self._control = value
        if value & NIEN:
            self._interrupt(False)

    def _command(self, command: int) -> None:
        self._interrupt(False)
        if self._registers[DEVICE] & DEVICE_1:
            return
        self._registers[STATUS] = DRDY | DSC
        self._registers[ERROR] = 0
        self._buffer, self._at, self._left = bytearray(), 0, 0
        # fmt: off
        {
            0x20: self._begin_read,  0x21: self._begin_read,
            0x30: self._begin_write, 0x31: self._begin_write,
            0x91: self._done,        # INITIALIZE DEVICE PARAMETERS
            0xE7: self._done,        # FLUSH CACHE
            0xEC: self._identify,
        }.get(command, self._abort)()
        # fmt: on

    def _done(self) -> None:
        """The host may look."""
        if not self._control & NIEN:
            self._interrupt(True)

    def _abort(self, error: int = ABRT) -> None:
        self._registers[ERROR] = error
        self._registers[STATUS] = DRDY | DSC | ERR
        self._done()

    def _address(self) -> int:
        """The sector that the registers name, by number or by cylinder, head and sector."""
        _, _, _, low, mid, high, device, _ = self._registers
        if device & DEVICE_LBA:
            return (device & 0xF) << 24 | high << 16 | mid << 8 | low
        return ((high << 8 | mid) * HEADS + (device & 0xF)) * SECTORS_PER_TRACK + low - 1

    def _begin(self) -> bool:
        self._lba, self._left = self._address(), self._registers[COUNT] or 256
        if 0 <= self._lba <= SECTORS - self._left:
            return True
        self._left = self._lba = 0
        self._abort(IDNF)
        return False

    def _begin_read(self) -> None:
        if self._begin():
            self._writing = False
            self._next_read()

    def _begin_write(self) -> None:
        if self._begin():
            self._writing = True
            self._offer(bytearray(SECTOR), interrupt=False)  # the first sector is taken without one

    def _offer(self, buffer: bytearray, *, interrupt: bool = True) -> None:
        self._buffer, self._at = buffer, 0
        self._registers[STATUS] = DRDY | DSC | DRQ
        if interrupt:
            self._done()

    def _next_read(self) -> None:
        self._offer(bytearray(self.sector(self._lba)))
        self._lba += 1
        self._left -= 1

    def _identify(self) -> None:
        self._writing = False
        self._offer(identification())

    def _read_data(self, size: int) -> int:
        if self._writing or not self._registers[STATUS] & DRQ:
            return 0
        value = int.from_bytes(self._buffer[self._at : self._at + size], "little")
        self._at += size
        if self._at >= SECTOR:
            self._registers[STATUS] = DRDY | DSC
            if self._left:
                self._next_read()
        return value

    def _write_data(self, value: int, size: int) -> None:
        if not self._writing or not self._registers[STATUS] & DRQ:
            return
        end = min(self._at + size, SECTOR)
        self._buffer[self._at : end] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")[: end - self._at]
        self._at = end
        if end == SECTOR:
            self._take_sector()

    def _take_sector(self) -> None:
        data = bytes(self._buffer)
        if any(data):
            self._disk[self._lba] = data
        else:
            self._disk.pop(self._lba, None)
        self._lba += 1
        self._left -= 1
        self._registers[STATUS] = DRDY | DSC
        if self._left:
            self._offer(bytearray(SECTOR))
        else:
            self._done()


def identification() -> bytearray:
    """The 256 words of IDENTIFY DEVICE."""
    words = bytearray(SECTOR)
    # fmt: off
    for word, value in (
        (0, 0x0040), (1, CYLINDERS), (3, HEADS), (6, SECTORS_PER_TRACK),
        (49, 0x0200),                                           # LBA
        (53, 1), (54, CYLINDERS), (55, HEADS), (56, SECTORS_PER_TRACK),
        (80, 0x001E),                                           # ATA-1 to ATA-4
        (83, 0x5000), (84, 0x4000), (86, 0x1000), (87, 0x4000), # FLUSH CACHE
    ):
        pack_into("<H", words, 2 * word, value)
    # fmt: on
    pack_into("<I", words, 2 * 57, CYLINDERS * HEADS * SECTORS_PER_TRACK)
    pack_into("<I", words, 2 * 60, SECTORS)
    for word, length, text in ((10, 20, "RS00000001"), (23, 8, "1.0"), (27, 40, "ringscope disk")):
        data = text.ljust(length).encode()
        words[2 * word : 2 * word + length] = bytes(data[at ^ 1] for at in range(length))
    return words

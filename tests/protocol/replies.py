"""What the toy target answers at its first instruction, and a checksum as gdb computes it."""

HERE = b"10:0010000000000000;07:0000000000000000;06:0000000000000000;12:10000000;11:00000000;"
STOP = b"T05thread:1;core:0;" + HERE
STEPPED = STOP.replace(b"10:00", b"10:01")


def crc32(data):
    """gdb's CRC (libiberty/crc32.c), bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc

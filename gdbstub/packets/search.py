"""Looking through memory on this side of the wire (gdb manual, "General Query Packets": qSearch:memory qCRC)."""

import errno
import zlib
from collections.abc import Iterator

from gdbstub.errors import MalformedPacket, TargetError
from gdbstub.registry import TABLE
from gdbstub.session import Session
from gdbstub.target import Target

PIECE = 1 << 16
"""Bytes read at a time."""

MOST = 1 << 28
"""Bytes that one packet looks through at most: the client waits some seconds for the answer, and no longer."""

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@TABLE.packet("qSearch:memory:{address:hex};{length:hex};{pattern:rest}")
def search_memory(session: Session[Target], address: int, length: int, pattern: bytes) -> bytes:
    """Find the first place at which a pattern of bytes lies wholly in a range of memory."""
    if not pattern:
        raise MalformedPacket("qSearch:memory: pattern is missing")
    _check(length)
    session.select()
    held, start = b"", address
    for piece in _pieces(session, address, length):
        held += piece
        if (found := held.find(pattern)) >= 0:
            return b"1,%x" % (start + found)
        kept = min(len(pattern) - 1, len(held))
        start += len(held) - kept
        held = held[len(held) - kept :]
    return b"0"


@TABLE.packet("qCRC:{address:hex},{length:hex}")
def checksum_memory(session: Session[Target], address: int, length: int) -> bytes:
    """Compute the CRC-32 of a range of memory, most significant bit first and without a last inversion."""
    _check(length)
    session.select()
    # That CRC mirrored, over mirrored bytes, is the one that zlib has.
    crc = 0
    for piece in _pieces(session, address, length):
        crc = zlib.crc32(piece.translate(_REVERSED), crc)
    return b"C%x" % int(f"{crc ^ 0xFFFFFFFF:032b}"[::-1], 2)


def _check(length: int) -> None:
    if length > MOST:
        raise TargetError(errno.E2BIG, f"{length:#x} bytes are too many to look through at once: {MOST:#x} at most")


def _pieces(session: Session[Target], address: int, length: int) -> Iterator[bytes]:
    end = address + length
    while address < end:
        piece = session.target.read_memory(address, min(PIECE, end - address))
        if not piece:
            raise TargetError(errno.EFAULT, f"{address:#x} cannot be read")
        yield piece
        address += len(piece)

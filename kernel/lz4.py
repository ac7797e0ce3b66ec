"""Pack bytes as LZ4: the same bytes on every host, whatever is installed there (LZ4 block format, legacy frame)."""

from __future__ import annotations

MAGIC = 0x184C2102
"""Of the legacy frame, as Linux's build makes it."""

MOST = 8 << 20
"""Bytes that one block of that frame unpacks to at most."""

_MIN_MATCH, _FARTHEST = 4, 0xFFFF
_LAST_LITERALS, _LAST_MATCH = 5, 12
"""The format's end: that many bytes are literals, and no match begins that close to it."""


def legacy_frame(data: bytes) -> bytes:
    """A frame of one block, and the unpacked size, 4 bytes, as Linux's build puts it behind.

    ValueError if that takes more than one block.
    """
    if len(data) > MOST:
        raise ValueError(f"{len(data):#x} bytes are more than one LZ4 block of {MOST:#x}")
    packed = block(data)
    head = MAGIC.to_bytes(4, "little") + len(packed).to_bytes(4, "little")
    return head + packed + len(data).to_bytes(4, "little")


def block(data: bytes) -> bytes:
    """One block: at each place the last match of four bytes is taken, as long as it goes."""
    out, seen = bytearray(), dict[bytes, int]()
    at = literals = 0
    while at < len(data) - _LAST_MATCH:
        key = data[at : at + _MIN_MATCH]
        before = seen.get(key, -1)
        seen[key] = at
        if before < 0 or at - before > _FARTHEST:
            at += 1
            continue
        length = _match_length(data, before, at)
        _sequence(out, data[literals:at], at - before, length)
        at += length
        literals = at
    _sequence(out, data[literals:])
    return bytes(out)


def _match_length(data: bytes, before: int, at: int) -> int:
    length, most = _MIN_MATCH, len(data) - _LAST_LITERALS - at
    while length < most and data[before + length] == data[at + length]:
        length += 1
    return length


def _sequence(out: bytearray, literals: bytes, offset: int = 0, length: int = _MIN_MATCH) -> None:
    """Literals, then a match; the last sequence of a block has none."""
    extra = length - _MIN_MATCH
    out.append(min(len(literals), 15) << 4 | min(extra, 15))
    out += _more(len(literals))
    out += literals
    if offset:
        out += offset.to_bytes(2, "little") + _more(extra)


def _more(length: int) -> bytes:
    """What of a length does not fit in the token's four bits."""
    if length < 15:
        return b""
    full, rest = divmod(length - 15, 255)
    return b"\xff" * full + bytes([rest])

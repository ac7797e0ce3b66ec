"""Bytes in, packets out: framing, checksums, escapes, run lengths. Knows no socket and no packet's meaning.

A packet is ``$data#xx``, a notification ``%data#xx`` (gdb manual, "Overview" of the remote protocol).
"""

import re
import zlib
from collections.abc import Iterator
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from gdbstub.errors import MalformedPacket

PACKET = 0x24  # $
NOTIFICATION = 0x25  # %
END = 0x23  # #
ACK = 0x2B  # +
NAK = 0x2D  # -
BREAK = 0x03
ESCAPE = 0x7D  # }


class Mark(Enum):
    """What a decoder finds beside packets."""

    ACK = auto()
    NAK = auto()
    INTERRUPT = auto()
    CORRUPT = auto()
    OVERSIZE = auto()


class Notification(NamedTuple):
    """An asynchronous ``%`` message; it is never acknowledged."""

    payload: bytes


Event = bytes | Mark | Notification

# Adler-32's low half is 1 + the sum of the bytes mod 65521: exact for pieces whose sum stays below it,
# and a hundred times faster than sum().
_PIECE = 256
_ASCII_PIECE = 512
_TRAILERS = tuple(b"#%02x" % value for value in range(256))


def checksum(data: bytes) -> int:
    """The sum of all bytes modulo 256."""
    length = len(data)
    if length <= _PIECE:
        return ((zlib.adler32(data) & 0xFFFF) - 1) & 0xFF
    piece = _ASCII_PIECE if data.isascii() else _PIECE
    total = 0
    for start in range(0, length, piece):
        total += (zlib.adler32(data[start : start + piece]) & 0xFFFF) - 1
    return total & 0xFF


def escape(data: bytes) -> bytes:
    """Make bytes safe inside a packet: ``}``, ``#``, ``$`` and ``*`` become ``}`` and the byte XOR 0x20."""
    data = data.replace(b"}", b"}]") if b"}" in data else data
    data = data.replace(b"#", b"}\x03") if b"#" in data else data
    data = data.replace(b"$", b"}\x04") if b"$" in data else data
    return data.replace(b"*", b"}\n") if b"*" in data else data


_ESCAPED = re.compile(rb"\}(.)", re.DOTALL)
_FLIPPED = {bytes((byte,)): bytes((byte ^ 0x20,)) for byte in range(256)}


def _flip(match: re.Match[bytes]) -> bytes:
    return _FLIPPED[match[1]]


def unescape(data: bytes) -> bytes:
    """The inverse of :func:`escape`, for any escaped byte; a lone ``}`` at the end stays."""
    return _ESCAPED.sub(_flip, data) if b"}" in data else data


# A count character is the repeats plus 29; it may not be $ or # (6 and 7 repeats) nor above 126 (97 repeats).
_MOST_REPEATS = 97
_FORBIDDEN_REPEATS = (6, 7)
# Only these bytes come in runs long enough to pay for looking: empty memory, absent registers, erased flash.
_RUN_BYTES = (b"0", b"\0", b"f", b"x")
_SHORTEST_RUN = 32
_SENT_AT_ONCE = 4096  # bytes that cost as much to send as fewer do: looking for runs would only take time
_RUNS = tuple((byte * _SHORTEST_RUN, re.compile(re.escape(byte) + b"+")) for byte in _RUN_BYTES)


def repeat(byte: bytes, count: int) -> bytes:
    """``count`` times ``byte``, run-length encoded (gdb manual, "Overview")."""
    whole, rest = divmod(count, _MOST_REPEATS + 1)
    encoded = (byte + b"*" + bytes((_MOST_REPEATS + 29,))) * whole
    repeats = rest - 1
    if repeats in _FORBIDDEN_REPEATS:
        return encoded + byte + b'*"' + byte * (repeats - 5)
    if repeats < 3:
        return encoded + byte * rest
    return encoded + byte + b"*" + bytes((repeats + 29,))


def compress(data: bytes) -> bytes:
    """Run-length encode the long runs of an escaped payload; short ones cost more than they save."""
    if len(data) < _SHORTEST_RUN:
        return data
    runs = [match for needle, run in _RUNS if needle in data for match in _find_runs(data, needle, run)]
    if not runs:
        return data
    pieces: list[bytes] = []
    position = 0
    for match in sorted(runs, key=lambda match: match.start()):
        start, end = match.span()
        pieces += [data[position:start], repeat(data[start : start + 1], end - start)]
        position = end
    return b"".join([*pieces, data[position:]])


def _find_runs(data: bytes, needle: bytes, run: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    start = data.find(needle)
    while start >= 0:
        match = run.match(data, start)
        assert match is not None
        yield match
        start = data.find(needle, match.end())


_REPEATED = re.compile(rb"([^*])((?:\*.)+)", re.DOTALL)


def _unroll(match: re.Match[bytes]) -> bytes:
    return match[1] * (1 + sum(count - 29 for count in match[2][1::2]))


def expand(data: bytes) -> bytes:
    """Undo run-length encoding; done before :func:`unescape`.

    Raises MalformedPacket for a count outside 3..97 or a run without a first byte.
    """
    if b"*" not in data:
        return data
    if b"*" in _REPEATED.sub(b"", data) or any(not 32 <= count <= 126 for count in _counts(data)):
        raise MalformedPacket(f"run-length encoding of {data[:40]!r}")
    return _REPEATED.sub(_unroll, data)


def _counts(data: bytes) -> list[int]:
    return [count for match in _REPEATED.finditer(data) for count in match[2][1::2]]


_SHORTEST = 4  # bytes of what is framed once


def frame(payload: bytes, *, run_lengths: bool = True) -> bytes:
    """A packet ready to send: escaped, run-length encoded where that is a win, with its checksum.

    Only replies may have ``run_lengths``.
    """
    if len(payload) <= _SHORTEST:
        return _frame_short(payload)
    data = escape(payload)
    if run_lengths and len(data) > _SENT_AT_ONCE:
        data = compress(data)
    return b"$" + data + _TRAILERS[checksum(data)]


@lru_cache(maxsize=64)
def _frame_short(payload: bytes) -> bytes:
    """``OK`` and its like, which are said again and again."""
    data = escape(payload)
    return b"$" + data + _TRAILERS[checksum(data)]


def notification(payload: bytes) -> bytes:
    """A notification ready to send."""
    data = escape(payload)
    return b"%" + data + _TRAILERS[checksum(data)]


_MOST_KNOWN, _LONGEST_KNOWN = 256, 64  # packets, and bytes of one, that a decoder remembers
_START = re.compile(rb"[$%+\-\x03]")
_SINGLE = {ACK: Mark.ACK, NAK: Mark.NAK, BREAK: Mark.INTERRUPT}


class Decoder:
    """Finds packets in a stream cut at any place.

    ``limit`` is the longest packet body in bytes as sent; longer ones are skipped without being kept and
    reported as ``Mark.OVERSIZE``. ``run_lengths`` is for replies: a client expands runs, a server must not.
    Bytes between packets which mean nothing are dropped.
    """

    def __init__(self, limit: int, *, run_lengths: bool = False) -> None:
        self._limit = limit
        self._run_lengths = run_lengths
        self._buffer = bytearray()  # one incomplete packet, from its $ or %
        self._searched = 0  # no # before this index of the buffer
        self._skipping = False  # within an oversize packet: the buffer holds only its start
        self._known: dict[bytes, bytes] = {}  # short packets that came lately, and what they hold

    def feed(self, data: bytes) -> list[Event]:
        """The events that ``data`` completes."""
        if self._buffer:
            if not self._complete(data):
                return []
            data = bytes(self._buffer)
            self._buffer.clear()
        elif len(data) <= _LONGEST_KNOWN and (known := self._known.get(data)):
            return [known]
        elif len(data) > 3 and data[0] == PACKET and data.find(b"#") == len(data) - 3:
            event = self._packet(data, 0, len(data) - 3)
            if len(data) <= _LONGEST_KNOWN and event.__class__ is bytes:
                self._remember(data, event)
            return [event]
        return self._scan(data)

    def _remember(self, data: bytes, packet: bytes) -> None:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[data] = packet

    def _complete(self, data: bytes) -> bool:
        """Add to the incomplete packet; true once its checksum is there."""
        self._buffer += data
        end = self._buffer.find(b"#", self._searched)
        self._searched = max(end, 1)
        if end >= 0:
            return len(self._buffer) >= end + 3
        self._skipping |= len(self._buffer) > self._limit
        if self._skipping:
            del self._buffer[1:]
        self._searched = len(self._buffer)
        return False

    def _scan(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        position = 0
        while match := _START.search(data, position):
            start = match.start()
            if single := _SINGLE.get(data[start]):
                events.append(single)
                position = start + 1
                continue
            end = data.find(b"#", start)
            if end < 0 or end + 3 > len(data):
                self._searched = 1
                self._complete(data[start:])
                break
            event = self._packet(data, start, end)
            events.append(event)
            position = end + (1 if event is Mark.CORRUPT else 3)  # what follows # may be the next packet
        return events

    def _packet(self, data: bytes, start: int, end: int) -> Event:
        again = data.rfind(b"$", start + 1, end)
        if again >= 0:  # the sender broke off and began anew
            start, self._skipping = again, False
        if self._skipping or end - start - 1 > self._limit:
            self._skipping = False
            return Mark.OVERSIZE
        body = data[start + 1 : end]
        if data[end : end + 3].lower() != _TRAILERS[checksum(body)]:
            return Mark.CORRUPT
        if self._run_lengths and b"*" in body:
            try:
                body = expand(body)
            except MalformedPacket:
                return Mark.CORRUPT
        payload = unescape(body) if b"}" in body else body
        return Notification(payload) if data[start] == NOTIFICATION else payload

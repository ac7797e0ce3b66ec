"""The packed kernel inside a bzImage, unpacked by the host (Linux: lib/decompress.c, scripts/Makefile.lib)."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import NamedTuple, Protocol

import zstandard
from lz4.block import LZ4BlockError
from lz4.block import decompress as lz4_block

from machine.boot.elf import MAGIC as ELF_MAGIC
from machine.errors import BootError

LZ4_BLOCK = 8 << 20
"""Bytes that a block of the legacy LZ4 frame holds at most."""

_PIECE = 1 << 12
"""Bytes that are given to zstd at once, which has no bound of its own for what comes out."""

LARGEST = 1 << 30
"""Bytes of kernel that are unpacked at most: more would be no kernel."""

_DAMAGE = (zlib.error, lzma.LZMAError, zstandard.ZstdError, LZ4BlockError, OSError, EOFError, ValueError)

Packed = bytes | memoryview


class _Stream(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: Packed, max_length: int = ..., /) -> bytes: ...


# A stream may unpack to a thousand times its size: none is let go on far beyond the size that it has declared.
def _whole(stream: _Stream, packed: Packed, size: int) -> bytes:
    """One stream to its end; what stands behind it is not looked at."""
    unpacked = stream.decompress(packed, size + 1)
    if len(unpacked) <= size and not stream.eof:
        raise EOFError("the stream has no end")
    return unpacked


def _gzip(packed: Packed, size: int) -> bytes:
    return _whole(zlib.decompressobj(wbits=31), packed, size)


def _bzip2(packed: Packed, size: int) -> bytes:
    return _whole(bz2.BZ2Decompressor(), packed, size)


def _lzma(packed: Packed, size: int) -> bytes:
    return _whole(lzma.LZMADecompressor(lzma.FORMAT_ALONE), packed, size)


def _xz(packed: Packed, size: int) -> bytes:
    return _whole(lzma.LZMADecompressor(lzma.FORMAT_XZ), packed, size)


def _zstd(packed: Packed, size: int) -> bytes:
    stream, pieces, done, at = zstandard.ZstdDecompressor().decompressobj(), [], 0, 0
    while at < len(packed) and done <= size and not stream.eof:
        pieces.append(stream.decompress(packed[at : at + _PIECE]))
        at, done = at + _PIECE, done + len(pieces[-1])
    if done <= size and not stream.eof:
        raise EOFError("the stream has no end")
    return b"".join(pieces)


# The legacy frame has no end mark: blocks follow each other up to the size word of the kernel's build.
def _lz4(packed: Packed, size: int) -> bytes:
    blocks, at, done = [], 4, 0
    while at < len(packed) - 4 and done <= size:
        length = int.from_bytes(packed[at : at + 4], "little")
        block = packed[at + 4 : at + 4 + length]
        if len(block) < length:
            raise EOFError(f"a block of {length:#x} bytes at {at:#x} is cut off")
        blocks.append(lz4_block(block, uncompressed_size=LZ4_BLOCK))
        at, done = at + 4 + length, done + len(blocks[-1])
    return b"".join(blocks)


class Format(NamedTuple):
    """A way to pack: the bytes it begins with, and how to unpack it to a size and a little more."""

    name: str
    magic: bytes
    unpack: Callable[[Packed, int], bytes]


# fmt: off
FORMATS = (
    Format("gzip",  b"\x1f\x8b",                 _gzip),
    Format("bzip2", b"BZh",                      _bzip2),
    Format("lzma",  b"\x5d\x00\x00",             _lzma),
    Format("xz",    b"\xfd7zXZ\x00",             _xz),
    Format("lz4",   b"\x02\x21\x4c\x18",         _lz4),
    Format("zstd",  b"\x28\xb5\x2f\xfd",         _zstd),
)
# fmt: on


def unpack(payload: Packed) -> bytes:
    """The ELF file in a payload.

    Its last four bytes say how long it is when unpacked, as gzip's own format has it and the kernel's build adds for
    the others.  Raises `BootError` for an unknown format, a broken stream, or another length.
    """
    if payload[:4] == ELF_MAGIC:
        return bytes(payload)
    packing = next((packing for packing in FORMATS if payload[: len(packing.magic)] == packing.magic), None)
    if packing is None:
        names = ", ".join(packing.name for packing in FORMATS)
        raise BootError(f"the payload begins with {bytes(payload[:6]).hex() or 'nothing'}: none of {names} or ELF")
    size = int.from_bytes(payload[-4:], "little")
    if size > LARGEST:
        raise BootError(f"the {packing.name} payload says that it unpacks to {size:#x} bytes: more than {LARGEST:#x}")
    try:
        unpacked = packing.unpack(payload, size)
    except _DAMAGE as error:
        raise BootError(f"the {packing.name} payload of {len(payload):#x} bytes is damaged: {error}") from error
    if len(unpacked) > size:
        raise BootError(f"the {packing.name} payload unpacks to more bytes than the {size:#x} that its end says")
    if len(unpacked) != size:
        raise BootError(f"the {packing.name} payload unpacks to {len(unpacked):#x} bytes, its end says {size:#x}")
    return unpacked

"""ACPI Machine Language, as far as a small DSDT needs it: objects in, bytes out (ACPI 6.4, chapter 20)."""

from __future__ import annotations

from collections.abc import Iterable

_ZERO, _ONE, _BYTE, _WORD, _DWORD, _STRING = b"\x00", b"\x01", b"\x0a", b"\x0b", b"\x0c", b"\x0d"
_NAME, _SCOPE, _BUFFER, _PACKAGE, _DEVICE = b"\x08", b"\x10", b"\x11", b"\x12", b"\x5b\x82"

_IRQ, _IO, _END = 0x23, 0x47, 0x79
"""First bytes of small resource descriptors: their kind, and their length in the low three bits (ACPI 6.4, 6.4.2)."""

_DECODES_16_BITS = 1
_EDGE_HIGH = 1


def integer(value: int) -> bytes:
    """A number in its shortest form, of at most 32 bits."""
    if value < 2:
        return (_ZERO, _ONE)[value]
    for prefix, size in ((_BYTE, 1), (_WORD, 2)):
        if value < 1 << 8 * size:
            return prefix + value.to_bytes(size, "little")
    return _DWORD + value.to_bytes(4, "little")


def string(text: str) -> bytes:
    """ASCII text."""
    return _STRING + text.encode("ascii") + b"\0"


def eisa_id(text: str) -> bytes:
    """A device's seven-character EISA identifier, as ``PNP0303``, in its packed form (ACPI 6.4, 19.3.4)."""
    letters = 0
    for letter in text[:3]:
        letters = letters << 5 | ord(letter) - ord("A") + 1
    packed = letters.to_bytes(2, "big") + bytes.fromhex(text[3:])
    return _DWORD + packed


def _length(content: bytes) -> bytes:
    """PkgLength: it counts itself, and grows with what it counts (ACPI 6.4, 20.2.4)."""
    if len(content) + 1 < 1 << 6:
        return bytes([len(content) + 1])
    for more in (1, 2, 3):
        total = len(content) + 1 + more
        if total < 1 << 4 + 8 * more:
            return bytes([more << 6 | total & 0xF]) + (total >> 4).to_bytes(more, "little")
    raise ValueError(f"{len(content)} bytes are too many for one object")


def _sized(opcode: bytes, content: bytes) -> bytes:
    return opcode + _length(content) + content


def _segment(name: str) -> bytes:
    return name.ljust(4, "_").encode("ascii")


def path(name: str) -> bytes:
    """A name of up to four characters, from the root if a backslash comes first."""
    return b"\\" + _segment(name[1:]) if name.startswith("\\") else _segment(name)


def name(what: str, value: bytes) -> bytes:
    """Name (WHAT, VALUE)."""
    return _NAME + path(what) + value


def package(*elements: bytes) -> bytes:
    """Package () {ELEMENTS}."""
    return _sized(_PACKAGE, bytes([len(elements)]) + b"".join(elements))


def buffer(data: bytes) -> bytes:
    """Buffer () {DATA}."""
    return _sized(_BUFFER, integer(len(data)) + data)


def scope(where: str, objects: Iterable[bytes]) -> bytes:
    """Scope (WHERE) {OBJECTS}."""
    return _sized(_SCOPE, path(where) + b"".join(objects))


def device(what: str, objects: Iterable[bytes]) -> bytes:
    """Device (WHAT) {OBJECTS}."""
    return _sized(_DEVICE, path(what) + b"".join(objects))


def ports(first: int, count: int) -> bytes:
    """IO (Decode16, ...): ``count`` ports from ``first``."""
    return bytes((_IO, _DECODES_16_BITS, *first.to_bytes(2, "little") * 2, 1, count))


def interrupt(irq: int) -> bytes:
    """IRQ (Edge, ActiveHigh, Exclusive) {irq}."""
    return bytes((_IRQ, *(1 << irq).to_bytes(2, "little"), _EDGE_HIGH))


def resources(*descriptors: bytes) -> bytes:
    """ResourceTemplate () {DESCRIPTORS}; the end tag's checksum 0 counts as right."""
    return buffer(b"".join(descriptors) + bytes((_END, 0)))

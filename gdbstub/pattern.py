"""The packet pattern language: ``m{address:hex},{length:hex}`` reads typed fields out of a packet.

Literal text stands for itself; ``{name:kind}`` is a field, and there is text between two of them. The kinds:

========  ==============================================  ==========
kind      what it matches                                 value
========  ==============================================  ==========
hex       hexadecimal number below 2**64                  int
thread    thread id: ``1f`` ``-1`` ``0`` ``p1.1f``        ThreadId
text      anything without ``:``, ``;`` and ``,``         str
hexbytes  pairs of hexadecimal digits, perhaps none       bytes
rest      everything left, binary included                bytes
========  ==============================================  ==========

A pattern without fields matches only the packet that it spells.
"""

import re
from binascii import unhexlify
from collections.abc import Callable
from typing import Any, NamedTuple

from gdbstub.errors import TableError, quoted
from gdbstub.threadid import parse_thread_id

Value = Any


class Kind(NamedTuple):
    """How a field is recognised, what becomes of it, and what a message calls it."""

    expression: bytes
    convert: Callable[[bytes], Value]
    meaning: str


def _number(text: bytes) -> int:
    return int(text, 16)


def _text(text: bytes) -> str:
    return text.decode("latin-1")


# fmt: off
KINDS: dict[str, Kind] = {
    "hex":      Kind(rb"0*[0-9a-fA-F]{1,16}",         _number,         "a hexadecimal number of up to 64 bits"),
    "thread":   Kind(rb"-1|p?[0-9a-fA-F]{1,16}(?:\.(?:-1|[0-9a-fA-F]{1,16}))?|p-1(?:\.-1)?",
                                                      parse_thread_id, "a thread id"),
    "text":     Kind(rb"[^:;,]*",                     _text,           "text without any of :;,"),
    "hexbytes": Kind(rb"(?:[0-9a-fA-F]{2})*",         unhexlify,       "pairs of hexadecimal digits"),
    "rest":     Kind(rb".*",                          bytes,           "anything"),
}
# fmt: on

_FIELD = re.compile(r"\{(\w+):(\w+)\}")


class Pattern:
    """One compiled pattern: its literal prefix, the names of its fields, and :meth:`match`."""

    __slots__ = ("_converters", "_fields", "_match", "names", "prefix", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: tuple[str, ...] = tuple(match[1] for match in _FIELD.finditer(text))
        kinds = [self._kind(match[2]) for match in _FIELD.finditer(text)]
        literals = [part.encode("ascii") for part in _FIELD.sub("\0", text).split("\0")]
        if any(b"{" in part or b"}" in part for part in literals) or len(set(self.names)) < len(self.names):
            raise TableError(f"pattern {text!r} cannot be read")
        if not all(literals[:-1]):
            raise TableError(f"pattern {text!r} has a field with nothing before it")
        self.prefix = literals[0]
        self._converters = tuple(kind.convert for kind in kinds)
        self._fields = tuple(zip(self.names, kinds, literals[1:], strict=True))
        fields = [b"(" + kind.expression + b")" for kind in kinds]
        expression = b"".join(
            re.escape(literal) + field for literal, field in zip(literals, [*fields, b""], strict=True)
        )
        self._match = re.compile(expression, re.DOTALL).fullmatch

    def _kind(self, name: str) -> Kind:
        if name not in KINDS:
            raise TableError(f"pattern {self.text!r} has the unknown field kind {name!r}")
        return KINDS[name]

    def match(self, packet: bytes) -> list[Value] | None:
        """The fields' values in order, or None if the packet has another shape.

        Raises MalformedPacket for a field with the right shape and an impossible value.
        """
        match = self._match(packet)
        if match is None:
            return None
        return [convert(group) for convert, group in zip(self._converters, match.groups(), strict=True)]

    def complain(self, packet: bytes) -> tuple[int, str]:
        """Of a packet that begins with ``prefix`` and does not match: how far it does, and what is wrong there."""
        position, behind = len(self.prefix), self.prefix.decode("ascii").rstrip(":;,=")
        for name, kind, literal in self._fields:
            end = packet.find(literal, position) if literal else len(packet)
            value = packet[position:] if end < 0 else packet[position:end]
            if not re.fullmatch(kind.expression, value, re.DOTALL):
                wrong = f"{quoted(value)} is not {kind.meaning}" if value else "is missing"
                return position, f"{behind}: {name} {wrong}"
            if end < 0:
                return len(packet), f"{behind}: {literal.decode('ascii')!r} is missing behind {name} {quoted(value)}"
            position = end + len(literal)
        raise AssertionError(f"{self.text!r} matches {packet!r}")

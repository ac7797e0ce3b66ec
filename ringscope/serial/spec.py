"""What ``--serial`` says: one end on the host, in a word and an address."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import NamedTuple

from gdbstub.address import AddressError, parse_address


class Kind(Enum):
    """What a serial port is joined to."""

    STDIO = "this terminal"
    NULL = "nothing"
    FILE = "a file"
    LISTEN = "whoever connects"
    CONNECT = "a server"


class Spec(NamedTuple):
    """A parsed word; ``where`` is a path, or an address as `gdbstub.address.parse_address` reads it."""

    kind: Kind
    where: str
    text: str


STDIO = Spec(Kind.STDIO, "", "stdio")
NULL = Spec(Kind.NULL, "", "null")
FORMS = "stdio, null, file:PATH, unix:PATH, tcp:HOST:PORT, unix-connect:PATH or tcp-connect:HOST:PORT"

_WORDS = {"stdio": STDIO, "null": NULL}
_PREFIXES = {
    "unix": (Kind.LISTEN, "unix:"),
    "tcp": (Kind.LISTEN, ""),
    "unix-connect": (Kind.CONNECT, "unix:"),
    "tcp-connect": (Kind.CONNECT, ""),
}


def parse(text: str) -> Spec:
    """One of `FORMS`.  Raises AddressError naming what is wrong."""
    if text in _WORDS:
        return _WORDS[text]
    prefix, colon, rest = text.partition(":")
    if colon and prefix == "file":
        if not rest:
            raise AddressError("file: needs a path, as in file:/tmp/console.log")
        return Spec(Kind.FILE, rest, text)
    if not colon or prefix not in _PREFIXES:
        raise AddressError(f"{text!r} is no serial port: use {FORMS}")
    kind, scheme = _PREFIXES[prefix]
    where = scheme + rest
    try:
        address = parse_address(where)
    except AddressError:
        raise AddressError(f"{text!r} has no {'path' if scheme else 'HOST:PORT'} behind {prefix}:") from None
    if isinstance(address, Path) != bool(scheme):
        raise AddressError(f"{text!r} has no HOST:PORT behind {prefix}:")
    if kind is Kind.CONNECT and not isinstance(address, Path) and not address[1]:
        raise AddressError(f"{text!r} names no port to connect to")
    return Spec(kind, where, text)

"""Where to listen or connect: ``HOST:PORT`` or ``unix:PATH``."""

from pathlib import Path

from gdbstub.errors import Error


class AddressError(Error):
    """A listening address cannot be read or cannot be had."""


def parse_address(text: str) -> tuple[str, int] | Path:
    """``HOST:PORT``, ``:PORT`` (loopback), ``[V6]:PORT`` or ``unix:PATH``; raises AddressError."""
    if text.startswith("unix:"):
        if not text[5:]:
            raise AddressError("unix: needs a path, as in unix:/tmp/ringscope.sock")
        return Path(text[5:])
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
        raise AddressError(f"{text!r} is neither HOST:PORT nor unix:PATH")
    return host.strip("[]") or "127.0.0.1", int(port)

"""Where to listen or connect: ``HOST:PORT`` or ``unix:PATH``."""

from ipaddress import ip_address
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


def is_local(text: str) -> bool:
    """Whether only programs of this host can reach an address; a name other than localhost is not looked up."""
    address = parse_address(text)
    if isinstance(address, Path) or address[0] == "localhost":
        return True
    try:
        return ip_address(address[0]).is_loopback
    except ValueError:
        return False

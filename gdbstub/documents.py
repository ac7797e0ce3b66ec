"""Documents that a client reads piece by piece (gdb manual: qXfer)."""

from collections.abc import Callable
from typing import Any

from gdbstub.session import PACKET_SIZE, Session

_LONGEST_PART = PACKET_SIZE // 2 - 1  # every byte may need an escape


def part(document: bytes, offset: int, length: int) -> bytes:
    """A piece of a document: ``m`` and data, or ``l`` and the last of it."""
    end = offset + min(length, _LONGEST_PART)
    return (b"m" if end < len(document) else b"l") + document[offset:end]


def built(session: Session[Any], name: str, offset: int, build: Callable[[], bytes]) -> bytes:
    """The document as it was when its first piece was read: later pieces must fit that one."""
    if offset == 0 or name not in session.documents:
        session.documents[name] = build()
    return session.documents[name]

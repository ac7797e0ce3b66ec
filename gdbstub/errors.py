"""The failures that a conversation survives; anything else is a bug and closes the session."""

import errno as _errno


class Error(Exception):
    """Root of every error that this package raises on purpose."""


class TargetError(Error):
    """The target declines a request: ``errno`` is a Linux error number, ``text`` one sentence for the user.

    The client sees ``E0e`` (two hexadecimal digits of ``errno``), or ``E.text`` where it asked for messages.
    """

    def __init__(self, errno: int, text: str = "") -> None:
        super().__init__(text or _errno.errorcode.get(errno, f"error {errno}"))
        self.errno = errno
        self.text = str(self)


class MalformedPacket(Error):
    """A packet which the table knows, with fields which cannot be read: answered ``E16`` (EINVAL), or in words.

    The message names the field and its value.
    """


class TableError(Error):
    """A row of the packet table contradicts its handler or another row; raised at import."""


class RemoteError(Error):
    """The server answered a client's request with an error; the message is the server's."""


class UnsupportedPacket(RemoteError):
    """The server answered a client's request with the empty reply."""


class ConnectionLost(Error):
    """The peer closed the connection, or answered nothing in time."""


_PLAIN = str.maketrans({"#": "\uff03", "$": "\uff04", "*": "\uff0a", "}": "\uff5d", "\n": " "})
_LONGEST_ERROR = 1000  # characters
_LONGEST_QUOTE = 40  # bytes


def quoted(data: bytes) -> str:
    """What a client sent, as a message shows it: printable, and no more of it than a line takes."""
    shown = ascii(data[:_LONGEST_QUOTE].decode("latin-1"))
    return shown if len(data) <= _LONGEST_QUOTE else f"{shown}..."


def plain(text: str) -> bytes:
    """Text for an ``E.`` reply, which clients do not unescape: framing characters become their fullwidth forms."""
    return text.translate(_PLAIN)[:_LONGEST_ERROR].encode("utf-8", "replace")

"""Thread ids as the protocol writes them (gdb manual, "thread-id syntax")."""

from typing import NamedTuple

from gdbstub.errors import MalformedPacket, quoted

ALL = -1
"""Every thread."""
ANY = 0
"""An arbitrary thread; here: the one that stopped last."""
_LARGEST = (1 << 63) - 1


class ThreadId(NamedTuple):
    """A thread, with its process where the multiprocess form ``pPID.TID`` was used; ids are positive."""

    thread: int
    process: int | None = None

    def __str__(self) -> str:
        thread = format_id(self.thread)
        return thread if self.process is None else f"p{format_id(self.process)}.{thread}"


def format_id(number: int) -> str:
    """``-1`` as such, all else in hexadecimal."""
    return "-1" if number == ALL else f"{number:x}"


def parse_thread_id(text: bytes) -> ThreadId:
    """Read ``1f``, ``-1``, ``0``, ``p1.1f``, ``p1.-1`` or ``p1`` (all threads of process 1).

    Raises MalformedPacket for anything else.
    """
    if not text.startswith(b"p"):
        return ThreadId(_parse_number(text))
    process, dot, thread = text[1:].partition(b".")
    return ThreadId(_parse_number(thread) if dot else ALL, _parse_number(process))


def _parse_number(text: bytes) -> int:
    if text == b"-1":
        return ALL
    if not text or not all(digit in b"0123456789abcdefABCDEF" for digit in text) or int(text, 16) > _LARGEST:
        raise MalformedPacket(f"{quoted(text)} is not a thread id")
    return int(text, 16)

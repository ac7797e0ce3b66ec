"""gdb's ``monitor``: the registry behind the stub."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from gdbstub.errors import TargetError
from ringscope.local import LocalDebuggee
from ringscope.render import Progress
from ringscope.session import CommandError, Front, Session, Settings

if TYPE_CHECKING:
    from ringscope.boot import Guest

PIECE = 1 << 13
"""Characters of output in one packet."""


def make_monitor(
    guest: Guest, stub: Callable[[], Settings] | None = None
) -> Callable[[str, Callable[[str], None]], None]:
    """The function that runs a command line on a guest; symbols are loaded by the first one.

    What it is asked and cannot do is raised as `TargetError` with one sentence.
    """
    sessions: list[Session] = []

    def run(line: str, write: Callable[[str], None]) -> None:
        if not sessions:
            debuggee = LocalDebuggee(guest.machine, guest.lines, guest)
            sessions.append(Session(debuggee, guest.symbols, front=Front.MONITOR))
            sessions[0].stub = stub() if stub is not None else None
        for text in _joined(monitor_lines(sessions[0], line)):
            write(text)

    return run


def _joined(lines: Iterator[str]) -> Iterator[str]:
    """Lines in pieces of some KiB: a client acknowledges each piece, and is not heard while it gets them."""
    piece: list[str] = []
    length = 0
    for line in lines:
        piece.append(f"{line}\n")
        length += len(line)
        if length >= PIECE or isinstance(line, Progress):
            yield "".join(piece)
            piece.clear()
            length = 0
    if piece:
        yield "".join(piece)


def monitor_lines(session: Session, line: str) -> Iterator[str]:
    """The output of a monitor command; an empty line asks for help. Raises TargetError."""
    from ringscope.commandset import COMMANDS  # gdb attaches before anybody asks

    try:
        yield from COMMANDS.run(session, line if line.strip() else "help")
    except CommandError as error:
        raise TargetError(errno.EINVAL, str(error)) from None

"""System calls as events (gdb manual, "General Query Packets": QCatchSyscalls)."""

import re

from gdbstub.errors import MalformedPacket, quoted
from gdbstub.processes import SystemCalls
from gdbstub.registry import TABLE
from gdbstub.session import OK, Session

_NUMBER = re.compile(rb"0*[0-9a-fA-F]{1,8}")


@TABLE.packet("QCatchSyscalls:1;{numbers:rest}", needs=SystemCalls)
@TABLE.packet("QCatchSyscalls:1", needs=SystemCalls, feature="QCatchSyscalls+")
def catch_system_calls(session: Session[SystemCalls], numbers: bytes | None = None) -> bytes:
    """Stop when the selected process enters a system call or leaves it: one of some numbers, or any."""
    wanted = None if numbers is None else frozenset(_number(word) for word in numbers.split(b";"))
    session.inferiors.catch_system_calls(wanted, session.scope())
    return OK


@TABLE.packet("QCatchSyscalls:0", needs=SystemCalls)
def ignore_system_calls(session: Session[SystemCalls]) -> bytes:
    """Stop for no system call of the selected process any more."""
    session.inferiors.catch_system_calls(frozenset(), session.scope())
    return OK


def _number(word: bytes) -> int:
    if not _NUMBER.fullmatch(word):
        raise MalformedPacket(f"QCatchSyscalls: {quoted(word)} is no number of a system call")
    return int(word, 16)

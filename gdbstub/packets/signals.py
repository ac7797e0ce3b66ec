"""Signals that the target's system delivers to its programs (gdb manual, "General Query Packets": QPassSignals)."""

import re

from gdbstub.errors import MalformedPacket, quoted
from gdbstub.processes import Signals
from gdbstub.registry import TABLE
from gdbstub.session import OK, Session

_SIGNAL = re.compile(rb"0*[0-9a-fA-F]{1,2}")


@TABLE.packet("QPassSignals:{numbers:rest}", needs=Signals, feature="QPassSignals+")
def pass_signals(session: Session[Signals], numbers: bytes) -> bytes:
    """Choose the signals that reach the programs without a stop; the others stop, where threads are tasks."""
    session.target.pass_signals(frozenset(_number(word) for word in numbers.split(b";") if word))
    return OK


def _number(word: bytes) -> int:
    if not _SIGNAL.fullmatch(word):
        raise MalformedPacket(f"QPassSignals: signal {quoted(word)} is not one of 0 to ff")
    return int(word, 16)

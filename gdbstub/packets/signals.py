"""Signals that the target's system delivers to its programs (gdb manual, "General Query Packets": QPassSignals)."""

from gdbstub.errors import MalformedPacket
from gdbstub.processes import Signals
from gdbstub.registry import TABLE
from gdbstub.session import OK, Session

LAST_SIGNAL = 0xFF


@TABLE.packet("QPassSignals:{numbers:rest}", needs=Signals, feature="QPassSignals+")
def pass_signals(session: Session[Signals], numbers: bytes) -> bytes:
    """Choose the signals that reach the programs without a stop; the others stop, where threads are tasks."""
    session.target.pass_signals(frozenset(_number(word) for word in numbers.split(b";") if word))
    return OK


def _number(word: bytes) -> int:
    try:
        number = int(word, 16)
    except ValueError:
        raise MalformedPacket(f"signal {word!r}") from None
    if not 0 <= number <= LAST_SIGNAL:
        raise MalformedPacket(f"signal {number:#x}")
    return number

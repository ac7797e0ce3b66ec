"""Leaving, killing, beginning anew (gdb manual, "Packets": D k vKill ! R)."""

from gdbstub.registry import TABLE
from gdbstub.session import OK, Ending, Session
from gdbstub.target import Kill, Restart, Target
from gdbstub.threadid import ThreadId


@TABLE.packet("D;{process:thread}")
@TABLE.packet("D")
def detach(session: Session[Target], process: ThreadId | None = None) -> bytes:
    """Leave the target, which goes on without the client; or one process of several, which goes on with the others."""
    if session.inferiors.tells_apart and process is not None:
        session.leave(process.thread)
    else:
        session.end(Ending.DETACHED)
    return OK


@TABLE.packet("k")
def kill(session: Session[Target]) -> None:
    """Kill the target if it can be killed, and end the session without a reply."""
    if isinstance(session.target, Kill):
        session.target.kill()
    session.end(Ending.KILLED)


@TABLE.packet("vKill;{process:thread}", needs=Kill)
def kill_process(session: Session[Kill], process: ThreadId) -> bytes:
    """Kill the target and say so."""
    session.target.kill()
    session.end(Ending.KILLED)
    return OK


@TABLE.packet("!")
def extend(session: Session[Target]) -> bytes:
    """Enter extended mode, which some clients insist on; only ``R`` makes a difference here."""
    return OK


@TABLE.packet("R{ignored:rest}", needs=Restart)
def restart(session: Session[Restart], ignored: bytes) -> None:
    """Restart the target; there is no reply, the client asks ``?`` next."""
    session.target.restart()
    session.refresh()

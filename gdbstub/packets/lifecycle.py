"""Leaving, attaching, killing, beginning anew (gdb manual, "Packets": D k vAttach vKill ! R)."""

import errno

from gdbstub.errors import TargetError
from gdbstub.processes import Processes
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
    """Kill the target, or one of its processes, and say so; the client of several stays, and in extended mode any."""
    if session.running:
        session.stand()
    try:
        session.target.kill(process.thread if session.inferiors.tells_apart else None)
    except TargetError as error:
        session.resident.console.print(f"{error.text}\n".encode())  # gdb shows no words of this packet's reply
        raise
    session.refresh()
    if session.inferiors.tells_apart and not session.has_ended():
        session.lose(process.thread)
    elif session.extended:
        session.restarted()
        session.inferiors.leave(process.thread, session.stop, for_good=True)  # until attached to, or run anew
    else:
        session.end(Ending.KILLED)
    return OK


@TABLE.packet("vAttach;{process:hex}", needs=Processes)
def attach(session: Session[Processes], process: int) -> bytes:
    """Debug a process again that the client has left."""
    if not session.inferiors.tells_apart:
        raise TargetError(errno.ENOTSUP, "there are no processes to attach to: the threads are processors")
    return session.attach(process)


@TABLE.packet("!")
def extend(session: Session[Target]) -> bytes:
    """Enter extended mode: a target that was killed, or has ended, can be started again."""
    session.extended = True
    return OK


@TABLE.packet("R{ignored:rest}", needs=Restart)
def restart(session: Session[Restart], ignored: bytes) -> None:
    """Restart the target; there is no reply, the client asks ``?`` next."""
    if session.running:
        session.stand()
    session.target.restart()
    session.restarted()

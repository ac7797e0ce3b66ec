"""Stopping and resuming threads one by one (gdb manual, "Remote Non-Stop": QNonStop vStopped vCtrlC; vCont there)."""

from collections.abc import Iterable, Mapping
from typing import Any

from gdbstub.errors import MalformedPacket
from gdbstub.nonstop import NonStop, StepRange
from gdbstub.processes import ProcessEvents
from gdbstub.registry import TABLE
from gdbstub.session import OK, VCTRLC, Session
from gdbstub.stopreply import ThreadEnded
from gdbstub.target import Action, Target


@TABLE.packet("QNonStop:{enabled:hex}", feature="QNonStop+")
def set_non_stop(session: Session[Target], enabled: int) -> bytes:
    """Choose between stops of all threads (0) and stops of one, told by notifications (1)."""
    if enabled > 1:
        raise MalformedPacket(f"QNonStop: enabled {enabled:x} is neither 0 nor 1")
    if session.running:
        session.stand()
    session.nonstop = NonStop.begun(session.stop) if enabled else NonStop()
    return OK


@TABLE.packet("vStopped")
def tell_next_stop(session: Session[Target]) -> bytes:
    """Acknowledge a stop that was notified, and ask for the next."""
    stop = session.nonstop.acknowledge()
    return OK if stop is None else session.write_stop(stop)


@TABLE.packet("QThreadEvents:{enabled:hex}", needs=ProcessEvents, feature="QThreadEvents+")
def set_thread_events(session: Session[ProcessEvents], enabled: int) -> bytes:
    """Choose whether a thread that begins stops, and one that ends is told."""
    if enabled > 1:
        raise MalformedPacket(f"QThreadEvents: enabled {enabled:x} is neither 0 nor 1")
    session.inferiors.watch_threads(enabled=bool(enabled))
    return OK


@TABLE.packet(VCTRLC.decode())
def interrupt(session: Session[Target]) -> bytes:
    """Interrupt the target; in all-stop mode it is stopped already when this is reached."""
    if session.nonstop.active:
        session.interrupt()
    return OK


def direct(session: Session[Any], plan: Mapping[int, Action | None], ranges: Iterable[StepRange]) -> None:
    """Let some threads go on, and those with None stop; the stops are notified when they come."""
    within = {each.thread: each for each in ranges}
    for thread, action in plan.items():
        if action is None:
            _halt(session, thread)
        else:
            session.nonstop.resume(thread, action, within.get(thread))
    session.go_on()


def _halt(session: Session[Any], thread: int) -> None:
    """Stop one thread, and with it the target; one that has ended is told to have."""
    if session.running:
        session.stand()
    if thread in session.inferiors.threads():
        session.nonstop.halt(thread)
    else:
        session.nonstop.add(ThreadEnded(thread))

"""Running: breakpoints, watches, steps, and where a run stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from gdbstub.stopreply import Signal
from machine import stop
from machine.stop import Access
from machine.watchpoints import Watch
from machine.x86.vectors import vector_name
from ringscope import debuggee, processor
from ringscope.arguments import Count, Expression, Nanoseconds, Rest, Steps, choice
from ringscope.command import Lines, command
from ringscope.debuggee import Stop, Timed
from ringscope.disassembly import instructions, location
from ringscope.render import Bad, table
from ringscope.session import CommandError, Point, Session

WIDEST_WATCH = 4096
"""Bytes that one watch covers at most."""

_IN_GDB = "gdb does not learn of what it does; use gdb's own"
_ACCESS = {"write": Access.WRITE, "read": Access.READ, "access": Access.ANY}


@command("break", "b", "br", instead=f"{_IN_GDB} `break *ADDRESS`")
def set_breakpoint(session: Session, address: Expression | None = None) -> Lines:
    """Stop before the instruction at ADDRESS (else the next one) runs; nothing need be mapped there."""
    where = processor.linear_pc(session.debuggee) if address is None else address
    number = session.add_point(Point(where, None, session.address_text(where)))
    yield f"Breakpoint {number} at {session.address_text(where)}"


@command("watch", instead=f"{_IN_GDB} `watch`")
def set_watch(
    session: Session,
    address: Expression,
    length: Count = 8,
    access: Annotated[str, choice("write", "read", "access")] = "write",
) -> Lines:
    """Stop after an instruction that writes (or reads, or accesses) LENGTH bytes of linear memory."""
    if length > WIDEST_WATCH:
        raise CommandError(f"{length} bytes are too many for a watch: {WIDEST_WATCH} at most")
    text = f"{access} of {length} bytes at {session.address_text(address)}"
    number = session.add_point(Point(address, Watch(_ACCESS[access], address, length), text))
    yield f"Watch {number}: {text}"


@command("delete", instead=f"{_IN_GDB} `delete`")
def delete_points(session: Session, numbers: Rest = "") -> Lines:
    """Delete breakpoints and watches by their numbers, or all of them."""
    chosen = [_point_number(session, word) for word in numbers.split()] or list(session.points)
    if not chosen:
        yield "There are no breakpoints or watches."
    for number in dict.fromkeys(chosen):
        text = session.points[number].text
        session.remove_point(number)
        yield f"Deleted {number}: {text}"


@command("breakpoints", instead=f"{_IN_GDB} `info breakpoints`")
def list_points(session: Session) -> Lines:
    """List breakpoints and watches."""
    if not session.points:
        yield "There are no breakpoints or watches."
        return
    rows = ((str(n), "watch" if point.watch else "breakpoint", point.text) for n, point in session.points.items())
    yield from table(">Number Kind Where", rows)


@command("continue", "c", instead=f"{_IN_GDB} `continue`", repeats=True)
def continue_run(session: Session, nanoseconds: Nanoseconds | None = None) -> Lines:
    """Run until a breakpoint, a watch, the guest's end or Ctrl-C, or until NANOSECONDS of virtual time have passed.

    A guest that is halted most of the time may run on by some timer interrupts more."""
    yield from stop_lines(session, session.run(nanoseconds))


@command("step", "s", "si", "stepi", instead=f"{_IN_GDB} `stepi`", repeats=True)
def step_instructions(session: Session, count: Steps = 1) -> Lines:
    """Run COUNT instructions; stops early at whatever else stops a run. A delivered interrupt counts as one."""
    stopped: Stop = stop.Stepped()
    for done in range(count):
        stopped = session.debuggee.step()
        if not isinstance(stopped, stop.Stepped):
            break
        if done + 1 < count and _at_point(session):
            stopped = stop.Breakpoint(processor.linear_pc(session.debuggee))
            break
        if session.interrupted:
            session.interrupted, stopped = False, stop.Interrupted()
            break
    yield from stop_lines(session, stopped)


@command("next", "n", "ni", "nexti", instead=f"{_IN_GDB} `nexti`", repeats=True)
def step_over(session: Session) -> Lines:
    """Run one instruction; a CALL, INT, SYSCALL or repeated string instruction until the one after it."""
    pc = processor.linear_pc(session.debuggee)
    _, code, text = next(instructions(session, pc, 1))
    if not text.startswith(("call", "lcall", "int", "syscall", "rep", "loop")):
        yield from step_instructions(session)
        return
    yield from _run_to(session, pc + len(code))


@command("until", instead=f"{_IN_GDB} `until *ADDRESS`")
def run_until(session: Session, address: Expression) -> Lines:
    """Run until the instruction at ADDRESS is next, or something else stops the run."""
    yield from _run_to(session, address)


@command("position", needs=Timed)
def show_position(session: Session) -> Lines:
    """Print where the run is: its position as `run-to` takes it, and what that means."""
    assert isinstance(session.debuggee, Timed), "the registry has checked it"
    progress, events = position = session.debuggee.position
    yield f"position {position}"
    yield f"progress {progress:,} bytes of code, {events:,} exceptions and interrupts delivered"
    if isinstance(session.debuggee, debuggee.Devices):
        now = session.debuggee.machine.clock.now()
        yield f"virtual time {now:,} ns"


@command("where", "w")
def show_where(session: Session) -> Lines:
    """Print the next instruction, the mode and the ring."""
    yield processor.describe(session)
    yield from location(session)


def stop_lines(session: Session, stopped: Stop) -> Iterator[str]:
    """Why a run stopped, and where."""
    reason = describe_stop(session, stopped)
    if reason:
        yield Bad(reason) if isinstance(stopped, (stop.Shutdown, stop.Halted)) else reason
    if isinstance(stopped, stop.Shutdown):
        yield from _fault_chain(session, stopped)
    if not isinstance(stopped, stop.Exited | stop.Reset):
        yield from location(session)


def describe_stop(session: Session, stopped: Stop) -> str:
    """A stop as one sentence; empty for a step that did what it was asked for."""
    match stopped:
        case stop.Breakpoint(address):
            number = session.point_at(address)
            what = "Breakpoint" if number is None else f"Breakpoint {number}"
            return f"{what} at {session.address_text(address)}"
        case stop.Watchpoint(access, address, start):
            numbers = [n for n, point in session.points.items() if point.watch and point.address == start]
            what = "Watch" if not numbers else f"Watch {numbers[0]}"
            return f"{what}: {access.value} at {session.address_text(address)}, just done"
        case stop.Halted(address):
            return f"Halted for good: HLT with interrupts disabled before {session.address_text(address)}"
        case stop.Arrived():
            return f"At position {session.debuggee.position}" if isinstance(session.debuggee, Timed) else "Arrived"
        case stop.Exited() | stop.Reset() | stop.Caught():
            return _describe_event(stopped)
        case debuggee.Signalled(number):
            return f"Stopped with signal {_signal_name(number)}"
        case debuggee.Elapsed(nanoseconds):
            return f"{nanoseconds:,} ns of virtual time have passed"
    return _SENTENCES.get(type(stopped), "")


def _describe_event(stopped: stop.Exited | stop.Reset | stop.Caught) -> str:
    if isinstance(stopped, stop.Caught):
        return f"Catch {stopped.number}: {stopped.text}"
    if isinstance(stopped, stop.Exited):
        return f"The guest has ended with code {stopped.code}"
    return f"The guest has asked for a restart, by {stopped.cause}"


_SENTENCES: dict[type, str] = {
    stop.Interrupted: "Interrupted",
    stop.Shutdown: "Shutdown: a triple fault",
    debuggee.Idle: "The guest is idle: only input can wake it (`serial TEXT`, or `console`)",
    debuggee.Paused: "Interrupted",
}


def _run_to(session: Session, address: int) -> Iterator[str]:
    """Run with one more breakpoint, which is gone again whatever stops the run."""
    own = session.point_at(address) is None
    if own:
        session.debuggee.insert_breakpoint(address)
    try:
        stopped = session.run()
    finally:
        if own:
            session.debuggee.remove_breakpoint(address)
    if own and stopped == stop.Breakpoint(address):
        stopped = stop.Stepped()
    yield from stop_lines(session, stopped)


def _at_point(session: Session) -> bool:
    return bool(session.points) and session.point_at(processor.linear_pc(session.debuggee)) is not None


def _point_number(session: Session, word: str) -> int:
    if not word.isdecimal() or int(word) not in session.points:
        known = ", ".join(map(str, session.points)) or "none"
        raise CommandError(f"no breakpoint or watch {word!r}; there are: {known}")
    return int(word)


def _fault_chain(session: Session, shutdown: stop.Shutdown) -> Iterator[str]:
    rows = (
        (
            vector_name(fault.vector),
            "-" if fault.error_code is None else f"{fault.error_code:#x}",
            session.address_text(fault.address),
            fault.reason,
        )
        for fault in shutdown.chain
    )
    yield from table("Exception >Code At Because", rows)


def _signal_name(number: int) -> str:
    known = {signal.value: signal.name for signal in Signal}
    return f"SIG{known[number]}" if number in known else str(number)

"""Timeline: exact positions and snapshots."""

from __future__ import annotations

import time

from machine import stop
from machine.positions import Goal
from ringscope import snapshots
from ringscope.arguments import Place, SnapshotName
from ringscope.command import Lines, command
from ringscope.commands.running import stop_lines
from ringscope.debuggee import Exact, Idle, Paused, Snapshots, Stop
from ringscope.render import Progress, table
from ringscope.session import CommandError, Front, Session

SECOND = 1.0
"""Host time after which a client that waits is told how far the run is, which also finds out that it is gone."""

FLUSH = "gdb still shows what was before: type `maintenance flush register-cache` (the x86 scripts do it by themselves)"


@command("run-to", needs=Exact)
def run_to_place(session: Session, position: Place) -> Lines:
    """Run to POSITION: bytes of code, or bytes,events as `position` prints them.

    Between two instructions the run stops at the first boundary behind; events tell positions of equal bytes apart.
    Breakpoints and all else stop it before. What is behind is refused. gdb passes no Ctrl-C to a monitor command:
    `stop-at`, then gdb's `continue`, goes to the same place and can be interrupted."""
    stopped = session.run_to(position) if session.front is Front.REPL else None
    while stopped is None:
        stopped, line = _run_some(session, position)
        if line:
            yield line
    yield from _ended(session, position, stopped)


def _run_some(session: Session, goal: Goal) -> tuple[Stop | None, str]:
    """Run for about a second; nothing and a line if that was too short."""
    end = time.monotonic() + SECOND
    session.between = lambda _halted: time.monotonic() < end
    stopped = session.run_to(goal)
    if isinstance(stopped, Paused):
        assert isinstance(session.debuggee, Exact), "the registry has checked it"
        return None, Progress(f"at {session.debuggee.position} on the way to {goal}")
    return stopped, ""


def _ended(session: Session, goal: Goal, stopped: Stop) -> Lines:
    yield from stop_lines(session, stopped)
    if isinstance(stopped, Idle | stop.Exited | stop.Halted | stop.Reset | stop.Shutdown):
        assert isinstance(session.debuggee, Exact), "the registry has checked it"
        yield f"The run ends at position {session.debuggee.position}, before {goal}"
    if session.front is Front.MONITOR:
        yield FLUSH


@command("stop-at", needs=Exact)
def stop_at_place(session: Session, position: Place) -> Lines:
    """Let the next run stop at POSITION, in bytes of code or bytes,events.

    `continue` then goes there, gdb's own too."""
    assert isinstance(session.debuggee, Exact), "the registry has checked it"
    session.debuggee.aim(position)
    yield f"The next run stops at position {position}"


@command("snapshot save", needs=Snapshots)
def save_snapshot(session: Session, name: SnapshotName) -> Lines:
    """Keep the machine under NAME: processor, devices and RAM. An older snapshot of this name is replaced."""
    assert isinstance(session.debuggee, Snapshots), "the registry has checked it"
    try:
        snapshots.directory().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{snapshots.directory()} cannot be made: {error.strerror}") from None
    length = session.debuggee.save_snapshot(name)
    yield f"Saved position {session.debuggee.position} to {name} ({length:,} bytes)"


@command("snapshot load", needs=Snapshots)
def load_snapshot(session: Session, name: SnapshotName) -> Lines:
    """Go on from the snapshot NAME. Breakpoints and watches stay."""
    assert isinstance(session.debuggee, Snapshots), "the registry has checked it"
    notes = session.debuggee.load_snapshot(name)
    if session.stub is not None:
        session.stub.lose_track()
    yield f"Loaded {name}: at position {session.debuggee.position}"
    for note in notes:
        yield f"But {note}"
    yield from stop_lines(session, stop.Stepped())
    if session.front is Front.MONITOR:
        yield FLUSH


@command("snapshot list", needs=Snapshots)
def list_snapshots(session: Session) -> Lines:
    """List the snapshots that have a name."""
    found = list(snapshots.listed())
    if not found:
        yield f"There are no snapshots in {snapshots.directory()}"
        return
    rows = (
        (
            one.name,
            f"{one.length:,}",
            "-" if one.memory is None else f"{one.memory >> 20} MiB",
            one.position or "-",
            one.kernel,
        )
        for one in found
    )
    yield from table("Name >Bytes >RAM >Position Kernel", rows)

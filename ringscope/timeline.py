"""Snapshots and positions on the command line: the options, and what becomes of them."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from machine import stop
from machine.errors import Error
from machine.positions import Goal, parse_goal
from ringscope.configuration import CPU, Configuration, UsageError
from ringscope.output import write_stdout
from ringscope.parser import regular_file

if TYPE_CHECKING:
    from ringscope.boot import Guest
    from ringscope.waypoints import Waypoint

PLACES = "login, V[,E], or a text on the console"

_BOOTING = ("kernel", "initrd", "busybox", "append", "memory", "entry", "reboot")
_BOOTING_LINUX = ("symbols", "instant", "update", "release", "package")
_REQUEST = re.compile(rb"\x1b\[[?>]?[0-9;]*[nc]")
"""ECMA-48's Device Status Report and Device Attributes: the guest has asked once."""

_WITHOUT_GDB = ("snapshot_at", "reboot")


def place(text: str) -> Goal:
    """A position.  Raises argparse.ArgumentTypeError naming what is wrong with it."""
    try:
        return parse_goal(text)
    except Error as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def waypoint(text: str) -> Waypoint:
    """Where a snapshot is wanted.  Raises argparse.ArgumentTypeError naming what is wrong with it."""
    from ringscope.waypoints import parse

    try:
        return parse(text)
    except Error as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_options(group: argparse._ArgumentGroup) -> None:
    """What every command with a machine of its own takes."""
    group.add_argument("--from-snapshot", metavar="FILE|NAME", help="go on from a snapshot; no kernel is needed")
    group.add_argument(
        "--stop-at", type=place, metavar="V[,E]", help="stop at this position: bytes of code, and events"
    )


def add_keeping_options(parser: argparse.ArgumentParser) -> None:
    """What every command with the guest's console takes."""
    parser.add_argument(
        "--snapshot-at", type=waypoint, metavar="WHERE", help=f"keep a snapshot there, and go on: {PLACES}"
    )
    parser.add_argument(
        "--snapshot-to",
        type=regular_file,
        metavar="FILE",
        help="its file; default: named after kernel and position",
    )


def check(arguments: argparse.Namespace) -> None:
    """Raises `UsageError` for an option that would have no effect beside the others."""
    if arguments.snapshot_to and not arguments.snapshot_at:
        raise UsageError("--snapshot-to says where, but not when: give --snapshot-at too")
    if not getattr(arguments, "gdb", True) and arguments.view != CPU:
        raise UsageError(f"--view {arguments.view} says what gdb's threads are: give --gdb too")
    for name in _WITHOUT_GDB if getattr(arguments, "gdb", None) else ():
        if getattr(arguments, name):
            option = name.replace("_", "-")
            raise UsageError(f"--{option} has no place beside --gdb: there gdb says what is run")


def from_snapshot(arguments: argparse.Namespace) -> Configuration:
    """What ``--from-snapshot`` means.  Raises `UsageError`."""
    for name in (*_BOOTING, *_BOOTING_LINUX):
        if getattr(arguments, name, None):
            raise UsageError(f"--{name} has no place beside --from-snapshot: nothing is booted")
    from ringscope import snapshots

    try:
        path = snapshots.find(arguments.from_snapshot)
    except Error as error:
        raise UsageError(str(error)) from None
    serial = tuple(arguments.serial or ())
    return Configuration(serial=serial, engine=arguments.engine, snapshot=path, stop_at=arguments.stop_at)


def instant(setup: Configuration, arguments: argparse.Namespace) -> Configuration:
    """From the prompt of an earlier start of the same; or this one leaves it there.  Raises `UsageError`."""
    from ringscope import snapshots, waypoints

    if arguments.snapshot_at or arguments.stop_at:
        raise UsageError("--instant keeps a snapshot of its own: leave out --snapshot-at and --stop-at")
    path = snapshots.instant_path(setup)
    if path.exists():
        return replace(setup, snapshot=path)
    if arguments.gdb:
        raise UsageError("no prompt has been kept that gdb could go on from: start once with --instant and no --gdb")
    arguments.snapshot_at, arguments.snapshot_to = waypoints.Waypoint(), path
    return setup


def begin(guest: Guest, setup: Configuration, arguments: argparse.Namespace) -> stop.Stop | None:
    """Before the user has the console: say what is to be known, keep the machine where that is wanted.

    What has ended the run, or None.
    """
    for note in guest.notes:
        _say(note)
    if setup.snapshot:
        write_stdout(_begun(guest))
    ended = _keep(guest, arguments.snapshot_at, arguments.snapshot_to) if arguments.snapshot_at else None
    if ended is None and setup.stop_at and setup.stop_at.reached(guest.machine.position):
        return stop.Arrived()
    return ended


def _keep(guest: Guest, at: Waypoint, path: Path | None) -> stop.Stop | None:
    """Run to where a snapshot is wanted and write it; what stopped the run before, or None."""
    from ringscope import snapshots, waypoints

    reason = waypoints.reach(guest, at)
    if reason is not None:
        _say(f"no snapshot was written: the run ended at position {guest.machine.position}")
        return reason
    path = path or snapshots.default_path(guest)
    length = snapshots.save(guest, path)
    _say_at_the_prompt(guest, f"snapshot at position {guest.machine.position}: {path} ({length:,} bytes)")
    return None


def _begun(guest: Guest) -> bytes:
    """The line that waits on the guest's console, without what asks a terminal for an answer."""
    port = guest.lines.terminal
    return _REQUEST.sub(b"", bytes(port.shown)) if port else b""


def _say_at_the_prompt(guest: Guest, text: str) -> None:
    """On a line of its own; on a terminal, the line that the guest has begun is shown once more behind it."""
    begun = _begun(guest) if sys.stdout.isatty() else b""
    _say(f"\n{text}" if begun else text)
    write_stdout(begun)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")

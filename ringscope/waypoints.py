"""Running a guest, without its user, to where a snapshot is wanted: a position, a text on the console, its prompt."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from machine.devices.serial import Serial
from machine.errors import Error
from machine.machine import SLICE, Machine
from machine.positions import Goal, parse_goal
from machine.stop import Arrived, Stop
from ringscope.boot import Guest

LOGIN = "login"
FORMS = "login, V[,E] or a TEXT on the console (text:TEXT if it looks like one of those)"

PROMPT = re.compile(rb"[$#%>:] ?$")
"""How the line ends in which a shell, or getty, waits."""

_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Waypoint(NamedTuple):
    """Where to stop: at ``goal``, behind the slice in which ``text`` was printed, or else at the first prompt.

    Slices are of equal length, so that the same run stops at the same position.
    """

    goal: Goal | None = None
    text: bytes = b""


def parse(word: str) -> Waypoint:
    """One of `FORMS`.  Raises `Error` for nothing at all."""
    if word == LOGIN:
        return Waypoint()
    try:
        return Waypoint(parse_goal(word))
    except Error:
        pass
    text = word.removeprefix("text:")
    if not text:
        raise Error(f"{word!r} names no place: use {FORMS}")
    return Waypoint(text=text.encode())


def reach(guest: Guest, waypoint: Waypoint) -> Stop | None:
    """Run there; what stopped the run before, or None.  Ctrl-C is `Interrupted`.

    Raises `Error` for a place that is behind, that can only be reached by typing, or before which the run is to stop.
    """
    machine, stops_at = guest.machine, guest.machine.goal
    port = guest.lines.terminal or machine.serial
    if waypoint.goal is not None:
        waypoint.goal.check_ahead(machine.position)
        if stops_at is not None and stops_at.progress < waypoint.goal.progress:
            raise Error(f"no snapshot is written at {waypoint.goal}: the run is to stop at {stops_at} before")
    with _watching(port, waypoint.text) as watch, _interrupts(machine):
        rests = False
        while not _is_there(machine, port, waypoint, watch, rests):
            before, skipped = machine.position.progress, machine.clock.warp
            stop = machine.run_to(waypoint.goal, SLICE) if waypoint.goal else machine.run(SLICE)
            guest.lines.flush()
            if stop is not None and not isinstance(stop, Arrived):
                return stop
            if stop is not None and not _is_there(machine, port, waypoint, watch, rests):
                raise Error(f"no snapshot is written: the run is to stop at {stops_at}, and comes there before")
            rests = machine.idle or machine.clock.warp - skipped > machine.position.progress - before
            if machine.idle and not _is_there(machine, port, waypoint, watch, rests):
                raise Error(f"the guest waits for input at position {machine.position}: it was not to stop here")
    return None


def _is_there(machine: Machine, port: Serial, waypoint: Waypoint, watch: _Watch, rests: bool) -> bool:
    """``rests``: it halted for longer than it worked."""
    if waypoint.goal is not None:
        return waypoint.goal.reached(machine.position)
    if waypoint.text:
        return watch.found
    return rests and port.listening and bool(PROMPT.search(_CONTROL.sub(b"", bytes(port.shown))))


class _Watch:
    """Looks for a text in what a port sends, and passes that on."""

    def __init__(self, text: bytes, send: Callable[[bytes], None]) -> None:
        self.found = False
        self._text = text
        self._send = send
        self._last = b""

    def __call__(self, data: bytes) -> None:
        self._send(data)
        self._last += data
        self.found = self.found or self._text in self._last
        self._last = self._last[-len(self._text) :]


@contextmanager
def _watching(port: Serial, text: bytes) -> Iterator[_Watch]:
    watch, send = _Watch(text, port.send), port.send
    if text:
        port.send = watch
    try:
        yield watch
    finally:
        port.send = send


@contextmanager
def _interrupts(machine: Machine) -> Iterator[None]:
    """Ctrl-C stops the run between two slices: raised inside the engine it would not come out of there."""
    before = signal.signal(signal.SIGINT, lambda _number, _frame: machine.interrupt())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

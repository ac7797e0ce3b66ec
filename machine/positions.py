"""Exact places in a run, and the way there.

A position is (progress, events): how many bytes of code have been executed, and how many exceptions and interrupts
delivered.  The first alone does not tell a faulting instruction from the first one of its handler.  While the
processor is halted time passes and its position stays; run to it, a machine stops at the halt's beginning.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from machine.errors import Error

_GOAL = re.compile(r"([0-9_]+)(?:,([0-9_]+))?", re.ASCII)
MOST = 1 << 62


class Position(NamedTuple):
    """A point of a run, exactly: bytes of code executed, and exceptions and interrupts delivered."""

    progress: int
    events: int

    def __str__(self) -> str:
        return f"{self.progress},{self.events}"


class Goal(NamedTuple):
    """Where a run shall stop: at the first instruction boundary at or after ``progress`` bytes; ``events`` picks among
    those of equal progress, None the first.
    """

    progress: int
    events: int | None = None

    def __str__(self) -> str:
        return str(self.progress) if self.events is None else f"{self.progress},{self.events}"

    def reached(self, here: Position) -> bool:
        """Whether a machine that came here from before is to stop."""
        return here.progress > self.progress or (here.progress == self.progress and here.events >= (self.events or 0))

    def check_ahead(self, here: Position) -> None:
        """Raises `Error` for a goal that lies before ``here``."""
        past_event = self.events is not None and here.events > self.events
        if here.progress > self.progress or (here.progress == self.progress and past_event):
            raise Error(f"{self} is behind: the machine is at {here}, and it cannot go back")


def parse_goal(text: str) -> Goal:
    """``V`` or ``V,E`` in decimal digits, with or without ``_`` between them.  Raises `Error` naming the text."""
    found = _GOAL.fullmatch(text.strip())
    try:
        numbers = [int(number) for number in found.groups() if number is not None] if found else []
    except ValueError:  # misplaced underscores
        numbers = []
    if not numbers or max(numbers) > MOST:
        raise Error(f"{text!r} is no position: give bytes of code, or bytes,events, as in 1324943,3")
    return Goal(*numbers)

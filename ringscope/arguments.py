"""The kinds of argument that commands declare in their signatures, and how each is read.

def walk(session: Session, address: Expression, cr3: Expression | None = None) -> Lines: ...
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated

from machine.errors import Error
from machine.positions import Goal, parse_goal
from machine.x86.vectors import BY_MNEMONIC
from ringscope.configuration import VIEWS
from ringscope.debuggee import Refused
from ringscope.expressions import full_name
from ringscope.session import CommandError, Session
from ringscope.snapshots import path_of


class Shape(Enum):
    """Where an argument stands in the line."""

    WORD = "one word; blanks in brackets do not end it"
    REST = "all that is left of the line"
    OPTION = "-x anywhere in the line, x the parameter's first letter"
    FORMAT = "after a slash at the command's name, as in x/4xg"


class Completion(Enum):
    """What a front door offers while the user types the argument."""

    NOTHING = 0
    EXPRESSION = 1
    REGISTER = 2
    SYMBOL = 3
    COMMAND = 4


@dataclass(frozen=True)
class Kind:
    """A kind of argument: ``read`` makes a value of its text or raises CommandError."""

    read: Callable[[Session, str], object]
    shape: Shape = Shape.WORD
    completion: Completion = Completion.NOTHING
    choices: tuple[str, ...] = ()


def choice(*words: str) -> Kind:
    """One of some words, or an unambiguous prefix."""

    def read(_session: Session, text: str) -> str:
        fitting = [word for word in words if word.startswith(text)]
        if text in words or len(fitting) == 1:
            return text if text in words else fitting[0]
        raise CommandError(f"{text!r} is none of {', '.join(words)}")

    return Kind(read, choices=words)


def _expression(session: Session, text: str) -> int:
    return session.evaluate(text)


def _counted(most: int) -> Callable[[Session, str], object]:
    """Reads a count of at most ``most``."""

    def read(session: Session, text: str) -> int:
        value = session.evaluate(text)
        if not 1 <= value <= most:
            raise CommandError(f"{text!r} is {value}, not a count from 1 to {most}")
        return value

    return read


def _time(session: Session, text: str) -> int:
    value = session.evaluate(text)
    if not 1 <= value < 1 << 62:
        raise CommandError(f"{text!r} is {value}, not a time from 1 to 2**62 nanoseconds")
    return value


def _goal(_session: Session, text: str) -> Goal:
    try:
        return parse_goal(text)
    except Error as error:
        raise CommandError(str(error)) from None


def _snapshot_name(_session: Session, text: str) -> Path:
    try:
        return path_of(text)
    except Error as error:
        raise CommandError(str(error)) from None


def _register(session: Session, text: str) -> str:
    name = text.lstrip("$")
    try:
        return full_name(session.debuggee, name)
    except Refused:
        raise CommandError(f"no register {name!r} in {session.debuggee.name}") from None


def _vector(session: Session, text: str) -> int:
    mnemonic = BY_MNEMONIC.get(f"#{text.lstrip('#').upper()}") or BY_MNEMONIC.get(text.upper())
    if mnemonic is not None:
        return mnemonic.number
    value = session.evaluate(text)
    if value > 255:
        raise CommandError(f"{text!r} is {value:#x}; vectors end at 255")
    return value


def _text(_session: Session, text: str) -> str:
    return text


def _option(_session: Session, _text: str) -> bool:
    return True


MOST = 1 << 16
"""The most of anything that a command prints."""

MOST_STEPS = 1 << 30

Expression = Annotated[int, Kind(_expression, completion=Completion.EXPRESSION)]
"""A number, $register, symbol or sum: `ringscope.expressions`."""
Count = Annotated[int, Kind(_counted(MOST))]
"""A number of things to show, from 1 to `MOST`."""
Steps = Annotated[int, Kind(_counted(MOST_STEPS))]
"""A number of instructions to run."""
Nanoseconds = Annotated[int, Kind(_time)]
"""A span of virtual time."""
Place = Annotated[Goal, Kind(_goal)]
"""A position in the run: bytes of code, or bytes,events."""
SnapshotName = Annotated[Path, Kind(_snapshot_name)]
"""The name of a snapshot, as the path of its file."""
ViewName = Annotated[str, choice(*VIEWS)]
"""What gdb's threads are."""
RegisterName = Annotated[str, Kind(_register, completion=Completion.REGISTER)]
"""A register, with or without the dollar sign."""
VectorNumber = Annotated[int, Kind(_vector)]
"""A vector, by number or mnemonic (``pf``)."""
Name = Annotated[str, Kind(_text, completion=Completion.SYMBOL)]
"""A word taken as it is."""
Rest = Annotated[str, Kind(_text, Shape.REST)]
"""The rest of the line as it is."""
CommandLine = Annotated[str, Kind(_text, Shape.REST, Completion.COMMAND)]
"""The rest of the line, which names a command."""
Option = Annotated[bool, Kind(_option, Shape.OPTION)]
"""Whether ``-x`` is there."""
Format = Annotated[str, Kind(_text, Shape.FORMAT)]
"""What stands after a slash."""

_WORD = re.compile(r"\S")
_DEPTH = {"(": 1, "[": 1, ")": -1, "]": -1}


def split_words(text: str, most: int = -1) -> list[str]:
    """Split at blanks outside brackets; after ``most`` words the rest stays whole."""
    words: list[str] = []
    at = 0
    while found := _WORD.search(text, at):
        if len(words) == most:
            return [*words, text[found.start() :].rstrip()]
        at = _word_end(text, found.start())
        words.append(text[found.start() : at])
    return words


def _word_end(text: str, start: int) -> int:
    depth = 0
    for at in range(start, len(text)):
        if text[at].isspace() and depth <= 0:
            return at
        depth += _DEPTH.get(text[at], 0)
    return len(text)

"""Why the machine stopped: values, set by hooks and read by the run loop."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from machine.fields import Kind, mapping, number, text


class Access(Enum):
    """What a watchpoint waits for."""

    WRITE = "write"
    READ = "read"
    ANY = "access"


class FaultRecord(NamedTuple):
    """One link of a chain of faults during delivery."""

    vector: int
    error_code: int | None
    address: int
    reason: str


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """The instruction at linear ``address`` is next and has not run."""

    address: int


@dataclass(frozen=True, slots=True)
class Watchpoint:
    """The instruction before this one touched a watched range.

    ``address`` is the first byte touched in it, ``range_start`` where it begins, both linear, or ``physical``.
    """

    access: Access
    address: int
    range_start: int
    physical: bool = False


@dataclass(frozen=True, slots=True)
class Caught:
    """A catch met what it waits for: its number, and that in a line; ``fault`` is the exception if it is one."""

    number: int
    text: str
    fault: FaultRecord | None = None


@dataclass(frozen=True, slots=True)
class Stepped:
    """One instruction ran, or one event was delivered."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """The run is where it was to go."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The user asked for a stop."""


@dataclass(frozen=True, slots=True)
class Halted:
    """The processor executed HLT with interrupts disabled: nothing can wake it."""

    address: int


@dataclass(frozen=True, slots=True)
class Exited:
    """The guest wrote ``code`` to the exit port.  QEMU's process would end with status (code << 1) | 1."""

    code: int


@dataclass(frozen=True, slots=True)
class Reset:
    """The guest asked for a restart; ``cause`` names the register it used.  A triple fault is a `Shutdown`."""

    cause: str


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Triple fault (SDM 3A 6.15, interrupt 8): the chain of faults that led there, oldest first."""

    chain: tuple[FaultRecord, ...]


Stop = Arrived | Breakpoint | Caught | Watchpoint | Stepped | Interrupted | Halted | Exited | Reset | Shutdown


_CODE = number(0xFFFFFFFF)


def _save_end(end: Exited | Reset) -> object:
    return {"code": end.code} if isinstance(end, Exited) else {"cause": end.cause}


def _load_end(value: object, _before: object, where: str) -> Exited | Reset:
    state = mapping(value, where)
    if "code" in state:
        return Exited(_CODE.load(state["code"], None, f"{where}: code"))
    return Reset(text.load(state.get("cause"), None, f"{where}: cause"))


END = Kind(_save_end, _load_end)
"""How a snapshot keeps the end of a machine that does not run again."""

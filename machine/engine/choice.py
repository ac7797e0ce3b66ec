"""Which engine runs: the fast one where it can, else the portable one, with the same results."""

from __future__ import annotations

from enum import Enum

from unicorn import Uc

from machine.engine.fast import FastProgress
from machine.engine.progress import Progress
from machine.engine.proof import refusal
from machine.engine.state import State
from machine.memory import Memory


class Engine(Enum):
    """How a processor is run; the guest cannot tell."""

    FAST = "fast"
    """Machine code in the library's way; for one release of Unicorn on one kind of host."""

    PORTABLE = "portable"
    """Unicorn's public interface."""

    PLAIN = "plain"
    """The portable engine without any machine code of our own."""


def best() -> Engine:
    """The engine that runs where none is named."""
    return Engine.PORTABLE if refusal() else Engine.FAST


def make_progress(uc: Uc, state: State, memory: Memory, engine: Engine | None) -> Progress:
    """The clock of a processor.

    Raises `EngineError` if the engine named cannot run here.
    """
    engine = engine or best()
    if engine is Engine.FAST:
        return FastProgress(uc, state, memory)
    return Progress(uc, state, native=engine is Engine.PORTABLE)

"""What to boot: plain values, so that a command line can be read before the machine is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from machine.limits import DEFAULT_MEMORY, QUANTUM
from machine.positions import Goal
from ringscope.serial.spec import STDIO, Spec

RESET_STATUS = 2
"""Exit status of a guest that asked for a restart."""


class UsageError(Exception):
    """Options that do not go together; the message names one."""


CPU, TASKS = "cpu", "tasks"
VIEWS = (CPU, TASKS)
"""What gdb's threads can be: the machine's processors (default), the guest's tasks."""


@dataclass(frozen=True)
class Configuration:
    """What to boot.

    ``kernel`` None means ringscope's own kernel with its initial RAM disk; ``memory`` is in bytes; ``entry`` is where
    a Linux bzImage is entered, a name in `machine.boot.linux.ENTRIES`, and ringscope's own kernel with one is its
    bzImage; ``symbols_file`` is an ELF file with the symbols of a kernel that has none itself; ``serial`` is what the
    serial ports are joined to, COM1 first; ``engine`` is one of `machine.limits.ENGINE_NAMES`, or None for the fast
    one where it can run; ``snapshot`` is a file to go on from instead, with an empty ``serial`` for what its ports
    were joined to; ``stop_at`` is where the machine's first run ends; ``least_memory`` is known to be enough for this
    kernel to run, where that is known;
    ``processors`` is how many there are, and the bytes of code in a turn of one.
    """

    kernel: Path | None = None
    initrd: Path | None = None
    append: str = ""
    memory: int = DEFAULT_MEMORY
    entry: str | None = None
    symbols_file: Path | None = None
    serial: tuple[Spec, ...] = (STDIO,)
    engine: str | None = None
    snapshot: Path | None = None
    stop_at: Goal | None = None
    least_memory: int = 0
    processors: tuple[int, int] = (1, QUANTUM)

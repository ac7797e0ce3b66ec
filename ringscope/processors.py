"""Several processors on the command line: the options, and what does not go with them."""

from __future__ import annotations

import argparse

from machine.limits import ENGINE_NAMES, MOST_PROCESSORS, QUANTUM
from ringscope.configuration import CPU, TASKS, UsageError

_ONE_ALONE = ("snapshot_at", "instant", "from_snapshot")
_MOST_QUANTUM = 1 << 30


def processors(text: str) -> int:
    """A number of processors.  Raises argparse.ArgumentTypeError naming what is wrong with it."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_PROCESSORS):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processors: use 1 to {MOST_PROCESSORS}")
    return int(text)


def quantum(text: str) -> int:
    """Bytes of code in a turn.  Raises argparse.ArgumentTypeError naming what is wrong with it."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_QUANTUM):
        raise argparse.ArgumentTypeError(f"{text!r} is no quantum: use 1 to {_MOST_QUANTUM} bytes of code")
    return int(text)


def add_options(group: argparse._ArgumentGroup) -> None:
    """What every command with a machine of its own takes."""
    group.add_argument(
        "--engine", choices=ENGINE_NAMES, help="what runs the processor; default: fast where it can (ringscope doctor)"
    )
    group.add_argument("--cpus", type=processors, metavar="N", help=f"processors, 1 to {MOST_PROCESSORS}; default: 1")
    group.add_argument(
        "--quantum", type=quantum, metavar="BYTES", help=f"code that a processor runs in its turn; default: {QUANTUM}"
    )


def chosen(arguments: argparse.Namespace) -> tuple[int, int]:
    """How many, and their quantum.  Raises `UsageError` for options that do not go together."""
    count = arguments.cpus or 1
    if count == 1:
        if arguments.quantum:
            raise UsageError("--quantum has no effect on one processor: give --cpus too")
        return 1, QUANTUM
    if arguments.engine == "fast":
        raise UsageError(f"--cpus {count}: the fast engine runs one processor alone; --engine portable runs several")
    if getattr(arguments, "view", CPU) == TASKS:
        raise UsageError(f"--cpus {count}: --view tasks has no place beside it: gdb's threads are the processors")
    for name in _ONE_ALONE:
        if getattr(arguments, name, None):
            option = name.replace("_", "-")
            raise UsageError(f"--cpus {count}: --{option} has no place beside it, as a snapshot keeps one processor")
    return count, arguments.quantum or QUANTUM

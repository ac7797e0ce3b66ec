"""A guest's machine at power-on again: the same kernel and devices, with its own command line or one for a program."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gdbstub.values import Program
from machine import snapshot
from machine.errors import BootError, Error
from ringscope.configuration import Configuration

if TYPE_CHECKING:
    from ringscope.boot import Guest

_INIT = ("init=", "rdinit=")
_END = "--"


def restart(guest: Guest, program: Program | None = None) -> None:
    """Put a guest's machine, between two runs, where it was switched on; breakpoints and watches stay.

    With a program, that is the kernel's first one.  Raises `machine.errors.Error`, OSError.
    """
    setup = guest.configuration
    if setup is None:
        raise Error(f"nothing is known of how {guest.kernel} was started")
    if setup.snapshot is None:
        line = setup.append if program is None else command_line(setup.append, program, ours=guest.image is not None)
        _begin(guest, replace(setup, append=line, stop_at=None))
    elif program is None:
        _load(guest, setup.snapshot)
    else:
        raise Error(f"{program.path} cannot be started: the machine comes from {setup.snapshot}, not from a kernel")
    guest.machine.goal = None


def _begin(guest: Guest, setup: Configuration) -> None:
    """By way of a second machine, so that the first one changes only if all goes well."""
    from ringscope.boot import load_machine

    with tempfile.TemporaryDirectory(prefix="ringscope-") as directory:
        path = Path(directory) / "power-on"
        snapshot.save(load_machine(setup)[0], path)
        _load(guest, path)


def _load(guest: Guest, path: Path) -> None:
    with snapshot.opened(path) as found:
        snapshot.load(guest.machine, found)


def command_line(line: str, program: Program, *, ours: bool) -> str:
    """The kernel's command line with a program as the first: ``init=``, its environment, its arguments behind ``--``
    (Linux: Documentation/admin-guide/kernel-parameters.rst).

    ``ours`` is our kernel, of which every word without ``=`` is for the program.  Raises `BootError` for what no
    command line can hold.
    """
    kept = [word for word in line.partition(f" {_END} ")[0].split() if not word.startswith(_INIT) and word != _END]
    if ours:
        kept = [word for word in kept if "=" in word]
    variables = [f"{name}={value}" for name, value in program.environment.items()]
    for word in (program.path, *program.arguments, *variables):
        if not word or set(word) & set(" \t\n\"'"):
            raise BootError(f"{word!r} cannot be given to a program: the kernel's command line is cut at blanks")
    # Linux looks for rdinit= in an initial RAM disk, and for init= elsewhere.
    first = [f"{key}{program.path}" for key in (_INIT[:1] if ours else _INIT)]
    return " ".join([*kept, *variables, *first, *([_END, *program.arguments] if program.arguments else [])])

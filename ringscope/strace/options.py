"""`--strace` and `--strace-summary`: the tracer on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringscope.boot import Guest
    from ringscope.strace.tracer import Write

STDERR = "-"


def add_options(parser: argparse.ArgumentParser) -> None:
    """To a command that runs a machine."""
    parser.add_argument("--strace", metavar="FILE", help="a line for each system call of the guest; - is stderr")
    parser.add_argument(
        "--strace-summary", metavar="FILE", help="what the guest's system calls cost, at the end, in its own time"
    )


@contextmanager
def tracing(guest: Guest, arguments: argparse.Namespace) -> Iterator[None]:
    """Trace a guest as the options say, if they do.  Raises OSError, `machine.errors.Error`."""
    if arguments.strace is None and arguments.strace_summary is None:
        yield
        return
    from ringscope.strace.tracer import Tracer

    with ExitStack() as stack:
        lines = _writer(arguments.strace, stack)
        total = _writer(arguments.strace_summary, stack)
        tracer = Tracer(guest.machine, guest.symbols, lines)
        try:
            yield
        finally:
            tracer.stop()
            if total is not None:
                total("".join(f"{line}\n" for line in tracer.summary.lines()))


def _writer(name: str | None, stack: ExitStack) -> Write | None:
    if name is None:
        return None
    if name == STDERR:
        return sys.stderr.write
    return stack.enter_context(Path(name).open("w", encoding="utf-8")).write

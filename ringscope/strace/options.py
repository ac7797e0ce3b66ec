"""`--strace` and `--strace-summary`: the tracer on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ringscope.configuration import UsageError
from ringscope.output import naming
from ringscope.parser import output_file

if TYPE_CHECKING:
    from ringscope.boot import Guest
    from ringscope.strace.tracer import Write

STDERR = Path("-")


def add_options(parser: argparse.ArgumentParser) -> None:
    """To a command that runs a machine."""
    parser.add_argument(
        "--strace", type=output_file, metavar="FILE", help="a line for each system call of the guest; - is stderr"
    )
    parser.add_argument(
        "--strace-summary",
        type=output_file,
        metavar="FILE",
        help="what the guest's system calls cost, at the end, in its own time",
    )


@contextmanager
def tracing(guest: Guest, arguments: argparse.Namespace) -> Iterator[None]:
    """Trace a guest as the options say, if they do.

    Raises `UsageError` for a file that cannot be had, `OutputError` for one that cannot be written to, which ends the
    run, `machine.errors.Error`.
    """
    wanted: tuple[Path | None, Path | None] = arguments.strace, arguments.strace_summary
    if wanted == (None, None):
        yield
        return
    from ringscope.strace.tracer import Tracer

    with ExitStack() as stack:
        writers = {path: _writer(path, stack) for path in set(wanted) if path is not None}
        lines, total = (None if path is None else writers[path] for path in wanted)
        tracer = Tracer(guest.machine, guest.symbols, lines)
        try:
            yield
        finally:
            tracer.stop()
            if total is not None:
                total("".join(f"{line}\n" for line in tracer.summary.lines()))


def _writer(path: Path, stack: ExitStack) -> Write:
    if path == STDERR:
        return sys.stderr.write
    file = _File(path)
    stack.callback(file.close)
    return file.write


class _File:
    """A file whose errors name it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._stream = path.open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from error

    def write(self, text: str) -> None:
        with naming(self._path):
            self._stream.write(text)

    def close(self) -> None:
        with naming(self._path):
            self._stream.close()

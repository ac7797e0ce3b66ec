"""Standard output, and the files that the user names for output: what cannot be written is told in one sentence."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

READER_GONE = 128 + signal.SIGPIPE
"""Exit status where who read standard output has left (`ringscope … | head`): what a shell says of a Unix tool.

Python ignores SIGPIPE, and so do we: it would end a server whose client vanished, and leave a terminal in raw mode.
"""


class OutputError(Exception):
    """Something cannot be written; the message names it and why."""


@contextmanager
def naming(what: object) -> Iterator[None]:
    """Raises `OutputError` about ``what``, a path or an option with one, for each OSError inside."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{what}: {error.strerror or error}") from error


def open_standard_streams() -> None:
    """Descriptors 0 to 2 that came closed lead nowhere, so that no file gets their numbers."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - descriptors, to the end
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


@contextmanager
def to_stdout() -> Iterator[None]:
    """Write inside, and nothing else.  Raises BrokenPipeError, `OutputError`: standard output leads nowhere then.

    What still waits would be tried once more as the interpreter ends, and that told at length.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        if isinstance(error, BrokenPipeError):
            raise
        raise OutputError(f"standard output: {error.strerror or error}") from error


def flush_stdout() -> None:
    """Pass on what waits.  Raises BrokenPipeError, `OutputError`."""
    with to_stdout():
        pass


def write_stdout(data: bytes) -> None:
    """Console output to the terminal, at once.  Raises BrokenPipeError, `OutputError`."""
    with to_stdout():
        sys.stdout.buffer.write(data)


def write_stdout_if_read(data: bytes) -> None:
    """Console output of a machine that others look at too: it goes on when nobody takes this any more."""
    with suppress(BrokenPipeError, OutputError):
        write_stdout(data)


def settle(status: int, failures: Iterable[str]) -> int:
    """A run's exit status, with what its files could not keep told on stderr: who relies on them shall not read 0."""
    for failure in failures:
        sys.stderr.write(f"ringscope: {failure}\n")
        status = status or 1
    return status

"""Stock gdb under control through its machine interface (gdb manual, "GDB/MI Output Records").

One reader files every record in order. A result is found by the token of its command, a stop is the first one that
came after the command that resumed; nothing sleeps and nothing is guessed from silence. `pygdbmi` parses the records;
its controller, which collects whatever came within a time-out, is not used.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from pygdbmi.gdbmiparser import parse_response

PRELUDE = (
    "set confirm off",
    "set pagination off",
    "set width 0",
    "set height 0",
    "set style enabled off",
    "set debuginfod enabled off",
    "set history save off",
)
"""What makes gdb's answers depend on the target alone; sent first in every session."""

_TEXT = frozenset(("console", "target"))


class GdbError(Exception):
    """Root of what goes wrong with a gdb process; the message names the command."""


class Refused(GdbError):
    """gdb answered a command with an error; the message is gdb's own sentence."""


class NoAnswer(GdbError):
    """No result, or no stop, within the time allowed."""


class Gone(GdbError):
    """The gdb process ended."""


class Record(NamedTuple):
    """One output record: `kind` is result, notify, console, log, target or output, as `pygdbmi` names them."""

    kind: str
    message: str | None
    token: int | None
    payload: Any


class Gdb:
    """A gdb process, for ``with``; it dies with the block.

    ``seconds`` bounds the wait for each answer and for the stop that a command leads to.
    """

    def __init__(self, program: str, *arguments: str | Path, seconds: float = 20.0) -> None:
        self.seconds = seconds
        self.records: list[Record] = []
        self._argv = [program, "-nx", "-q", "--interpreter=mi3", *map(str, arguments)]
        self._token = 0
        self._partial = b""
        self._deadline = 0.0

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        # A session of its own: the user's Ctrl-C ends us, and we end gdb.
        self._process = subprocess.Popen(
            self._argv, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, bufsize=0, start_new_session=True
        )
        assert self._process.stdin and self._process.stdout
        self._input, self._output = self._process.stdin, self._process.stdout
        os.set_blocking(self._output.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)
        try:
            for line in PRELUDE:
                self.execute(line)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process: an idle gdb leaves at the end of its input, a busy one is killed."""
        self._selector.close()
        self._input.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()

    def execute(self, line: str) -> str:
        """What gdb prints for a CLI command; one that resumes the target is over when the target has stopped.

        Lines after the first are what gdb asks for at its `>` prompt: those of `actions`, `commands` or `define`, with
        their ``end``.  Raises `Refused`, `NoAnswer` or `Gone`.
        """
        since = len(self.records)
        if self._console(line).message == "running":
            self._stop(line, since)
        return self._text(since)

    def start(self, line: str) -> None:
        """Resume with a CLI command and let the target run, until `interrupt`.  Raises as `execute` does."""
        self._console(line)

    def interrupt(self) -> str:
        """The user's Ctrl-C: what gdb prints until the target has stopped.  Raises `NoAnswer` or `Gone`."""
        since = len(self.records)
        self._deadline = time.monotonic() + self.seconds
        self._process.send_signal(signal.SIGINT)
        self._stop("^C", since)
        return self._text(since)

    def _console(self, line: str) -> Record:
        first, *rest = line.split("\n")
        return self._result(first, self._send("\n".join((f"-interpreter-exec console {quoted(first)}", *rest))))

    def _text(self, since: int) -> str:
        return "".join(record.payload or "" for record in self.records[since:] if record.kind in _TEXT)

    def command(self, line: str) -> dict[str, Any]:
        """The payload of an MI command's result.  Raises as `execute` does."""
        return self._result(line, self._send(line)).payload or {}

    def _send(self, line: str) -> int:
        self._token += 1
        self._deadline = time.monotonic() + self.seconds
        try:
            self._input.write(f"{self._token}{line}\n".encode())
        except BrokenPipeError:
            raise self._gone() from None
        return self._token

    def _result(self, line: str, token: int) -> Record:
        for record in self._await(line, len(self.records)):
            if record.kind == "result" and record.token == token:
                _refuse(record)
                return record
        raise AssertionError("records never end")

    def _stop(self, line: str, since: int) -> Record:
        # gdb may say ^running first and ^error later, with the same token.
        for record in self._await(line, since):
            if record.kind == "notify" and record.message == "stopped":
                return record
            if record.kind == "result":
                _refuse(record)
        raise AssertionError("records never end")

    def _await(self, line: str, since: int) -> Iterator[Record]:
        """Records from number `since` on, for as long as the caller wants more."""
        while True:
            for record in self.records[since:]:
                since += 1
                yield record
            self._read(line)

    def _read(self, line: str) -> None:
        """Wait for output and file its records."""
        left = self._deadline - time.monotonic()
        if left <= 0 or not self._selector.select(left):
            raise NoAnswer(f"no answer to `{line}` within {self.seconds:g} s")
        chunk = self._output.read()
        if chunk == b"":
            raise self._gone()
        *lines, self._partial = (self._partial + (chunk or b"")).split(b"\n")
        for raw in lines:
            self._file(raw.decode(errors="replace").rstrip("\r"))

    def _file(self, line: str) -> None:
        if line.strip() == "(gdb)":
            return
        found = parse_response(line)
        self.records.append(Record(found["type"], found["message"], found.get("token"), found["payload"]))

    def _gone(self) -> Gone:
        return Gone(f"gdb ended with status {self._process.wait()}")


def _refuse(result: Record) -> None:
    """Raise what gdb said if the result is an error."""
    if result.message == "error":
        raise Refused((result.payload or {}).get("msg", "gdb gave no reason"))


def quoted(text: str) -> str:
    """An MI c-string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

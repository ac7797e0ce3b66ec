"""Stock gdb under control: one reader, results matched by token, stops matched by order of arrival; no sleeps.

`Gdb` speaks MI to one gdb process; `gdb_batch` runs a short script in another. pygdbmi parses the records, but its
controller collects "whatever came within the time-out", which loses or swaps stops. Here every record gets a
sequence number as it is read, a resumption takes the first stop that came after its own command was sent, and a stop
that nobody took stays visible in `Gdb.unclaimed`.
"""

import os
import re
import selectors
import subprocess
import time
from typing import NamedTuple

from pygdbmi.gdbmiparser import parse_response

PRELUDE = (
    "set confirm off",
    "set pagination off",
    "set width 0",
    "set style enabled off",
    "set debuginfod enabled off",
    "set history save off",
)


class Record(NamedTuple):
    """One MI record: `kind` is result, notify, console, log, target or output."""

    sequence: int
    kind: str
    message: str | None
    token: int | None
    payload: object


class Stop(NamedTuple):
    """A `*stopped` record: `reason` is gdb's word ("breakpoint-hit", "end-stepping-range"), "" where it gives none."""

    reason: str
    frame: dict
    payload: dict
    sequence: int

    @property
    def address(self):
        return int(self.frame["addr"], 16)

    @property
    def function(self):
        return self.frame.get("func")


class GdbFailure(AssertionError):
    """gdb said no, said nothing in time, or went away; the message ends with the whole transcript."""


class Gdb:
    """A gdb process, for `with`. `seconds` bounds its whole life, so that no test can hang.

    `arguments` go to gdb as they are, for example the file to debug.
    """

    def __init__(self, *arguments, seconds=60.0, program="gdb"):
        self.argv = [program, "-nx", "-q", "--interpreter=mi3", *map(str, arguments)]
        self.deadline = time.monotonic() + seconds
        self.seconds = seconds
        self.transcript = []
        self.records = []
        self.unclaimed = []
        self._token = 0
        self._bytes = b""

    def __enter__(self):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            self.argv, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, start_new_session=True
        )
        os.set_blocking(self.process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.process.stdout, selectors.EVENT_READ)
        try:
            for line in PRELUDE:
                self.console(line)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._selector.close()
        self.process.stdin.close()  # end of input makes an idle gdb leave; a busy one is killed
        try:
            self.process.wait(0.5 if self.process.poll() is None else 0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    # ------------------------------------------------------------------ records

    def failure(self, sentence):
        return GdbFailure("\n".join([sentence, "--- transcript ---", *self.transcript]))

    def _read(self):
        """Wait for output of gdb and file its records."""
        left = self.deadline - time.monotonic()
        if left <= 0 or not self._selector.select(left):
            raise self.failure(f"gdb gave no answer within {self.seconds:g} s of its start")
        chunk = self.process.stdout.read()
        if chunk == b"":
            raise self.failure(f"gdb went away with status {self.process.wait()}")
        *lines, self._bytes = (self._bytes + (chunk or b"")).split(b"\n")
        for line in lines:
            self._file(line.decode(errors="replace").rstrip("\r"))

    def _file(self, line):
        self.transcript.append(f"< {line}")
        if line.strip() == "(gdb)":
            return
        parsed = parse_response(line)
        record = Record(len(self.records), parsed["type"], parsed["message"], parsed.get("token"), parsed["payload"])
        self.records.append(record)
        if record.kind == "notify" and record.message == "stopped":
            fields = record.payload or {}
            self.unclaimed.append(Stop(fields.get("reason", ""), fields.get("frame", {}), fields, record.sequence))

    def _send(self, line):
        self._token += 1
        self.transcript.append(f"> {self._token}{line}")
        try:
            self.process.stdin.write(f"{self._token}{line}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise self.failure(f"gdb is gone: {line} could not be sent") from error
        return self._token

    def _result(self, token, since):
        """The result record of `token` among the records from number `since` on."""
        while True:
            for record in self.records[since:]:
                if record.kind == "result" and record.token == token:
                    return record
            since = len(self.records)
            self._read()

    def _execute(self, line):
        since = len(self.records)
        result = self._result(self._send(line), since)
        if result.message == "error":
            raise self.failure(f"{line}: {result.payload['msg']}")
        return result

    # ------------------------------------------------------------------ commands

    def command(self, line):
        """Send an MI command; the payload of its result. Raises GdbFailure on ^error."""
        return self._execute(line).payload or {}

    def console(self, line):
        """Send a CLI command that does not resume; what gdb printed for it."""
        since = len(self.records)
        end = self._execute(f"-interpreter-exec console {quoted(line)}").sequence
        kinds = {"console", "target"}
        return "".join(record.payload or "" for record in self.records[since:end] if record.kind in kinds)

    def refusal(self, line):
        """Send a CLI command that must fail; gdb's error message."""
        since = len(self.records)
        result = self._result(self._send(f"-interpreter-exec console {quoted(line)}"), since)
        if result.message != "error":
            raise self.failure(f"{line} should have been refused, gdb answered {result.message}")
        return result.payload["msg"]

    def value(self, expression):
        """An expression as an unsigned 64-bit integer."""
        wide = f"(unsigned long long)({expression})"
        return int(self.command(f"-data-evaluate-expression {quoted(wide)}")["value"], 0)

    def register(self, name):
        return self.value(f"${name}")

    def registers(self):
        """All registers that hold one integer, by name."""
        names = self.command("-data-list-register-names")["register-names"]
        values = self.command("-data-list-register-values --skip-unavailable x")["register-values"]
        pairs = ((names[int(entry["number"])], entry["value"]) for entry in values)
        return {name: int(value, 16) for name, value in pairs if value.startswith("0x")}

    def backtrace(self):
        """The frames, innermost first: dicts with addr, and where known func, file, line."""
        return self.command("-stack-list-frames")["stack"]

    def break_at(self, location, *, hardware=False, temporary=False):
        """Insert a breakpoint; its number."""
        options = ["-h"] * hardware + ["-t"] * temporary
        return self.command(" ".join(["-break-insert", *options, quoted(location)]))["bkpt"]["number"]

    # ------------------------------------------------------------------ running

    def resume(self, line):
        """Send an MI or CLI command that resumes or attaches, and wait for the stop that it leads to."""
        since = len(self.records)
        token = self._send(line if line.startswith("-") else f"-interpreter-exec console {quoted(line)}")
        while True:
            stop = next((stop for stop in self.unclaimed if stop.sequence >= since), None)
            error = self._error(token, since)
            if error is not None:
                raise self.failure(f"{line}: {error}")
            if stop is not None and self._answered(token, since):
                self.unclaimed.remove(stop)
                return stop
            self._read()

    def _answered(self, token, since):
        return any(record.kind == "result" and record.token == token for record in self.records[since:])

    # gdb may say ^running first and ^error with the same token later.
    def _error(self, token, since):
        for record in self.records[since:]:
            if record.kind == "result" and record.token == token and record.message == "error":
                return record.payload["msg"]
        return None

    def start(self, line):
        """Resume and do not wait: for a target that will run until `interrupt`. Take the stop with `stop`."""
        self.command(line)

    def stop(self):
        """The earliest stop that nobody has taken, waiting for it if need be."""
        while not self.unclaimed:
            self._read()
        return self.unclaimed.pop(0)

    def interrupt(self):
        """Send gdb the user's Ctrl-C and wait for the stop."""
        self.process.send_signal(2)
        return self.stop()

    def connect(self, address):
        """`target remote` to HOST:PORT or a socket path."""
        return self.resume(f"-target-select remote {address}")

    def run_to(self, location):
        """Continue to a temporary breakpoint; a stop anywhere else is a failure."""
        number = self.break_at(location, temporary=True)
        stop = self.resume("-exec-continue")
        if stop.reason != "breakpoint-hit" or stop.payload.get("bkptno") != number:
            raise self.failure(f"on the way to {location} gdb stopped elsewhere: {stop}")
        return stop

    def step_instruction(self):
        return self.resume("-exec-step-instruction")

    def cont(self):
        return self.resume("-exec-continue")

    def finish(self):
        return self.resume("-exec-finish")


def quoted(text):
    """An MI c-string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def gdb_batch(*commands, connect=None, file=None, seconds=60.0, program="gdb"):
    """Run commands in `gdb -batch`, after loading `file` and connecting to HOST:PORT or a socket path.

    Returns all that gdb printed. Raises GdbFailure, with the output, on a time-out or a nonzero exit status.
    """
    lines = [*PRELUDE, *([f"target remote {connect}"] if connect else []), *commands]
    argv = [program, "-nx", "-q", "-batch", *(word for line in lines for word in ("-ex", line))]
    argv += ["--", str(file)] if file else []
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        output = (error.output or b"").decode(errors="replace")
        raise GdbFailure(f"gdb -batch was not done after {seconds:g} s:\n{output}") from error
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        raise GdbFailure(f"gdb -batch ended with status {done.returncode}:\n{output}")
    return output


def values(output):
    """What `print` said, in order."""
    return re.findall(r"^\$\d+ = (.*)", output, re.MULTILINE)


def functions(output):
    """The functions of a backtrace's frames."""
    return re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\S+) \(", output, re.MULTILINE)

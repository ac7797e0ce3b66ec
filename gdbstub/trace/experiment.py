"""The trace experiment: tracepoints, variables, the buffer, and whether it runs."""

import errno
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from gdbstub.agent.effects import Printing, Variables
from gdbstub.errors import TargetError
from gdbstub.target import Probe
from gdbstub.trace.actions import Collect, NoRoom, Recorder
from gdbstub.trace.frames import Buffer, Frame
from gdbstub.trace.tracepoint import Tracepoint

MOST_TRACEPOINTS = 256
MOST_VARIABLES = 1024
MOST_TEXT = 1 << 20
"""Bytes of actions and sources, as they were sent, of all tracepoints."""


class Ended(Enum):
    """Why it does not run; the value is the word of the status packet."""

    NOT_RUN = "tnotrun"
    STOPPED = "tstop"
    FULL = "tfull"
    DISCONNECTED = "tdisconnected"
    PASSES = "tpasscount"
    ERROR = "terror"


@dataclass(frozen=True, slots=True)
class Variable:
    """A trace state variable's definition."""

    number: int
    initial: int
    name: str


@dataclass(slots=True)
class Stepping:
    """A tracepoint whose thread is stepped: so many steps are left."""

    tracepoint: Tracepoint
    thread: int
    left: int


@dataclass(slots=True)
class Notes:
    """Texts of the user for the status."""

    user: bytes = b""
    notes: bytes = b""
    tstop: bytes = b""


def _now() -> int:
    """Microseconds since 1970, for the user's eyes."""
    return time.time_ns() // 1000


@dataclass
class Experiment:
    """All that the tracepoint packets define, and what tracing leaves. The target is none of its business."""

    printing: Printing
    values: Variables
    now: Callable[[], int] = _now
    tracepoints: dict[tuple[int, int], Tracepoint] = field(default_factory=dict)
    variables: dict[int, Variable] = field(default_factory=dict)
    buffer: Buffer = field(default_factory=Buffer)
    running: bool = False
    ended: Ended = Ended.NOT_RUN
    ended_by: int = 0
    error: str = ""
    stays: bool = False
    """It goes on when the client is gone."""
    started: int = 0
    stopped: int = 0
    notes: Notes = field(default_factory=Notes)
    read_only: list[tuple[int, int]] = field(default_factory=list)
    stepping: list[Stepping] = field(default_factory=list)

    def clear(self) -> None:
        """Forget tracepoints, variables, and frames."""
        self.stop(Ended.NOT_RUN)
        self.tracepoints.clear()
        self.variables.clear()
        self.values.values.clear()
        self.read_only.clear()
        self.buffer.clear()
        self.started = self.stopped = 0

    def define(self, tracepoint: Tracepoint) -> None:
        """Add a tracepoint, or begin it anew. Raises TargetError if there are too many."""
        if len(self.tracepoints) >= MOST_TRACEPOINTS and tracepoint.key not in self.tracepoints:
            raise TargetError(errno.ENOSPC, f"{MOST_TRACEPOINTS} tracepoints are all there can be")
        self.tracepoints[tracepoint.key] = tracepoint

    def check_room(self, text: bytes) -> None:
        """Raises TargetError if there is no room for more text of definitions."""
        if sum(tracepoint.text_length for tracepoint in self.tracepoints.values()) + len(text) > MOST_TEXT:
            raise TargetError(errno.ENOSPC, f"tracepoints of more than {MOST_TEXT} bytes of actions and sources")

    def find(self, number: int, address: int) -> Tracepoint:
        """A tracepoint. Raises TargetError if there is none."""
        try:
            return self.tracepoints[number, address]
        except KeyError:
            raise TargetError(errno.ENOENT, f"there is no tracepoint {number} at {address:#x}") from None

    def define_variable(self, variable: Variable) -> None:
        """Add a variable with its initial value. Raises TargetError if there are too many."""
        if len(self.variables) >= MOST_VARIABLES and variable.number not in self.variables:
            raise TargetError(errno.ENOSPC, f"{MOST_VARIABLES} trace state variables are all there can be")
        self.variables[variable.number] = variable
        self.values[variable.number] = variable.initial

    def start(self) -> None:
        """Run with an empty buffer."""
        self.buffer.clear()
        for tracepoint in self.tracepoints.values():
            tracepoint.hits = tracepoint.usage = 0
        self.ended, self.ended_by, self.error = Ended.NOT_RUN, 0, ""
        self.started, self.stopped, self.running = self.now(), 0, True

    def stop(self, why: Ended, tracepoint: int = 0) -> None:
        """Run no more; what was collected stays."""
        if self.running:
            self.ended, self.ended_by, self.stopped = why, tracepoint, self.now()
        self.running = False
        self.stepping.clear()

    # At a hit

    def hit(self, tracepoint: Tracepoint, probe: Probe) -> bool:
        """A tracepoint's instruction is next: collect. True if steps must follow."""
        if not (self.running and tracepoint.enabled and self._holds(tracepoint, probe)):
            return False
        tracepoint.hits += 1
        self._collect(tracepoint, tracepoint.actions, probe)
        if self.running and tracepoint.hits == tracepoint.passes:
            self.stop(Ended.PASSES, tracepoint.number)
        if not (self.running and tracepoint.steps):
            return False
        self.stepping.append(Stepping(tracepoint, probe.thread, tracepoint.steps))
        return True

    def stepped(self, probe: Probe) -> None:
        """A thread made a step: collect for the tracepoints that wanted it."""
        for stepping in [each for each in self.stepping if each.thread == probe.thread]:
            self._collect(stepping.tracepoint, stepping.tracepoint.step_actions, probe)
            stepping.left -= 1
        self.stepping = [each for each in self.stepping if each.left > 0]

    def _holds(self, tracepoint: Tracepoint, probe: Probe) -> bool:
        if tracepoint.condition is None:
            return True
        try:
            return tracepoint.condition(probe, self.printing) != 0
        except TargetError as error:
            self._fail(tracepoint, error)
            return False

    def _collect(self, tracepoint: Tracepoint, actions: list[Collect], probe: Probe) -> None:
        recorder = Recorder(Frame(tracepoint.number, probe.pc()), self.printing, self.buffer.size)
        failure = None
        try:
            for action in actions:
                action(probe, recorder)
        except NoRoom:
            self.stop(Ended.FULL)
            return
        except TargetError as error:
            failure = error
        if not self.buffer.add(recorder.frame):
            self.stop(Ended.FULL)
        else:
            tracepoint.usage += recorder.frame.size
        if failure is not None:
            self._fail(tracepoint, failure)

    def _fail(self, tracepoint: Tracepoint, error: TargetError) -> None:
        self.error = error.text
        self.stop(Ended.ERROR, tracepoint.number)

    # Looking at it

    def search(self, start: int, matches: Callable[[Frame], bool]) -> tuple[int, Frame] | None:
        """The first frame from number ``start`` on that matches."""
        return next(((number, frame) for number, frame in self.buffer.numbered(start) if matches(frame)), None)

    def status(self) -> str:
        """The status packet's text."""
        text = {Ended.STOPPED: self.notes.tstop.hex() + ":", Ended.ERROR: self.error.encode().hex() + ":"}
        words = [f"T{self.running:d}", f"{self.ended.value}:{text.get(self.ended, '')}{self.ended_by:x}"]
        return ";".join([*words, *self._figures()])

    def _figures(self) -> Iterator[str]:
        buffer = self.buffer
        yield f"tframes:{len(buffer):x};tcreated:{buffer.created:x}"
        yield f"tfree:{max(buffer.size - buffer.used, 0):x};tsize:{buffer.size:x}"
        yield f"circular:{buffer.circular:d};disconn:{self.stays:d}"
        yield f"starttime:{self.started:x};stoptime:{self.stopped:x}"
        yield f"username:{self.notes.user.hex()};notes:{self.notes.notes.hex()}:"

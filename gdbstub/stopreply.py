"""Why a target stopped, as values, and how stop replies write them (gdb manual, "Stop Reply Packets")."""

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from functools import lru_cache

from gdbstub.errors import MalformedPacket
from gdbstub.threadid import ThreadId, parse_thread_id


class Signal(IntEnum):
    """The protocol's own signal numbers that stops are made of (gdb's include/gdb/signals.def)."""

    NONE = 0
    INT = 2
    QUIT = 3
    ILL = 4
    TRAP = 5
    ABRT = 6
    FPE = 8
    KILL = 9
    BUS = 10
    SEGV = 11
    TERM = 15


class WatchKind(Enum):
    """What a watchpoint stops at; the value is the word of the stop reply."""

    WRITE = "watch"
    READ = "rwatch"
    ACCESS = "awatch"


@dataclass(frozen=True, slots=True)
class Stepped:
    """The step that was asked for is done."""


@dataclass(frozen=True, slots=True)
class BreakpointHit:
    """A breakpoint stopped the thread before the instruction at ``address``."""

    address: int


@dataclass(frozen=True, slots=True)
class WatchpointHit:
    """Data at ``address`` was accessed and a watchpoint of this kind covers it."""

    kind: WatchKind
    address: int


@dataclass(frozen=True, slots=True)
class Noted:
    """Any other reason which the protocol writes as ``key:value``, such as ``replaylog:end``."""

    key: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Forked:
    """The thread's process has made another, whose first thread is ``child``; ``way`` is fork or vfork."""

    way: str
    child: int


@dataclass(frozen=True, slots=True)
class Signalled:
    """The thread gets its system's signal; replies say no more of it than its number."""


Reason = Stepped | BreakpointHit | WatchpointHit | Noted | Forked | Signalled


@dataclass(frozen=True, slots=True)
class Stopped:
    """A thread stopped with a signal; without a reason the signal says it all.

    ``text`` is for the client's console, before the reply: what the protocol has no word for.
    """

    signal: int
    thread: int
    reason: Reason | None = None
    core: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Exited:
    """The target ended by itself with a status from 0 to 255."""

    status: int


@dataclass(frozen=True, slots=True)
class Terminated:
    """The target was ended by a signal."""

    signal: int


@dataclass(frozen=True, slots=True)
class ProcessEnded:
    """One process of the target ended: by itself with a status from 0 to 255, or by a signal if there is one."""

    process: int
    status: int
    signal: int = 0


@dataclass(frozen=True, slots=True)
class ThreadEnded:
    """One thread ended, others of its process run on; ``process`` is told where the client tells processes apart."""

    thread: int
    process: int | None = None


Stop = Stopped | Exited | Terminated | ProcessEnded | ThreadEnded


def format_stop(stop: Stop, *, process: int | None = None, details: str = "") -> bytes:
    """The stop reply; ``details`` (expedited registers, reason) are the end of a ``T`` reply, each ``key:value;``.

    ``process`` is that of the thread, or of what ended, where the client tells processes apart.
    """
    if isinstance(stop, Stopped):  # first: nothing comes more often
        return (_head(stop.signal, stop.thread, process, stop.core) + details).encode()
    if isinstance(stop, ThreadEnded):
        return f"w00;{ThreadId(stop.thread, stop.process)}".encode()
    if isinstance(stop, ProcessEnded):
        process, stop = stop.process, Terminated(stop.signal) if stop.signal else Exited(stop.status)
    ended = b"" if process is None else b";process:%x" % process
    if isinstance(stop, Exited):
        return b"W%02x" % (stop.status & 0xFF) + ended
    return b"X%02x" % (stop.signal & 0xFF) + ended


@lru_cache(maxsize=64)
def _head(signal: int, thread: int, process: int | None, core: int | None) -> str:
    place = "" if core is None else f"core:{core:x};"
    return f"T{signal & 0xFF:02x}thread:{ThreadId(thread, process)};{place}"


@dataclass(frozen=True, slots=True)
class StopReply:
    """A stop reply as a client reads it: the stop, the expedited registers by number, all other pairs."""

    stop: Stopped | Exited | Terminated
    registers: dict[int, bytes] = field(default_factory=dict)
    pairs: dict[str, str] = field(default_factory=dict)


def parse_stop(packet: bytes) -> StopReply:
    """Read any stop reply of the all-stop mode; raises MalformedPacket for anything else."""
    try:
        return _parse(packet)
    except ValueError as error:
        raise MalformedPacket(f"stop reply {packet!r}") from error


def _parse(packet: bytes) -> StopReply:
    letter, number, rest = packet[:1], int(packet[1:3], 16), packet[3:].decode("latin-1")
    if letter == b"W":
        return StopReply(Exited(number))
    if letter == b"X":
        return StopReply(Terminated(number))
    if letter == b"S":
        return StopReply(Stopped(number, 0))
    if letter != b"T":
        raise ValueError(letter)
    registers: dict[int, bytes] = {}
    pairs: dict[str, str] = {}
    for pair in filter(None, rest.split(";")):
        key, _, value = pair.partition(":")
        if _is_register(key):
            if "x" not in value:
                registers[int(key, 16)] = bytes.fromhex(value)
        else:
            pairs[key] = value
    thread = parse_thread_id(pairs["thread"].encode()) if "thread" in pairs else ThreadId(0)
    core = int(pairs["core"], 16) if "core" in pairs else None
    return StopReply(Stopped(number, thread.thread, _reason(pairs), core), registers, pairs)


def _is_register(key: str) -> bool:
    """Keys of hexadecimal digits are register numbers; ``fork`` and the like are not."""
    return bool(key) and all(digit in "0123456789abcdefABCDEF" for digit in key)


def _reason(pairs: dict[str, str]) -> Reason | None:
    for kind in WatchKind:
        if kind.value in pairs:
            return WatchpointHit(kind, int(pairs[kind.value], 16))
    for key, value in pairs.items():
        if key not in ("thread", "core", "threads", "thread-pcs"):
            return Noted(key, value)
    return None

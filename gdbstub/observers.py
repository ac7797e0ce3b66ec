"""Clients beside the one that controls a target: they may look, and change nothing.

An observer is served only when the first client has nothing to say, one packet at a time, and for a small part of the
time; what it does not read waits in a bounded buffer, and it is sent away when that is full.
"""

import errno
import logging
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

from gdbstub.errors import MalformedPacket, TargetError, plain
from gdbstub.link import Sink, Trace
from gdbstub.registry import PacketTable
from gdbstub.session import Session
from gdbstub.stopreply import Signal, Stop, Stopped
from gdbstub.target import Action, LookingMonitor, Target

logger = logging.getLogger(__name__)

WORDS = "another debugger controls the target: an observer may look, and change nothing"
MOST = 8
"""Observers at once."""
MOST_UNREAD = 1 << 20
"""Bytes of replies that an observer has not read."""

_CHUNK = 1 << 16
_REST = 4
"""How many times as long as a packet took its observer waits before the next while another client is served."""
_LONG = (b"qSearch:", b"qCRC:")  # over all of memory they take seconds

_LOOKS = frozenset({
    "registers", "read_registers", "read_register", "unknown_registers", "read_memory", "threads", "thread_info",
    "has_processes", "process_of", "is_common", "select_thread", "memory_map", "region_at", "host", "offsets",
    "signal_info", "os_tables", "os_rows", "read_file", "read_link", "exec_file", "auxiliary_vector",
})  # fmt: skip
"""What `Shown` passes on: the methods of the powers that only look."""


class Shown:
    """A target as observers have it: it lacks the powers that change something, and refuses what every target has."""

    def __init__(self, target: Target, running: Callable[[], bool]) -> None:
        self._target = target
        self._running = running
        if isinstance(target, LookingMonitor):
            self.monitor = self._look
        for name in _LOOKS:  # as attributes, where isinstance finds the powers
            if hasattr(target, name):
                setattr(self, name, getattr(target, name))

    def stop_state(self) -> Stop:
        """Why the target is stopped; while it runs, where it is, without a signal."""
        stop = self._target.stop_state()
        return Stopped(Signal.NONE, stop.thread) if self._running() and isinstance(stop, Stopped) else stop

    def write_registers(self, thread: int, data: bytes) -> None:
        """Refused."""
        raise TargetError(errno.EPERM, WORDS)

    def write_register(self, thread: int, number: int, data: bytes) -> None:
        """Refused."""
        raise TargetError(errno.EPERM, WORDS)

    def write_memory(self, address: int, data: bytes) -> None:
        """Refused."""
        raise TargetError(errno.EPERM, WORDS)

    def resume(self, actions: Mapping[int, Action]) -> None:
        """Refused."""
        raise TargetError(errno.EPERM, WORDS)

    def run_slice(self) -> Stop | None:
        """Refused."""
        raise TargetError(errno.EPERM, WORDS)

    def interrupt(self) -> Stop:
        """Refused."""
        raise TargetError(errno.EPERM, WORDS)

    def _look(self, command: str, write: Callable[[str], None]) -> None:
        target = cast(LookingMonitor, self._target)
        if not target.only_looks(command):
            raise TargetError(errno.EPERM, f"{command.split()[0]}: {WORDS}")
        target.monitor(command, write)


class ObservingSession(Session[Any]):
    """A conversation with an observer: what the target can do and this client may not, is refused in words."""

    def __init__(self, target: Target, shown: Shown, send_bytes: Sink, table: PacketTable, trace: Trace | None) -> None:
        super().__init__(cast(Target, shown), send_bytes, table=table, trace=trace)
        self._all = table.for_target(target)

    def _answer(self, packet: bytes) -> None:
        if packet.startswith(_LONG) or self._is_denied(packet):
            self.link.send(self.error(TargetError(errno.EPERM, WORDS)))
        else:
            super()._answer(packet)

    def _is_denied(self, packet: bytes) -> bool:
        """Whether the controlling client would have an answer, and this one has none."""
        with suppress(MalformedPacket):
            if self.packets.find(packet)[0] is not None:
                return False
            return self._all.find(packet)[0] is not None
        return False

    def error(self, error: TargetError) -> bytes:
        """A refusal always has its words: without them nobody would know why."""
        return b"E." + plain(error.text) if error.errno == errno.EPERM else super().error(error)


class _Observer:
    """A connection: what it sent and is not yet answered, what it was sent and has not yet read."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.asked = bytearray()
        self.unread = bytearray()
        self.rests_until = 0.0
        self.session: ObservingSession

    @property
    def events(self) -> int:
        """What to wait for: more from it only when all else is done."""
        return select.POLLOUT if self.unread else 0 if self.asked else select.POLLIN

    def is_due(self, now: float) -> bool:
        """Whether a packet of its may be answered."""
        return bool(self.asked) and not self.unread and self.rests_until <= now

    def answer(self) -> None:
        """Answer one packet, or take what is none."""
        end = self.asked.find(b"#") + 3
        piece = bytes(self.asked[:end] if end > 2 else self.asked)
        del self.asked[: len(piece)]
        began = time.monotonic()
        self.session.receive(piece)
        now = time.monotonic()
        self.rests_until = now + _REST * (now - began)

    def flush(self) -> None:
        """Send what it will take. Raises OSError."""
        if self.unread:
            with suppress(BlockingIOError):
                del self.unread[: self.connection.send(self.unread)]


class Observers:
    """All observers of a target, while ``running`` says whether another client lets it run."""

    def __init__(
        self,
        target: Target,
        poller: select.poll,
        *,
        running: Callable[[], bool],
        table: PacketTable,
        trace: Trace | None = None,
    ) -> None:
        self._target = target
        self._shown = Shown(target, running)
        self._running = running
        self._poller = poller
        self._table = table
        self._trace = trace
        self._all: dict[int, _Observer] = {}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._all)

    def admit(self, connection: socket.socket) -> bool:
        """Take a newcomer; False if there are too many."""
        if len(self._all) >= MOST:
            return False
        connection.setblocking(False)
        new = _Observer(connection)
        new.session = ObservingSession(self._target, self._shown, new.unread.extend, self._table, self._trace)
        self._all[connection.fileno()] = new
        self._poller.register(connection, new.events)
        return True

    def patience(self, seconds: float) -> float:
        """How long to wait for a socket if nobody here had a question; negative is for ever."""
        if not self._all:
            return seconds
        now = time.monotonic()
        waits = [max(each.rests_until - now, 0.0) for each in self._all.values() if each.asked and not each.unread]
        return min([*waits, seconds] if seconds >= 0 else waits, default=seconds)

    def hear(self, ready: Iterable[tuple[int, int]]) -> None:
        """Move bytes of those that are ready; who is gone is forgotten."""
        for descriptor, events in ready:
            observer = self._all.get(descriptor)
            if observer is not None:
                with self._losing(descriptor):
                    self._move(observer, events)

    def _move(self, observer: _Observer, events: int) -> None:
        observer.flush()
        if events & ~select.POLLOUT:
            data = observer.connection.recv(_CHUNK)
            if not data:
                raise ConnectionResetError("the observer left")
            observer.asked += data
        self._poller.modify(observer.connection, observer.events)

    def work(self) -> None:
        """Answer one packet of the one that has waited longest."""
        now = time.monotonic()
        due = [(each.rests_until, descriptor) for descriptor, each in self._all.items() if each.is_due(now)]
        if not due:
            return
        descriptor = min(due)[1]
        with self._losing(descriptor):
            observer = self._all[descriptor]
            observer.answer()
            observer.flush()
            if observer.session.ended is not None or len(observer.unread) > MOST_UNREAD:
                raise ConnectionAbortedError("the observer's session has ended")
            self._poller.modify(observer.connection, observer.events)

    @contextmanager
    def _losing(self, descriptor: int) -> Iterator[None]:
        """Whatever goes wrong ends this observer's session alone."""
        try:
            yield
        except OSError as error:
            logger.info("observer lost: %s", error)
            self._drop(descriptor)
        except Exception:
            # As for the first client: a bug is told in full, and only this session pays for it.
            logger.exception("an observer's session closed by an internal error")
            self._drop(descriptor)

    def _drop(self, descriptor: int) -> None:
        observer = self._all.pop(descriptor)
        self._poller.unregister(descriptor)
        observer.connection.close()

    def close(self) -> None:
        """Send all away."""
        for descriptor in list(self._all):
            self._drop(descriptor)

"""The only module with a socket: listens, hands bytes to a session, runs the target in between.

One client at a time; another is told so and sent away, or may look if the server is told to let observers in. The
target runs on the caller's thread, in slices, and between two slices the socket is looked at: for an interrupt, for a
client that vanished, for a new one.
"""

import logging
import select
import socket
import struct
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

from gdbstub.address import AddressError, parse_address
from gdbstub.link import Trace
from gdbstub.observers import Observers
from gdbstub.protocol import TABLE
from gdbstub.registry import PacketTable
from gdbstub.resident import Resident
from gdbstub.session import Ending, Session
from gdbstub.stopreply import Exited, Stopped, Terminated
from gdbstub.target import CONTINUE, Idle, Sessions, Target
from gdbstub.wire import frame

__all__ = ["AddressError", "Ending", "Policy", "Server", "Then", "listen", "parse_address"]
logger = logging.getLogger(__name__)

_CHUNK = 1 << 16
_SEND_TIMEOUT = (20, 0)
"""Seconds and microseconds: a client that reads nothing for so long is taken for gone."""
_MOMENT = (0, 5000)
"""Seconds and microseconds: in a brisk conversation so long is waited for the next packet, and for nothing else."""
_BRISK = 64
"""Packets of it between two looks at who else is there."""
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""Seconds, seconds and probes until a client whose host died is taken for gone."""
_FOREVER = -1.0
_OCCUPIED = b"E.another debugger is attached, and one at a time is served: let it detach first"
_REFUSED = 8
"""Sockets of clients sent away that are kept open, so that they may read why."""


class Then(Enum):
    """What to do once a session has ended."""

    RUN = "let the target run on while waiting for the next client"
    STOP = "keep the target stopped while waiting for the next client"
    RETURN = "return from serve()"


@dataclass(frozen=True, slots=True)
class Policy:
    """What follows each way a session can end, and the target's own end."""

    detached: Then = Then.RUN
    vanished: Then = Then.STOP
    killed: Then = Then.RETURN
    exited: Then = Then.STOP

    def after(self, ending: Ending) -> Then:
        """What the policy says for an ending."""
        if ending is Ending.DETACHED:
            return self.detached
        if ending is Ending.KILLED:
            return self.killed
        return Then.RETURN if ending is Ending.CLOSED else self.vanished


def listen(text: str) -> socket.socket:
    """A listening socket at an address; port 0 takes a free one. Raises AddressError."""
    address = parse_address(text)
    try:
        if isinstance(address, Path):
            return _listen_unix(address)
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        return socket.create_server(address, family=family, backlog=64)
    except OSError as error:
        raise AddressError(f"cannot listen on {text}: {error.strerror or error}") from error


def _listen_unix(path: Path) -> socket.socket:
    """Take over the path of a server that is gone, never that of a living one or of another kind of file."""
    if path.is_socket():
        with socket.socket(socket.AF_UNIX) as probe, suppress(ConnectionRefusedError):
            probe.connect(str(path))
            raise OSError("another server listens there")
        path.unlink()
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    return listener


class Server:
    """Serves one target to one client after another until the policy says to return."""

    def __init__(
        self,
        target: Target,
        listener: socket.socket,
        *,
        policy: Policy = Policy(),
        trace: Trace | None = None,
        table: PacketTable = TABLE,
        observers: bool = False,
    ) -> None:
        self.target = target
        self._lets_observe = observers
        self.policy = policy
        self.trace = trace
        self._table = table
        self._listener = listener
        self._path = listener.getsockname() if listener.family == socket.AF_UNIX else None
        self._connection: socket.socket | None = None
        self._refused: deque[socket.socket] = deque()
        self._closing = False
        self._wake, self._woken = socket.socketpair()
        self._idle = target if isinstance(target, Idle) else None
        self._resident = Resident(target)
        len(target.registers.by_name)  # a contradictory description shall fail here, not in a session

    @property
    def address(self) -> str:
        """What to type after ``target remote``: HOST:PORT or the path of the socket."""
        if self._path is not None:
            return str(self._path)
        host, port = self._listener.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def serve(self, *, running: bool = False) -> Ending:
        """Serve until the policy returns or :meth:`stop`; with ``running``, the target runs from the start.

        The value says what ended it.
        """
        then = Then.RUN if running else Then.STOP
        while True:
            connection = self._wait(then)
            if isinstance(connection, Ending):
                return connection
            with connection:
                ending = self._converse(connection)
            then = self.policy.after(ending)
            if then is not Then.RETURN and self._has_ended():
                then = self.policy.exited
            if then is Then.RETURN:
                return ending

    def _has_ended(self) -> bool:
        return isinstance(self.target.stop_state(), Exited | Terminated)

    def stop(self) -> None:
        """Make :meth:`serve` return soon; may be called from another thread or a signal handler."""
        self._closing = True
        with suppress(OSError):
            self._wake.send(b"x")
            if (connection := self._connection) is not None:
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the sockets and remove a socket file."""
        for end in (self._listener, self._wake, self._woken, *self._refused):
            end.close()
        if self._path:
            Path(self._path).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- waiting for a client

    def _wait(self, then: Then) -> socket.socket | Ending:
        """The next connection, the target stopped, or why there will be none. Meanwhile the target may run."""
        poller = select.poll()
        poller.register(self._listener, select.POLLIN)
        poller.register(self._woken, select.POLLIN)
        running = then is Then.RUN and self._run_on()
        while True:
            ready = poller.poll(self._patience() * 1000 if running else _FOREVER)
            if ready and running:
                self.target.interrupt()
            if self._closing:
                return Ending.CLOSED
            if ready:
                return self._listener.accept()[0]
            running = self._resident.run_slice() is None
            self._resident.idle()
            if not running and self._has_ended() and self.policy.exited is Then.RETURN:
                return Ending.EXITED

    def _run_on(self) -> bool:
        """Let all threads go, unless there is nothing left that could."""
        if not isinstance(self.target.stop_state(), Stopped):
            return False
        self._resident.resume(dict.fromkeys(self.target.threads(), CONTINUE))
        return True

    def _patience(self) -> float:
        """Seconds to wait for the socket before the next slice."""
        return 0 if self._idle is None else max(0.0, self._idle.idle_seconds())

    # -- one conversation

    def _converse(self, connection: socket.socket) -> Ending:
        """One session from connect to close; whatever goes wrong in it ends with it."""
        self._connection = connection
        try:
            ending = Ending.CLOSED if self._closing else self._hold_session(connection)
        except OSError as error:
            logger.info("client lost: %s", error)
            ending = Ending.VANISHED
        except Exception:
            # A bug of ours or of the target's: told in full, and only this session pays for it.
            logger.exception("session closed by an internal error")
            ending = Ending.FAILED
        finally:
            self._connection = None
        logger.info("session ended: %s", ending.value)
        return Ending.CLOSED if self._closing else ending

    def _hold_session(self, connection: socket.socket) -> Ending:
        """Begin a session, hold it, and leave the target stopped with the client's points taken out."""
        target = self.target
        _prepare(connection)
        if isinstance(target, Sessions):
            target.client_attached()
        session: Session[Target] = Session(
            target, connection.sendall, table=self._table, trace=self.trace, resident=self._resident
        )
        try:
            return self._exchange(session, connection)
        finally:
            if session.running:
                target.interrupt()
            session.disarm()
            if isinstance(target, Sessions):
                target.client_detached()

    def _exchange(self, session: Session[Target], connection: socket.socket) -> Ending:
        """Move bytes and run slices until the session is over."""
        poller = select.poll()
        for each in (connection, self._listener):
            poller.register(each, select.POLLIN)
        observers = Observers(self.target, poller, running=lambda: session.running, table=self._table, trace=self.trace)
        try:
            return self._attend(session, connection, poller, observers)
        finally:
            observers.close()

    def _attend(
        self, session: Session[Target], connection: socket.socket, poller: select.poll, observers: Observers
    ) -> Ending:
        """The client first, the target, and observers in what time is left."""
        client = connection.fileno()
        while session.ended is None:
            if session.running:
                session.advance()
                if not session.running:
                    continue
            ready = poller.poll(observers.patience(self._patience() if session.running else _FOREVER) * 1000)
            if not self._hears(client, ready, observers):
                observers.work()
            elif not _answer(session, connection, 1 if observers else _BRISK):
                return Ending.DETACHED if session.detached else Ending.VANISHED
        return session.ended

    def _hears(self, client: int, ready: list[tuple[int, int]], observers: Observers) -> bool:
        """Whether the client has something to say; if it has not, a newcomer is let in to look, or sent away."""
        descriptors = dict(ready)
        if client in descriptors:
            return True  # perhaps that it is gone: then the newcomer may stay
        observers.hear(ready)
        if self._listener.fileno() in descriptors:
            with suppress(OSError):
                newcomer = self._listener.accept()[0]
                if not (self._lets_observe and observers.admit(newcomer)):
                    self._send_away(newcomer)
        return False

    def _send_away(self, newcomer: socket.socket) -> None:
        if len(self._refused) == _REFUSED:
            self._refused.popleft().close()
        self._refused.append(newcomer)
        _refuse(newcomer)


def _answer(session: Session[Target], connection: socket.socket, packets: int) -> bool:
    """Answer what a client has sent, and what follows within a moment each, so many packets at most.

    False once it is gone.
    """
    receive = connection.recv
    for _ in range(packets):
        try:
            data = receive(_CHUNK)
        except BlockingIOError:  # it takes its time
            break
        if not data:
            return False
        session.receive(data)
        if session.running:
            session.advance()
        if session.running or session.ended is not None:
            break
    return True


def _refuse(connection: socket.socket) -> None:
    """Say no as the answer to the newcomer's first packet; the socket must stay open until that has arrived."""
    connection.setblocking(False)
    connection.sendall(b"+" + frame(_OCCUPIED))
    connection.shutdown(socket.SHUT_WR)


def _prepare(connection: socket.socket) -> None:
    connection.setblocking(True)
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if (option := getattr(socket, name, None)) is not None:
                connection.setsockopt(socket.IPPROTO_TCP, option, value)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", *_SEND_TIMEOUT))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", *_MOMENT))

"""The host's ends of serial ports.  None of them ever waits: what a peer does not take is kept up to a bound."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from gdbstub.address import AddressError, parse_address
from ringscope.serial.spec import Kind, Spec

KEPT = 1 << 16
"""Bytes kept for a peer that is slow, or not there yet."""

FLUSH = 1 << 12
"""Bytes after which a port does not wait for the slice's end to pass on what the guest writes."""

CONNECT_SECONDS = 5.0


class End(Protocol):
    """One end on the host."""

    text: str
    """As the user named it."""

    def send(self, data: bytes) -> None:
        """Take what the guest writes."""

    def flush(self) -> None:
        """Pass on what can be passed on now."""

    def receive(self, most: int) -> bytes:
        """What the peer has sent, ``most`` bytes at most."""

    def sources(self) -> list[socket.socket]:
        """What to wait for, for a peer that speaks or comes."""

    def describe(self) -> str:
        """State and losses in a few words."""

    def failure(self) -> str:
        """What it could not keep that was to be kept, in a sentence; empty if all is there."""

    def close(self) -> None:
        """Let go of what it holds."""


class Outbox:
    """Bytes on their way out.  Beyond `KEPT` the oldest are dropped, and counted."""

    def __init__(self) -> None:
        self.waiting = bytearray()
        self.dropped = 0

    def put(self, data: bytes) -> None:
        """Keep bytes."""
        self.waiting += data
        surplus = len(self.waiting) - KEPT
        if surplus > 0:
            self.drop(surplus)

    def drop(self, count: int) -> None:
        """Lose the oldest bytes."""
        del self.waiting[:count]
        self.dropped += count

    def flush(self, write: Callable[[bytes], int]) -> None:
        """Pass on as much as ``write`` takes, which raises BlockingIOError where it would have to wait."""
        with suppress(BlockingIOError):
            while self.waiting:
                del self.waiting[: write(bytes(self.waiting))]

    def losses(self) -> str:
        """For the user: nothing where nothing was lost."""
        return f", {self.dropped:,} bytes dropped" if self.dropped else ""


class FixedEnd:
    """An end without a peer: ``write`` takes all that the guest writes.  The terminal and nothing are such."""

    def __init__(self, text: str, write: Callable[[bytes], None], what: str) -> None:
        self.text = text
        self.send = write
        self._what = what

    def flush(self) -> None:
        """All has gone out."""

    def receive(self, most: int) -> bytes:
        """Nothing comes by this way."""
        return b""

    def sources(self) -> list[socket.socket]:
        """None."""
        return []

    def describe(self) -> str:
        """What it is."""
        return self._what

    def failure(self) -> str:
        """Nothing is kept."""
        return ""

    def close(self) -> None:
        """Nothing is held."""


class FileEnd(FixedEnd):
    """A file that gets all that the guest writes.  A full disk, or a pipe that nobody empties, loses bytes."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec.text, self._keep, "")
        self._outbox = Outbox()
        self._trouble = "nobody took them in time"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        try:
            self._descriptor = os.open(spec.where, flags, 0o666)
        except (OSError, ValueError) as error:
            raise AddressError(f"{spec.text}: {getattr(error, 'strerror', None) or error}") from error

    def _keep(self, data: bytes) -> None:
        self._outbox.put(data)
        if len(self._outbox.waiting) >= FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write."""
        try:
            self._outbox.flush(lambda data: os.write(self._descriptor, data))
        except OSError as error:
            self._trouble = error.strerror or str(error)
            self._outbox.drop(len(self._outbox.waiting))

    def describe(self) -> str:
        """What was lost."""
        return f"written{self._outbox.losses()}"

    def failure(self) -> str:
        """What was lost, and why."""
        lost = self._outbox.dropped
        return f"{self.text}: {lost:,} bytes are not there: {self._trouble}" if lost else ""

    def close(self) -> None:
        """Write what is left."""
        self.flush()
        self._outbox.drop(len(self._outbox.waiting))
        os.close(self._descriptor)


class SocketEnd:
    """One peer at a time: the one connected to, or whoever connects to ``listener``; the next waits until it leaves.

    The last bytes written while nobody is there go to the next one who comes.
    """

    def __init__(self, text: str, listener: socket.socket | None, peer: socket.socket | None = None) -> None:
        self.text = text
        self._listener = listener
        self._peer = peer
        self._heard_all = False
        self._outbox = Outbox()
        for end in (listener, peer):
            if end is not None:
                end.setblocking(False)

    def send(self, data: bytes) -> None:
        """Take what the guest writes."""
        self._outbox.put(data)
        if len(self._outbox.waiting) >= FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write to the peer what it takes; one that is gone is let go."""
        if self._peer is None:
            self._accept()
        if self._peer is not None:
            try:
                self._outbox.flush(self._peer.send)
            except OSError:
                self._hang_up()
        if self._peer is None and self._listener is None:  # nobody will come
            self._outbox.drop(len(self._outbox.waiting))

    def receive(self, most: int) -> bytes:
        """What the peer has sent.  One that has said all it had to say stays until it goes or another comes."""
        if self._peer is None or self._heard_all:
            self._accept()
        if self._peer is None or self._heard_all or most <= 0:
            return b""
        try:
            data = self._peer.recv(most)
        except BlockingIOError:
            return b""
        except OSError:
            self._hang_up()
            return b""
        self._heard_all = not data
        return data

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            newcomer, _ = self._listener.accept()
        except OSError:  # nobody there, or gone again
            return
        self._hang_up()
        newcomer.setblocking(False)
        if newcomer.family != socket.AF_UNIX:
            newcomer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peer = newcomer

    def _hang_up(self) -> None:
        if self._peer is not None:
            self._peer.close()
        self._peer, self._heard_all = None, False

    def sources(self) -> list[socket.socket]:
        """The peer while it may speak, else the listener."""
        if self._peer is not None and not self._heard_all:
            return [self._peer]
        return [self._listener] if self._listener is not None else []

    def describe(self) -> str:
        """Whether somebody is there, and what was lost."""
        state = "connected" if self._peer else "nobody is connected"
        return f"{state}{self._place()}{self._outbox.losses()}"

    def _place(self) -> str:
        name = self._listener.getsockname() if self._listener is not None else ""
        return f" to {name[0]}:{name[1]}" if isinstance(name, tuple) else ""

    def failure(self) -> str:
        """A peer that is slow or not there is no failure."""
        return ""

    def close(self) -> None:
        """Hang up, and listen no more."""
        self.flush()
        self._hang_up()
        if self._listener is not None:
            name = self._listener.getsockname()
            self._listener.close()
            if isinstance(name, str):
                with suppress(OSError):
                    Path(name).unlink()


def open_end(spec: Spec, terminal: Callable[[bytes], None]) -> End:
    """The end that a word asks for; ``terminal`` writes for stdio.  Raises AddressError naming it."""
    match spec.kind:
        case Kind.STDIO:
            return FixedEnd(spec.text, terminal, "the terminal")
        case Kind.NULL:
            return FixedEnd(spec.text, lambda data: None, "nothing")
        case Kind.FILE:
            return FileEnd(spec)
        case Kind.LISTEN:
            from gdbstub.server import listen

            return SocketEnd(spec.text, listen(spec.where))
        case Kind.CONNECT:
            return SocketEnd(spec.text, None, _connect(spec))


def _connect(spec: Spec) -> socket.socket:
    address = parse_address(spec.where)
    try:
        if not isinstance(address, Path):
            return socket.create_connection(address, CONNECT_SECONDS)
        peer = socket.socket(socket.AF_UNIX)
        try:
            peer.connect(str(address))
        except OSError:
            peer.close()
            raise
        return peer
    except OSError as error:
        raise AddressError(f"cannot connect to {spec.text}: {error.strerror or error}") from error

"""A synchronous client for any server of the protocol: ours, QEMU's, gdbserver's. For tools and tests.

All-stop mode only; one request at a time. What a server lacks is done another way where there is one.
"""

import socket
import time
from binascii import unhexlify
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from gdbstub.address import parse_address
from gdbstub.description import read_description
from gdbstub.errors import ConnectionLost, Error, MalformedPacket, RemoteError, UnsupportedPacket
from gdbstub.link import Link, Trace
from gdbstub.registers import RegisterSet, Slot
from gdbstub.stopreply import StopReply, WatchKind, parse_stop
from gdbstub.threadid import format_id, parse_thread_id
from gdbstub.wire import Event, Notification

FEATURES = ("swbreak+", "hwbreak+", "vContSupported+", "error-message+", "xmlRegisters=i386")
"""Said in ``qSupported``; without the last, gdbserver on x86 keeps its registers' XML to itself."""

_LONGEST_REPLY = 1 << 26
_DEFAULT_PACKET_SIZE = 400
_CHUNK = 1 << 16
_WATCH_PACKETS = {WatchKind.WRITE: 2, WatchKind.READ: 3, WatchKind.ACCESS: 4}


class Client:
    """A connection to a server; use as a context manager, or :meth:`close` it.

    Methods raise RemoteError when the server declines, UnsupportedPacket when it does not know the packet,
    ConnectionLost when it is gone or silent for ``timeout`` seconds.
    """

    def __init__(self, connection: socket.socket, *, timeout: float = 10.0, trace: Trace | None = None) -> None:
        self.timeout = timeout
        self.features: dict[str, str] = {}
        """What the server announced: ``+``, ``-`` or a value, by name."""
        self.registers: RegisterSet | None = None
        """From ``target.xml``; None if the server has none. May be set by the caller then."""
        self.console: Callable[[str], None] = lambda text: None
        """Receives what the target prints while it runs."""
        self.running = False
        self._connection = connection
        self._link = Link(connection.sendall, limit=_LONGEST_REPLY, client=True, trace=trace)
        self._events: deque[Event] = deque()
        self._binary_writes: bool | None = None  # not known before the first write

    @classmethod
    def connect(cls, address: str, *, timeout: float = 10.0, trace: Trace | None = None) -> Self:
        """Connect to ``HOST:PORT`` or ``unix:PATH``, agree on features, read the registers' description."""
        where = parse_address(address)
        try:
            if isinstance(where, Path):
                connection = socket.socket(socket.AF_UNIX)
                connection.settimeout(timeout)
                connection.connect(str(where))
            else:
                connection = socket.create_connection(where, timeout=timeout)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise ConnectionLost(f"cannot connect to {address}: {error.strerror or error}") from error
        client = cls(connection, timeout=timeout, trace=trace)
        try:
            client.handshake()
        except BaseException:
            client.close()
            raise
        return client

    def handshake(self) -> None:
        """Exchange features, leave acknowledgements out if possible, read the registers' description."""
        reply = self.request(b"qSupported:" + ";".join(FEATURES).encode())
        self.features = dict(_feature(word) for word in reply.decode("latin-1").split(";") if word)
        if self.has("QStartNoAckMode") and self.request(b"QStartNoAckMode") == b"OK":
            self._link.acknowledge = False
        if self.has("qXfer:features:read"):
            self.request(b"Hg0")  # gdbserver describes the registers of a selected thread only
            self.registers = read_description(lambda annex: self.read_object("features", annex))

    def has(self, feature: str) -> bool:
        """Whether the server announced ``feature+``."""
        return self.features.get(feature) == "+"

    @property
    def packet_size(self) -> int:
        """The longest packet body the server takes, in bytes."""
        try:
            return max(int(self.features["PacketSize"], 16), 64)
        except (KeyError, ValueError):
            return _DEFAULT_PACKET_SIZE

    # -- packets

    def send(self, packet: bytes) -> None:
        """Send a packet without waiting for anything."""
        try:
            self._link.send(packet)
        except OSError as error:
            raise ConnectionLost(f"sending {packet[:20]!r}: {error}") from error

    def receive(self, timeout: float | None = None) -> bytes:
        """The next packet from the server; notifications are dropped. Raises ConnectionLost."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            while self._events:
                event = self._events.popleft()
                if isinstance(event, bytes):
                    return event
                if not isinstance(event, Notification):
                    raise ConnectionLost(f"the server's bytes cannot be read ({event.name.lower()})")
            self._events.extend(self._link.receive(self._read(deadline)))
            self._link.flush()

    def _read(self, deadline: float) -> bytes:
        try:
            self._connection.settimeout(max(deadline - time.monotonic(), 0.001))
            data = self._connection.recv(_CHUNK)
        except TimeoutError:
            raise ConnectionLost("no answer in time") from None
        except OSError as error:
            raise ConnectionLost(str(error)) from error
        if not data:
            raise ConnectionLost("the server closed the connection")
        return data

    def request(self, packet: bytes, *, timeout: float | None = None) -> bytes:
        """Send a packet and return its reply as it is, be it empty or an error."""
        if self.running:
            raise Error(f"{packet[:20]!r} while the target runs")
        self.send(packet)
        return self.receive(timeout)

    def ask(self, packet: bytes) -> bytes:
        """Like :meth:`request`, but raises UnsupportedPacket for an empty reply, RemoteError for an error."""
        reply = self.request(packet)
        if not reply:
            raise UnsupportedPacket(f"the server does not know {packet[:20].decode('latin-1')!r}")
        if _is_error(reply):
            raise RemoteError(_error_text(reply))
        return reply

    def command(self, packet: bytes) -> None:
        """Send a packet whose reply must be OK."""
        reply = self.ask(packet)
        if reply != b"OK":
            raise RemoteError(f"{packet[:20]!r} was answered {reply[:40]!r}")

    def read_object(self, name: str, annex: str = "") -> bytes:
        """A whole document by ``qXfer:NAME:read:ANNEX``."""
        document = b""
        part = min(self.packet_size - 4, 0x8000)
        while True:
            reply = self.ask(f"qXfer:{name}:read:{annex}:{len(document):x},{part:x}".encode())
            if reply[:1] not in (b"m", b"l"):
                raise RemoteError(f"qXfer:{name} was answered {reply[:40]!r}")
            document += reply[1:]
            if reply[:1] == b"l" or len(reply) == 1:
                return document

    # -- registers

    def slot(self, name: str) -> Slot:
        """Where a register is; raises Error for a name the server did not describe."""
        if self.registers is None:
            raise Error("the server does not describe its registers")
        if name not in self.registers.by_name:
            raise Error(f"there is no register {name!r}")
        return self.registers.by_name[name]

    def read_registers(self) -> dict[str, int | None]:
        """All described registers by name; None for what is not available."""
        if self.registers is None:
            raise Error("the server does not describe its registers")
        digits = self.ask(b"g")
        return {
            slot.register.name: self._number(digits[2 * slot.offset : 2 * (slot.offset + slot.length)])
            for slot in self.registers
        }

    def read_register(self, name: str) -> int | None:
        """One register as an unsigned number, by ``p`` or else out of ``g``."""
        slot = self.slot(name)
        try:
            return self._number(self.ask(b"p%x" % slot.number))
        except UnsupportedPacket:
            return self.read_registers()[name]

    def _number(self, digits: bytes) -> int | None:
        assert self.registers is not None
        if not digits or b"x" in digits:
            return None
        try:
            return self.registers.number_of(unhexlify(digits))
        except ValueError as error:
            raise MalformedPacket(f"register value {digits[:40]!r}") from error

    def write_register(self, name: str, value: int) -> None:
        """Set one register, by ``P`` or else by reading, changing and writing them all."""
        slot = self.slot(name)
        assert self.registers is not None
        digits = self.registers.bytes_of(value, slot.length).hex().encode()
        try:
            self.command(b"P%x=%s" % (slot.number, digits))
        except UnsupportedPacket:
            block = self.ask(b"g")
            start = 2 * slot.offset
            self.command(b"G" + block[:start] + digits + block[start + len(digits) :])

    # -- memory

    def read_memory(self, address: int, length: int) -> bytes:
        """``length`` bytes; raises RemoteError if not all of them can be read."""
        data = b""
        while len(data) < length:
            data += self._read_part(address + len(data), min(length - len(data), (self.packet_size - 8) // 2))
        return data

    def _read_part(self, address: int, length: int) -> bytes:
        if self.has("binary-upload"):
            part = self.ask(b"x%x,%x" % (address, length))[1:]
        else:
            digits = self.ask(b"m%x,%x" % (address, length))
            try:
                part = unhexlify(digits)
            except ValueError as error:
                raise MalformedPacket(f"memory {digits[:40]!r}") from error
        if not part or len(part) > length:
            raise RemoteError(f"{len(part)} bytes at {address:#x} instead of {length}")
        return part

    def write_memory(self, address: int, data: bytes) -> None:
        """Write all of ``data``, by ``X`` where the server knows it."""
        part = max((self.packet_size - 48) // 2, 1)
        if self._binary_writes is None:
            self._binary_writes = self.request(b"X%x,0:" % address) == b"OK"
        for start in range(0, len(data), part):
            piece = data[start : start + part]
            head = b"%x,%x:" % (address + start, len(piece))
            self.command(b"X" + head + piece if self._binary_writes else b"M" + head + piece.hex().encode())

    # -- points

    def insert_breakpoint(self, address: int, *, kind: int = 1, hardware: bool = False) -> None:
        """Set a breakpoint; ``kind`` is the length in bytes of the instruction a server may patch in."""
        self.command(b"Z%d,%x,%x" % (hardware, address, kind))

    def remove_breakpoint(self, address: int, *, kind: int = 1, hardware: bool = False) -> None:
        """Remove a breakpoint set alike."""
        self.command(b"z%d,%x,%x" % (hardware, address, kind))

    def insert_watchpoint(self, kind: WatchKind, address: int, length: int) -> None:
        """Set a watchpoint on ``length`` bytes."""
        self.command(b"Z%d,%x,%x" % (_WATCH_PACKETS[kind], address, length))

    def remove_watchpoint(self, kind: WatchKind, address: int, length: int) -> None:
        """Remove a watchpoint set alike."""
        self.command(b"z%d,%x,%x" % (_WATCH_PACKETS[kind], address, length))

    # -- running

    def halt_reason(self) -> StopReply:
        """Why the target is stopped."""
        return parse_stop(self.ask(b"?"))

    def resume(self, packet: bytes) -> None:
        """Send a packet that makes the target run, such as ``vCont;c``; :meth:`wait` for the stop."""
        if self.running:
            raise Error("the target runs already")
        self.send(packet)
        self.running = True

    def cont(self, *, timeout: float | None = None) -> StopReply:
        """Continue all threads and wait for the stop."""
        self.resume(b"c")
        return self.wait(timeout)

    def step(self, thread: int | None = None, *, timeout: float | None = None) -> StopReply:
        """Step one instruction of a thread (the current one by default) and wait for the stop."""
        self.resume(b"s" if thread is None else b"vCont;s:%x" % thread)
        return self.wait(timeout)

    def interrupt(self) -> None:
        """Ask the running target to stop; :meth:`wait` for it."""
        try:
            self._connection.sendall(b"\x03")
        except OSError as error:
            raise ConnectionLost(str(error)) from error

    def wait(self, timeout: float | None = None) -> StopReply:
        """The stop of the running target; on ConnectionLost by timeout it still runs."""
        if not self.running:
            raise Error("the target does not run")
        while True:
            reply = self.receive(timeout)
            if reply[:1] == b"O" and reply != b"OK":
                self.console(_console_text(reply))
                continue
            self.running = False
            if not reply or _is_error(reply):
                raise RemoteError(_error_text(reply) if reply else "the server cannot run the target so")
            return parse_stop(reply)

    # -- threads, monitor, leaving

    def threads(self) -> list[int]:
        """The ids of all threads."""
        found: list[int] = []
        reply = self.ask(b"qfThreadInfo")
        while reply[:1] == b"m":
            found += [parse_thread_id(word).thread for word in reply[1:].split(b",")]
            reply = self.ask(b"qsThreadInfo")
        return found

    def select_thread(self, thread: int) -> None:
        """Make registers and memory those of a thread."""
        self.command(f"Hg{format_id(thread)}".encode())

    def thread_details(self, thread: int) -> str:
        """What the server says of a thread in words; empty if nothing."""
        try:
            return unhexlify(self.ask(b"qThreadExtraInfo,%x" % thread)).decode("utf-8", "replace")
        except (RemoteError, ValueError):
            return ""

    def monitor(self, command: str, *, timeout: float | None = None) -> str:
        """Run a command of the server's own and return its output. Raises RemoteError."""
        packet = b"qRcmd," + command.encode().hex().encode()
        return "".join(self._monitor(packet, timeout))

    def _monitor(self, packet: bytes, timeout: float | None) -> Iterator[str]:
        reply = self.request(packet, timeout=timeout)
        while reply != b"OK":
            if not reply:
                raise UnsupportedPacket("the server has no monitor commands")
            if _is_error(reply):
                raise RemoteError(_error_text(reply))
            yield _console_text(reply)
            if reply[:1] != b"O":
                return
            reply = self.receive(timeout)

    def detach(self) -> None:
        """Leave the target to itself and close the connection."""
        try:
            self.command(b"D")
        finally:
            self.close()

    def kill(self) -> None:
        """Kill the target and close the connection; servers need not answer this."""
        self.send(b"k")
        self.close()

    def close(self) -> None:
        """Close the connection; what becomes of the target is the server's decision."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _feature(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    return (name, value) if equals else (word[:-1], word[-1])


def _is_error(reply: bytes) -> bool:
    return reply.startswith(b"E.") or (len(reply) == 3 and reply[:1] == b"E" and reply[1:].isalnum())


def _error_text(reply: bytes) -> str:
    return reply[2:].decode("utf-8", "replace") if reply[1:2] == b"." else f"error {reply[1:].decode()}"


def _console_text(reply: bytes) -> str:
    try:
        return unhexlify(reply[1:] if reply[:1] == b"O" else reply).decode("utf-8", "replace")
    except ValueError:
        return reply.decode("latin-1")

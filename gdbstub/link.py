"""Acknowledgement and retransmission on top of ``gdbstub.wire``. Knows no socket, only a sink for bytes."""

from collections import deque
from collections.abc import Callable

from gdbstub.wire import Decoder, Event, Mark, frame, notification

Sink = Callable[[bytes], None]
Trace = Callable[[str, bytes], None]
"""Receives a direction (``<-`` received, ``->`` sent) and a payload or the bytes of an acknowledgement."""

MOST_RETRIES = 8
"""How often one packet is sent again before it is given up."""
_MOST_UNACKNOWLEDGED = 64


class Link:
    """One end of a conversation: sends and receives whole packets, answers ``+`` and ``-`` by itself.

    ``send_bytes`` must deliver all it is given; ``limit`` is the longest packet body to take, in bytes. Only
    servers send run lengths, only clients expand them. Acknowledgements wait for the next packet or
    :meth:`flush`, so that a request costs one write.
    """

    def __init__(self, send_bytes: Sink, *, limit: int, client: bool = False, trace: Trace | None = None) -> None:
        self.acknowledge = True
        self.trace = trace
        self._send_bytes = send_bytes
        self._client = client
        self._decoder = Decoder(limit, run_lengths=client)
        self._acks = b""
        self._unacknowledged: deque[tuple[bytes, int]] = deque(maxlen=_MOST_UNACKNOWLEDGED)

    def receive(self, data: bytes) -> list[Event]:
        """The packets, notifications, interrupts and spoilt packets that ``data`` completes."""
        events = self._decoder.feed(data)
        if self.trace is not None:
            self._trace_events(events)
        if len(events) == 1 and events[0].__class__ is bytes and not self.acknowledge:
            return events
        return [event for event in events if self._keep(event)]

    def _keep(self, event: Event) -> bool:
        """Do the bookkeeping of one event; true if it concerns the layer above."""
        if event is Mark.ACK or event is Mark.NAK:
            self._settle(event)
            return False
        if event is Mark.CORRUPT and self.acknowledge:
            self._acks += b"-"
            return False
        if self.acknowledge and (event.__class__ is bytes or event is Mark.OVERSIZE):
            self._acks += b"+"
        return True

    def _settle(self, mark: Mark) -> None:
        """Acknowledgements come in the order of the packets: each settles the oldest."""
        if not self._unacknowledged:
            return
        data, retries = self._unacknowledged.popleft()
        if mark is Mark.NAK and retries < MOST_RETRIES:
            self._unacknowledged.append((data, retries + 1))
            self._send_bytes(data)

    def send(self, payload: bytes) -> None:
        """Send one packet, and again if the peer asks."""
        if self.trace is not None:
            self.trace("->", payload)
        data = frame(payload, run_lengths=not self._client)
        if self.acknowledge:
            self._unacknowledged.append((data, 0))
        if self._acks:
            data = self._acks + data
            self._acks = b""
        self._send_bytes(data)

    def notify(self, payload: bytes) -> None:
        """Send one notification, which nobody acknowledges."""
        if self.trace is not None:
            self.trace("->", b"%" + payload)
        self._send_bytes(notification(payload))

    def flush(self) -> None:
        """Send the acknowledgements that found no packet to travel with."""
        if self._acks:
            acks, self._acks = self._acks, b""
            self._send_bytes(acks)

    def _trace_events(self, events: list[Event]) -> None:
        assert self.trace is not None
        for event in events:
            if isinstance(event, Mark):
                self.trace("<-", f"({event.name.lower()})".encode())
            else:
                self.trace("<-", event if isinstance(event, bytes) else b"%" + event.payload)

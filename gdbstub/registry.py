"""The packet table: one row and one function per packet; what ``qSupported`` says is computed from it."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from gdbstub.errors import MalformedPacket, TableError
from gdbstub.pattern import Pattern

Handler = Callable[..., bytes | None]
"""Called with the session and the pattern's fields. Returns the reply; None if there is none, or not yet."""

HandlerT = TypeVar("HandlerT", bound=Handler)
_MOST_KNOWN, _LONGEST_KNOWN = 256, 64  # packets, and bytes of one, that a dispatcher remembers
UNKNOWN = b""
"""The reply to a packet which the table does not know."""


@dataclass(frozen=True, slots=True)
class Row:
    """A packet: its pattern, the power of the target that it needs, the feature that announces it."""

    pattern: Pattern
    handler: Handler
    needs: Any = None
    feature: str | None = None

    @property
    def meaning(self) -> str:
        """The first sentence of the handler's docstring."""
        return (inspect.getdoc(self.handler) or "").partition("\n")[0]

    def available(self, target: object) -> bool:
        """Whether the target has the power which the row needs."""
        return self.needs is None or isinstance(target, self.needs)


@dataclass(frozen=True, slots=True)
class Feature:
    """Something to announce which is not one packet; only to clients which said all of ``offered`` too; with
    ``when``, only for targets for which that holds as the client comes."""

    text: str
    needs: Any = None
    offered: tuple[str, ...] = ()
    when: Callable[[Any], bool] | None = None

    def available(self, target: object) -> bool:
        """Whether the target has it."""
        return (self.needs is None or isinstance(target, self.needs)) and (self.when is None or self.when(target))


@dataclass(frozen=True, slots=True)
class Description:
    """A row of the table in the documentation."""

    pattern: str
    needs: str
    feature: str
    meaning: str
    topic: str


class PacketTable:
    """All packets of a server. Longest prefix first, so the order of registration never matters."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.features: list[Feature] = []

    def packet(self, pattern: str, *, needs: Any = None, feature: str | None = None) -> Callable[[HandlerT], HandlerT]:
        """Register the decorated function for a pattern. Fields are passed by position, in their order.

        ``needs`` is a Protocol of ``gdbstub.target``; ``feature`` is announced by ``qSupported``.
        Raises TableError when fields and parameters differ or the pattern is taken.
        """

        def register(handler: HandlerT) -> HandlerT:
            row = Row(Pattern(pattern), handler, needs, feature)
            self._check(row)
            self.rows.append(row)
            return handler

        return register

    def announce(
        self, text: str, *, needs: Any = None, offered: tuple[str, ...] = (), when: Callable[[Any], bool] | None = None
    ) -> None:
        """Register a feature for ``qSupported`` that belongs to no single packet."""
        self.features.append(Feature(text, needs, offered, when))

    def _check(self, row: Row) -> None:
        if any(other.pattern.text == row.pattern.text for other in self.rows):
            raise TableError(f"packet {row.pattern.text!r} has two rows")
        parameters = list(inspect.signature(row.handler).parameters.values())[1:]
        names = tuple(parameter.name for parameter in parameters)
        required = sum(parameter.default is parameter.empty for parameter in parameters)
        count = len(row.pattern.names)
        if names[:count] != row.pattern.names or count < required:
            raise TableError(f"packet {row.pattern.text!r} has fields {row.pattern.names}, its handler takes {names}")

    def describe(self) -> Iterator[Description]:
        """The table as the documentation shows it, sorted by topic and pattern."""
        for row in sorted(self.rows, key=lambda row: (row.handler.__module__, row.pattern.text)):
            topic = row.handler.__module__.rpartition(".")[2]
            needs = row.needs.__name__ if row.needs else ""
            yield Description(row.pattern.text, needs, row.feature or "", row.meaning, topic)

    def for_target(self, target: object) -> "Dispatcher":
        """The rows that this target has the powers for."""
        return Dispatcher(
            [row for row in self.rows if row.available(target)],
            [feature for feature in self.features if feature.available(target)],
        )


class Dispatcher:
    """Finds the handler of a packet among the rows of one session."""

    def __init__(self, rows: list[Row], features: list[Feature]) -> None:
        self._features = features
        self._rows = rows
        self._exact = {row.pattern.prefix: row.handler for row in rows if not row.pattern.names}
        self._known: dict[bytes, tuple[Handler | None, list[Any]]] = {}  # what came lately comes again
        self._by_letter: dict[int, list[Row]] = {}
        for row in sorted(rows, key=lambda row: len(row.pattern.prefix), reverse=True):
            if row.pattern.names:
                self._by_letter.setdefault(row.pattern.prefix[0], []).append(row)

    def find(self, packet: bytes) -> tuple[Handler | None, list[Any]]:
        """The handler and its arguments; no handler for an unknown packet.

        Raises MalformedPacket when the packet begins like a known one and cannot be read.
        """
        found = self._known.get(packet)
        if found is None:
            found = self._look_for(packet)
            if len(packet) <= _LONGEST_KNOWN:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[packet] = found
        return found

    def _look_for(self, packet: bytes) -> tuple[Handler | None, list[Any]]:
        if (exact := self._exact.get(packet)) is not None:
            return exact, []
        begun = []
        for row in self._by_letter.get(packet[0], ()) if packet else ():
            if packet.startswith(row.pattern.prefix):
                if (arguments := row.pattern.match(packet)) is not None:
                    return row.handler, arguments
                begun.append(row.pattern)
        if begun:
            complaints = [pattern.complain(packet) for pattern in begun]
            raise MalformedPacket(max(complaints, key=lambda complaint: complaint[0])[1])
        return None, []

    def features(self, offered: dict[str, str]) -> list[str]:
        """What to announce to a client that offered these features (name: ``+``, ``-`` or a value)."""
        texts = [row.feature for row in self._rows if row.feature]
        texts += [
            feature.text for feature in self._features if all(offered.get(name) == "+" for name in feature.offered)
        ]
        return list(dict.fromkeys(texts))


TABLE = PacketTable()
"""The table of this package, filled by the modules of ``gdbstub.packets``."""

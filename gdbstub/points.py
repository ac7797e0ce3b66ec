"""The breakpoints and watchpoints one client has set: what is armed, and what a stop may be blamed on."""

import errno
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from gdbstub.agent.parameters import PLAIN, Hit, Parameters
from gdbstub.agent.translate import Effects
from gdbstub.errors import TargetError
from gdbstub.stopreply import WatchKind, WatchpointHit
from gdbstub.target import Breakpoints, Conditions, Probe, Watchpoints, When

MOST_ASKING = 1024
"""Points with conditions or commands."""

Watchpoint = tuple[WatchKind, int, int]
"""Kind, address, length in bytes."""


class Tracer(Protocol):
    """Something else that wants to know when an address is reached."""

    def hit(self, probe: Probe) -> bool:
        """Called before the instruction; whether the target must stop for it."""
        ...


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A breakpoint as a client set it; ``kind`` is the length in bytes of the patch gdb would make."""

    kind: int
    parameters: Parameters = PLAIN


@dataclass(slots=True)
class Points:
    """All that stops or asks in a target: by address ``Z0`` and ``Z1`` apart, and tracers; an address is armed once.

    ``effects`` is what conditions and commands do to the outside.
    """

    effects: Effects
    software: dict[int, Breakpoint] = field(default_factory=dict)
    hardware: dict[int, Breakpoint] = field(default_factory=dict)
    watchpoints: dict[Watchpoint, Parameters] = field(default_factory=dict)
    tracers: dict[int, list[Tracer]] = field(default_factory=dict)
    asking: dict[int, When] = field(default_factory=dict)
    """Addresses armed with a question, and that question."""
    wanted: bool = False
    """Where tracers are, whether a breakpoint wanted the last stop too."""
    _plain: dict[int, int] = field(default_factory=dict)

    def insert(
        self,
        target: Breakpoints,
        into: dict[int, Breakpoint],
        address: int,
        kind: int,
        parameters: Parameters = PLAIN,
    ) -> None:
        """Add to ``software`` or ``hardware``; again is no error, and replaces the parameters."""
        if not parameters.plain and address not in self.asking:
            self._check_room(address)
        before = into.get(address)
        into[address] = Breakpoint(before.kind if before else kind, parameters)
        try:
            self._arm(target, address)
        except BaseException:
            _put_back(into, address, before)
            raise

    def remove(self, target: Breakpoints, outof: dict[int, Breakpoint], address: int) -> None:
        """Take away; what was never set is no error either."""
        if outof.pop(address, None) is not None:
            self._arm(target, address)

    def trace(self, target: Breakpoints, address: int, tracer: Tracer) -> None:
        """Let a tracer know whenever an address is reached."""
        self.tracers.setdefault(address, []).append(tracer)
        self._arm(target, address)

    def untrace(self, target: Breakpoints) -> None:
        """Take all tracers away."""
        addresses = list(self.tracers)
        self.tracers.clear()
        for address in addresses:
            self._arm(target, address)

    def _at(self, address: int) -> list[Breakpoint]:
        return [table[address] for table in (self.software, self.hardware) if address in table]

    def _arm(self, target: Breakpoints, address: int) -> None:
        """Make what the target has at an address agree with what is wanted there."""
        found, tracers = self._at(address), self.tracers.get(address, ())
        if address in self.asking:
            cast(Conditions, target).remove_breakpoint_when(address)
            del self.asking[address]
        asks = bool(tracers) or False in [point.parameters.plain for point in found]
        if address in self._plain and (asks or not found):
            target.remove_breakpoint(address, self._plain.pop(address))
        if asks:
            hits = [point.parameters.hit(self.effects) for point in found]
            when = self._traced(tracers, hits) if tracers else hits[0] if len(hits) == 1 else _any(hits)
            cast(Conditions, target).insert_breakpoint_when(address, when)
            self.asking[address] = when
        elif found and address not in self._plain:
            target.insert_breakpoint(address, found[0].kind)
            self._plain[address] = found[0].kind

    def _check_room(self, address: int) -> None:
        if len(self.asking) + len(self.watchpoints) >= MOST_ASKING:
            raise TargetError(errno.ENOSPC, f"no room for conditions at {address:#x}: {MOST_ASKING} points are all")

    def _traced(self, tracers: Sequence[Tracer], hits: list[Hit]) -> When:
        def when(probe: Probe) -> bool:
            needed = True in [tracer.hit(probe) for tracer in tracers]
            self.wanted = True in [hit(probe) for hit in hits]
            return needed or self.wanted

        return when

    def ask(self, address: int, probe: Probe) -> bool:
        """Whether a breakpoint that asks wants a stop here; tracers are told."""
        when = self.asking.get(address)
        if when is None or not when(probe):
            return False
        return self.wanted if address in self.tracers else True

    def watch(self, target: Watchpoints, watchpoint: Watchpoint, parameters: Parameters = PLAIN) -> None:
        """Add a watchpoint; again replaces the parameters."""
        before = self.watchpoints.get(watchpoint)
        if before is not None and before.plain and parameters.plain:
            return
        if not parameters.plain and before is None:
            self._check_room(watchpoint[1])
        self.unwatch(target, watchpoint)
        if parameters.plain:
            target.insert_watchpoint(*watchpoint)
        else:
            cast(Conditions, target).insert_watchpoint_when(*watchpoint, parameters.hit(self.effects))
        self.watchpoints[watchpoint] = parameters

    def unwatch(self, target: Watchpoints, watchpoint: Watchpoint) -> None:
        """Take a watchpoint away."""
        parameters = self.watchpoints.pop(watchpoint, None)
        if parameters is None:
            return
        if parameters.plain:
            target.remove_watchpoint(*watchpoint)
        else:
            cast(Conditions, target).remove_watchpoint_when(*watchpoint)

    def breaks_at(self, address: int) -> bool:
        """Whether a breakpoint that asks nothing is there."""
        return address in self._plain

    def covers(self, hit: WatchpointHit) -> bool:
        """Whether a watchpoint of the client explains the hit."""
        return any(
            kind is hit.kind and start <= hit.address < start + length for kind, start, length in self.watchpoints
        )

    def clear(self, target: object) -> None:
        """The client is gone: disarm everything but commands that persist, and tracers."""
        if isinstance(target, Breakpoints):
            for table in (self.software, self.hardware):
                for address in list(_passing(table)):
                    self.remove(target, table, address)
        if isinstance(target, Watchpoints):
            for watchpoint, parameters in list(self.watchpoints.items()):
                if not parameters.persist:
                    self.unwatch(target, watchpoint)


def _passing(table: dict[int, Breakpoint]) -> Iterator[int]:
    return (address for address, point in table.items() if not point.parameters.persist)


def _put_back(table: dict[int, Breakpoint], address: int, before: Breakpoint | None) -> None:
    if before is None:
        del table[address]
    else:
        table[address] = before


def _any(hits: list[Hit]) -> Callable[[Probe], bool]:
    """Stop if one wants to; all are called."""
    return lambda probe: True in [hit(probe) for hit in hits]

"""The breakpoints and watchpoints one client has set: what is armed, and what a stop may be blamed on."""

from dataclasses import dataclass, field

from gdbstub.stopreply import WatchKind, WatchpointHit
from gdbstub.target import Breakpoints, Watchpoints

Watchpoint = tuple[WatchKind, int, int]
"""Kind, address, length in bytes."""


@dataclass(slots=True)
class Points:
    """Breakpoints by address with gdb's kind; ``Z0`` and ``Z1`` apart, but an address is armed once."""

    software: dict[int, int] = field(default_factory=dict)
    hardware: dict[int, int] = field(default_factory=dict)
    watchpoints: set[Watchpoint] = field(default_factory=set)

    def insert(self, target: Breakpoints, into: dict[int, int], address: int, kind: int) -> None:
        """Add to ``software`` or ``hardware``; again is no error (packets may be repeated)."""
        if not self.breaks_at(address):
            target.insert_breakpoint(address, kind)
        into.setdefault(address, kind)

    def remove(self, target: Breakpoints, outof: dict[int, int], address: int) -> None:
        """Take away; what was never set is no error either."""
        if address not in outof:
            return
        kind = outof[address]
        if (address in self.software) + (address in self.hardware) == 1:
            target.remove_breakpoint(address, kind)
        del outof[address]

    def watch(self, target: Watchpoints, watchpoint: Watchpoint) -> None:
        """Add a watchpoint."""
        if watchpoint not in self.watchpoints:
            target.insert_watchpoint(*watchpoint)
            self.watchpoints.add(watchpoint)

    def unwatch(self, target: Watchpoints, watchpoint: Watchpoint) -> None:
        """Take a watchpoint away."""
        if watchpoint in self.watchpoints:
            target.remove_watchpoint(*watchpoint)
            self.watchpoints.remove(watchpoint)

    def breaks_at(self, address: int) -> bool:
        """Whether the client has a breakpoint of either sort there."""
        return address in self.software or address in self.hardware

    def covers(self, hit: WatchpointHit) -> bool:
        """Whether a watchpoint of the client explains the hit."""
        return any(
            kind is hit.kind and start <= hit.address < start + length for kind, start, length in self.watchpoints
        )

    def clear(self, target: object) -> None:
        """Disarm everything."""
        if isinstance(target, Breakpoints):
            for table in (self.software, self.hardware):
                for address in list(table):
                    self.remove(target, table, address)
        if isinstance(target, Watchpoints):
            for watchpoint in list(self.watchpoints):
                self.unwatch(target, watchpoint)

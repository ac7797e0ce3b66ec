"""What stays with a target from one conversation to the next: its points, its variables, text for the next client."""

from collections.abc import Mapping
from dataclasses import replace

from gdbstub.agent.effects import Console, Printing, Variables
from gdbstub.points import Points
from gdbstub.stopreply import BreakpointHit, Stepped, Stop, Stopped
from gdbstub.target import Action, Conditions, Target


class Resident:
    """Runs a target for whoever is there, and sees to what needs no client."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._conditions = target if isinstance(target, Conditions) else None
        self.console = Console()
        self.variables = Variables()
        self.points = Points(Printing(self.console, self.variables))

    def resume(self, actions: Mapping[int, Action]) -> None:
        """Let threads go; see ``Target.resume``."""
        self._target.resume(actions)

    def run_slice(self) -> Stop | None:
        """Run for a slice; see ``Target.run_slice``. A step that arrives at a point has it asked there."""
        stop = self._target.run_slice()
        if self.points.asking and isinstance(stop, Stopped) and isinstance(stop.reason, Stepped):
            return self._arrived(stop)
        return stop

    def _arrived(self, stop: Stopped) -> Stop:
        assert self._conditions is not None
        probe = self._conditions.probe(stop.thread)
        when = self.points.asking.get(probe.pc())
        return replace(stop, reason=BreakpointHit(probe.pc())) if when is not None and when(probe) else stop

    def leave(self) -> None:
        """The client is gone, and its points with it, but for what persists."""
        self.points.clear(self._target)
        self.console.take()

    def idle(self) -> None:
        """Between two slices without a client."""
        self.console.shorten()

"""What stays with a target from one conversation to the next: points, a trace experiment, text for the next client."""

from collections.abc import Mapping
from dataclasses import replace

from gdbstub.agent.effects import Console, Printing, Variables
from gdbstub.points import Points
from gdbstub.stopreply import BreakpointHit, Stepped, Stop, Stopped
from gdbstub.target import STEP, Action, Conditions, Probe, Target
from gdbstub.trace.experiment import Ended, Experiment
from gdbstub.trace.tracepoint import Tracepoint

_STEPS_PER_SLICE = 256  # of a while-stepping, between two looks at the socket


class Resident:
    """Runs a target for whoever is there, and sees to what needs no client."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._conditions = target if isinstance(target, Conditions) else None
        self._actions: Mapping[int, Action] = {}
        self.console = Console()
        self.variables = Variables()
        self._printing = Printing(self.console, self.variables)
        self.points = Points(self._printing)
        self.trace = Experiment(self._printing, self.variables)

    # Running

    def resume(self, actions: Mapping[int, Action]) -> None:
        """Let threads go; see ``Target.resume``."""
        self._actions = actions
        if not (self.trace.stepping and self._steps_for_trace()):
            self._target.resume(actions)

    def run_slice(self) -> Stop | None:
        """Run for a slice; see ``Target.run_slice``.

        A step that arrives at a point has it asked there; while-stepping of a tracepoint is done here.
        """
        stop = self._step_for_trace() if self.trace.stepping and self._steps_for_trace() else self._run()
        if self.points.tracers and not self.trace.running:
            self._untrace()
        return stop

    def _run(self) -> Stop | None:
        stop = self._target.run_slice()
        if not (self.points.asking and isinstance(stop, Stopped)):
            return stop
        if isinstance(stop.reason, Stepped):
            return self._arrived(stop)
        if isinstance(stop.reason, BreakpointHit) and stop.reason.address in self.points.tracers:
            return stop if self.points.wanted else None
        return stop

    def _arrived(self, stop: Stopped) -> Stop:
        """After a step: a point here is asked, and a stop that it wants is a breakpoint's."""
        probe = self._probe(stop.thread)
        self.trace.stepped(probe)
        return replace(stop, reason=BreakpointHit(probe.pc())) if self.points.ask(probe.pc(), probe) else stop

    def _probe(self, thread: int) -> Probe:
        assert self._conditions is not None
        return self._conditions.probe(thread)

    # While-stepping

    def _steps_for_trace(self) -> bool:
        """Whether a tracepoint that wants steps wants some which the client did not ask for."""
        return not any(action.step for action in self._actions.values())

    def _step_for_trace(self) -> Stop | None:
        """Step the thread that hit the tracepoint: for a slice, to the last step, or to a stop for another reason."""
        for _ in range(_STEPS_PER_SLICE):
            if not self.trace.stepping:
                self._target.resume(self._actions)
                return None
            self._target.resume({self.trace.stepping[0].thread: STEP})
            stop = self._run()
            if stop is not None and (stop := self._other_stop(stop)):
                return stop
        return None

    def _other_stop(self, stop: Stop) -> Stop | None:
        """A stop that the client must hear of, during steps that it did not ask for."""
        if not (isinstance(stop, Stopped) and isinstance(stop.reason, Stepped)):
            return stop
        pc = self._probe(stop.thread).pc()
        return replace(stop, reason=BreakpointHit(pc)) if self.points.breaks_at(pc) else None

    # Tracing

    def start_trace(self) -> None:
        """Empty the buffer and begin."""
        self.trace.start()
        for tracepoint in self.trace.tracepoints.values():
            self.install(tracepoint)

    def install(self, tracepoint: Tracepoint) -> None:
        """Put a tracepoint into the target, as tracing runs."""
        assert self._conditions is not None
        self.points.trace(self._conditions, tracepoint.address, _Hit(self.trace, tracepoint))

    def stop_trace(self, why: Ended = Ended.STOPPED) -> None:
        """End it; the frames stay."""
        self.trace.stop(why)
        self._untrace()

    def clear_trace(self) -> None:
        """Forget it."""
        self._untrace()
        self.trace.clear()

    def _untrace(self) -> None:
        if self._conditions is not None:
            self.points.untrace(self._conditions)

    # Clients come and go

    def leave(self) -> None:
        """The client is gone, and its points with it, but for what persists."""
        self.points.clear(self._target)
        self.console.take()
        self._printing.forget_failures()
        if self.trace.running and not self.trace.stays:
            self.stop_trace(Ended.DISCONNECTED)

    def idle(self) -> None:
        """Between two slices without a client."""
        self.console.shorten()


class _Hit:
    """A tracepoint as the points call it."""

    def __init__(self, trace: Experiment, tracepoint: Tracepoint) -> None:
        self._trace = trace
        self._tracepoint = tracepoint

    def hit(self, probe: Probe) -> bool:
        """Collect; whether steps must follow."""
        return self._trace.hit(self._tracepoint, probe)

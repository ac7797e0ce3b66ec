"""Stop replies as one client gets them: with the registers that it will ask for, and reasons that it can explain."""

from collections.abc import Callable

from gdbstub.errors import TargetError
from gdbstub.inferiors import Inferiors
from gdbstub.points import Points
from gdbstub.stopreply import BreakpointHit, Forked, Noted, Stop, Stopped, WatchpointHit, format_stop
from gdbstub.target import Target
from gdbstub.threadid import ThreadId


class StopWriter:
    """Writes them. ``offers`` says whether the client knows a feature."""

    def __init__(self, target: Target, points: Points, inferiors: Inferiors, offers: Callable[[str], bool]) -> None:
        self._target = target
        self._points = points
        self._inferiors = inferiors
        self._offers = offers

    def write(self, stop: Stop, last_process: int | None) -> bytes:
        """The reply; what ends wholly is of the process that ran last."""
        if not isinstance(stop, Stopped):
            return format_stop(stop, process=last_process)
        return format_stop(stop, process=self._inferiors.process_of(stop.thread), details=self._details(stop))

    def _details(self, stop: Stopped) -> str:
        return self._expedited(stop.thread) + self._reason(stop)

    def _expedited(self, thread: int) -> str:
        """From all registers, which the client asks for next: a target reads them once a stop."""
        try:
            digits = self._target.read_registers(thread).hex()
            missing = self._inferiors.unknown_registers(thread)
        except TargetError:  # what cannot be read does not travel
            return ""
        places = self._target.registers.expedited_places
        return "".join([f"{name}:{digits[place]};" for number, name, place in places if number not in missing])

    def _reason(self, stop: Stopped) -> str:
        """A reason that fits no point of the client's would make it resume silently, so it is left out."""
        match stop.reason:
            case BreakpointHit(address) if address in self._points.software and self._explains("swbreak", stop):
                return "swbreak:;"
            case BreakpointHit(address) if address in self._points.hardware and self._explains("hwbreak", stop):
                return "hwbreak:;"
            case WatchpointHit(kind, address) as hit if self._points.covers(hit):
                return f"{kind.value}:{address:x};"
            case Forked(way, child):
                return f"{way}:{ThreadId(child, self._inferiors.process_of(child))};"
            case Noted(key, value):
                return f"{key}:{value};"
        return ""

    def _explains(self, reason: str, stop: Stopped) -> bool:
        """Whether the client takes this reason, for a breakpoint that it knows where it stopped."""
        assert isinstance(stop.reason, BreakpointHit)
        return self._offers(reason) and self._inferiors.covers(reason, stop.reason.address, stop.thread)

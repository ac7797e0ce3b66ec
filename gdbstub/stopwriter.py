"""Stop replies as one client gets them: with the registers that it will ask for, and reasons that it can explain."""

from collections.abc import Callable

from gdbstub.errors import TargetError
from gdbstub.inferiors import Inferiors
from gdbstub.points import Points
from gdbstub.stopreply import BreakpointHit, Forked, Noted, Stepped, Stop, Stopped, WatchpointHit, format_stop
from gdbstub.target import Expedites, Target
from gdbstub.threadid import ThreadId


class StopWriter:
    """Writes them. ``offers`` says whether the client knows a feature."""

    def __init__(self, target: Target, points: Points, inferiors: Inferiors, offers: Callable[[str], bool]) -> None:
        self._target = target
        self._registers = target.registers
        self._quick = target if isinstance(target, Expedites) else None
        self._points = points
        self._inferiors = inferiors
        self._offers = offers

    def write(self, stop: Stop, last_process: int | None) -> bytes:
        """The reply; what ends wholly is of the process that ran last."""
        if not isinstance(stop, Stopped):
            return format_stop(stop, process=last_process)
        process = self._inferiors.process_of(stop.thread) if self._inferiors.tells_apart else None
        return format_stop(stop, process=process, details=self._details(stop))

    def _details(self, stop: Stopped) -> str:
        return self._expedited(stop.thread) + self._reason(stop)

    def _expedited(self, thread: int) -> str:
        registers = self._registers
        try:
            if self._quick is not None and (data := self._quick.read_expedited(thread)) is not None:
                return registers.expedited_pairs(data)
            missing = self._inferiors.unknown_registers(thread)
            numbers = [slot.number for slot in registers.expedited_slots if slot.number not in missing]
            read = [(number, self._target.read_register(thread, number)) for number in numbers]
        except TargetError:  # what cannot be read does not travel
            return ""
        return "".join(f"{number:02x}:{value.hex()};" for number, value in read if value is not None)

    def _reason(self, stop: Stopped) -> str:
        """A reason that fits no point of the client's would make it resume silently, so it is left out."""
        if stop.reason is None or isinstance(stop.reason, Stepped):  # first: nothing comes more often
            return ""
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

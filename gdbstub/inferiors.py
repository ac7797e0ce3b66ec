"""The processes of a target as one client has them: threads it sees, stops it hears of, breakpoints of one process."""

from collections.abc import Collection, Iterable, Sequence
from typing import cast

from gdbstub.held import Held
from gdbstub.points import Points
from gdbstub.processes import Processes, ProcessEvents, SystemCalls, UnknownRegisters
from gdbstub.scopes import EVERYWHERE, CaughtCalls, Scopes
from gdbstub.stopreply import BreakpointHit, Forked, Noted, ProcessEnded, Signalled, Stop, Stopped, ThreadEnded
from gdbstub.target import Breakpoints, Target


class Inferiors:
    """What a client wants of which process. Until it ``tells_apart`` processes, everything is of one."""

    def __init__(self, target: Target, points: Points) -> None:
        self.tells_apart = False
        self._target = target
        self._points = points
        self._processes = target if isinstance(target, Processes) else None
        self._unknown = target if isinstance(target, UnknownRegisters) else None
        self._scopes = Scopes()
        self._calls = CaughtCalls()
        self._held = Held()
        self._events: set[str] = set()

    def process_of(self, thread: int) -> int | None:
        """The process of a thread; None where ids do not tell it."""
        return self._processes.process_of(thread) if self.tells_apart and self._processes is not None else None

    def speak_for(self, process: int) -> Collection[int]:
        """The scopes of what is set in a process: it, and all if it is one that speaks for all."""
        common = self._processes is not None and self._processes.is_common(process)
        return (process, EVERYWHERE) if common else (process,)

    # Threads

    def threads(self) -> Sequence[int]:
        """Those of processes that the client has not left."""
        threads = self._target.threads()
        return [thread for thread in threads if not self._is_hidden(thread)] if self.tells_apart else threads

    def _is_hidden(self, thread: int) -> bool:
        process = self.process_of(thread)
        return process is not None and self._held.hides(process)

    def list_threads(self) -> Sequence[int]:
        """The same for the client to see: it holds their processes from now on."""
        self._held.prune(filter(None, map(self.process_of, self._target.threads())))
        threads = self.threads()
        for process in filter(None, map(self.process_of, threads)):
            self._held.tell(process)
        return threads

    def unknown_registers(self, thread: int) -> Collection[int]:
        """The numbers of those for which the target's ``read_registers`` has only zeros."""
        return () if self._unknown is None else self._unknown.unknown_registers(thread)

    # Stops

    def watch(self, events: Collection[str]) -> None:
        """Stop at the end of processes too, and at these of ``fork``, ``vfork``, ``exec``."""
        if self.tells_apart and isinstance(self._target, ProcessEvents):
            self._events = {*events, "exit"}
            self._target.watch_processes(self._events)

    def watch_threads(self, *, enabled: bool) -> None:
        """Stop as threads begin and end too, or no more."""
        if self.tells_apart and isinstance(self._target, ProcessEvents):
            self._target.watch_processes(self._events | ({"thread"} if enabled else set()))

    def concern(self, stop: Stop) -> bool:
        """Where processes are told apart: whether a stop is not only at a breakpoint, in a system call or in the life
        of some that are none of the client's."""
        if isinstance(stop, ProcessEnded):
            return self._held.ended(stop.process)
        if isinstance(stop, ThreadEnded):
            return stop.process is None or self._held.has(stop.process)
        return not isinstance(stop, Stopped) or self._concerns(stop)

    def _concerns(self, stop: Stopped) -> bool:
        process = self.process_of(stop.thread) or EVERYWHERE
        match stop.reason:
            case BreakpointHit(address):
                return self._scopes.concerns(address, process)
            case Noted("syscall_entry" | "syscall_return", number):
                return self._calls.concern(process, int(number, 16))
            case Forked(_, child):
                return self._held.forked(process, self.process_of(child) or EVERYWHERE)
            case Noted("vforkdone" | "exec" | "create") | Signalled():
                return self._held.has(process)
        return True

    def tell(self, stop: Stop) -> None:
        """The client hears of a stop: it holds the process and its child. An old program's breakpoints are gone."""
        if not self.tells_apart:
            return
        if isinstance(stop, ProcessEnded):
            self._take_back(stop.process)
        process = self.process_of(stop.thread) if isinstance(stop, Stopped) else None
        if process is None or not isinstance(stop, Stopped):
            return
        self._held.tell(process)
        match stop.reason:
            case Forked(_, child):
                self._held.tell(self.process_of(child) or EVERYWHERE)
            case Noted("exec"):
                self._take_back(process)

    def leave(self, process: int, stop: Stop, *, for_good: bool) -> None:
        """The client, to which ``stop`` was told last, debugs a process no more; of a fork's two it lets one go, unless
        it is for good."""
        reason = stop.reason if isinstance(stop, Stopped) else None
        is_child = isinstance(reason, Forked) and self.process_of(reason.child) == process
        self._held.leave(process, for_good=for_good or not is_child)
        self._take_back(process)

    def known(self) -> Sequence[int]:
        """The processes that the client takes for its own, where it tells them apart."""
        return self._held.known() if self.tells_apart else ()

    def take(self, process: int) -> None:
        """The client wants to debug a process that it has left, if that is still there."""
        if any(self.process_of(thread) == process for thread in self._target.threads()):
            self._held.tell(process)

    def _take_back(self, process: int) -> None:
        """A process has no breakpoints and catches of the client's any more."""
        for sort, address in self._scopes.of(process):
            if self.leave_scope(sort, address, [process]):
                table = self._points.software if sort == "swbreak" else self._points.hardware
                self._points.remove(cast(Breakpoints, self._target), table, address)
        if isinstance(self._target, SystemCalls):
            self.catch_system_calls(frozenset(), [process])

    # Breakpoints and catches

    def enter_scope(self, reason: str, address: int, processes: Iterable[int]) -> None:
        """A breakpoint, whose stops have this reason, is set in some processes."""
        for process in processes:
            self._scopes.enter(reason, address, process)

    def leave_scope(self, reason: str, address: int, processes: Iterable[int]) -> bool:
        """It is taken back there; True if no other process wants it."""
        last = True
        for process in processes:
            last = self._scopes.leave(reason, address, process)
        return last

    def covers(self, reason: str, address: int, thread: int) -> bool:
        """Whether a thread's process has such a breakpoint of its own."""
        process = self.process_of(thread)
        return process is None or self._scopes.covers(reason, address, process)

    def catch_system_calls(self, numbers: frozenset[int] | None, processes: Collection[int]) -> None:
        """Stop at these calls in some processes, or in all if none is named; None is all, no number none."""
        self._calls.want(processes or [EVERYWHERE], numbers)
        cast(SystemCalls, self._target).catch_system_calls(self._calls.all())

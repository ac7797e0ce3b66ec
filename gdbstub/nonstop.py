"""Non-stop mode: which threads a client takes for stopped, and the stops that it has still to hear of.

A target has one clock, so a thread that is stopped stands for all: nothing runs on until each stopped thread has been
resumed. The one exception is a step, which runs as long as it takes. (gdb manual, "Remote Non-Stop", "Notifications".)
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from gdbstub.stopreply import Exited, Forked, Signal, Stop, Stopped, Terminated, ThreadEnded
from gdbstub.target import CONTINUE, Action


@dataclass(frozen=True, slots=True)
class StepRange:
    """A range step: thread ``thread`` steps while its program counter is in [start, end)."""

    thread: int
    start: int
    end: int


class NonStop:
    """A client's threads, each stopped or not. ``active`` says whether the client has chosen this mode."""

    def __init__(self, *, active: bool = False) -> None:
        self.active = active
        self._stopped: dict[int, Stopped] = {}
        self._actions: dict[int, Action] = {}  # of threads that shall do more than continue
        self._ranges: dict[int, StepRange] = {}
        self._untold: deque[Stop] = deque()
        self._told = False  # the first of them is, and waits for its vStopped

    @classmethod
    def begun(cls, stop: Stop) -> Self:
        """The mode as a client finds it: only the thread that stopped last is stopped."""
        new = cls(active=True)
        if isinstance(stop, Stopped):
            new._stopped[stop.thread] = stop
        return new

    # What threads do

    def is_stopped(self, thread: int) -> bool:
        """Whether the client takes a thread for stopped."""
        return thread in self._stopped

    def resume(self, thread: int, action: Action, within: StepRange | None = None) -> None:
        """A thread shall go on, unless it has stopped and the client has not heard of it."""
        if any(isinstance(stop, Stopped) and stop.thread == thread for stop in self._untold):
            return
        self._stopped.pop(thread, None)
        self._drop(thread)
        if action.step:
            self._actions[thread] = action
        if within is not None:
            self._ranges[thread] = within

    def halt(self, thread: int) -> None:
        """A thread that runs shall stop, which is a stop without a signal."""
        if thread not in self._stopped:
            self.add(Stopped(Signal.NONE, thread))

    def plan(self, threads: Iterable[int]) -> Mapping[int, Action]:
        """Which of the threads there are go on now: all, those that step, or none."""
        if not self._stopped:
            return self._actions | {thread: CONTINUE for thread in threads if thread not in self._actions}
        return {thread: self._actions[thread] for thread in threads if thread in self._actions}

    def range(self) -> StepRange | None:
        """The range step, if nothing else steps."""
        return next(iter(self._ranges.values()), None) if len(self._actions) == 1 else None

    # Stops

    def add(self, stop: Stop) -> None:
        """Something stopped or ended, and is to be told; a fork's child rests with its parent."""
        match stop:
            case Stopped(thread=thread, reason=reason):
                self._stopped[thread] = stop
                self._drop(thread)
                if isinstance(reason, Forked):
                    self._stopped[reason.child] = Stopped(Signal.NONE, reason.child)
            case ThreadEnded(thread=thread):
                self.forget([thread])
            case Exited() | Terminated():
                self.forget(list(self._stopped | self._actions))
        self._untold.append(stop)

    def _drop(self, thread: int) -> None:
        self._actions.pop(thread, None)
        self._ranges.pop(thread, None)

    def forget(self, threads: Iterable[int]) -> None:
        """Threads are no more, or none of the client's."""
        for thread in threads:
            self._stopped.pop(thread, None)
            self._drop(thread)
            self._untold = deque(
                stop
                for index, stop in enumerate(self._untold)
                if (index == 0 and self._told) or not (isinstance(stop, Stopped) and stop.thread == thread)
            )

    def keep(self, threads: Iterable[int]) -> None:
        """Only these threads are left."""
        there = set(threads)
        self.forget([thread for thread in self._stopped | self._actions if thread not in there])

    # Telling

    def news(self) -> Stop | None:
        """A stop to notify the client of, unless it has not yet acknowledged another."""
        if self._told or not self._untold:
            return None
        self._told = True
        return self._untold[0]

    def acknowledge(self) -> Stop | None:
        """The client has heard of the stop that was told last (``vStopped``): the next one."""
        if self._told:
            self._untold.popleft()
        self._told = bool(self._untold)
        return self._untold[0] if self._untold else None

    def recount(self) -> Stop | None:
        """Tell of all stopped threads anew (``?``): the first of them."""
        self._untold = deque(self._stopped.values())
        self._told = bool(self._untold)
        return self._untold[0] if self._untold else None

"""Which process a breakpoint was set for, where a client tells processes apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

EVERYWHERE = 0
"""Stands for all processes."""


@dataclass(slots=True)
class CaughtCalls:
    """The system calls that are waited for in each process; `EVERYWHERE` where processes are not told apart."""

    _wanted: dict[int, frozenset[int] | None] = field(default_factory=dict)

    def want(self, processes: Iterable[int], numbers: frozenset[int] | None) -> None:
        """Wait for these in some processes: None is all, no number none."""
        for process in processes:
            self._wanted[process] = numbers
            if numbers is not None and not numbers:
                del self._wanted[process]

    def all(self) -> frozenset[int] | None:
        """What is waited for in any process."""
        if None in self._wanted.values():
            return None
        return frozenset(number for numbers in self._wanted.values() if numbers for number in numbers)

    def concern(self, process: int, number: int) -> bool:
        """Whether a call of a process is waited for."""
        wanted = [self._wanted[where] for where in (process, EVERYWHERE) if where in self._wanted]
        return any(numbers is None or number in numbers for numbers in wanted)


@dataclass(slots=True)
class Scopes:
    """For each sort of breakpoint and each address, the processes in which it is wanted."""

    _wanted: dict[tuple[str, int], set[int]] = field(default_factory=dict)

    def enter(self, sort: str, address: int, process: int) -> None:
        """A breakpoint is set in a process."""
        self._wanted.setdefault((sort, address), set()).add(process)

    def leave(self, sort: str, address: int, process: int) -> bool:
        """It is taken back; True if no other process wants one there."""
        wanted = self._wanted.get((sort, address), set())
        wanted.discard(process)
        if not wanted:
            self._wanted.pop((sort, address), None)
        return not wanted

    def of(self, process: int) -> Sequence[tuple[str, int]]:
        """What is set in a process: sorts and addresses."""
        return [key for key, processes in self._wanted.items() if process in processes]

    def covers(self, sort: str, address: int, process: int) -> bool:
        """Whether a breakpoint of this sort was set in this process itself."""
        return process in self._wanted.get((sort, address), ())

    def concerns(self, address: int, process: int) -> bool:
        """Whether a breakpoint there stops this process; one that no client set stops all."""
        wanted = [where for (_, at), where in self._wanted.items() if at == address]
        return not wanted or any(process in where or EVERYWHERE in where for where in wanted)

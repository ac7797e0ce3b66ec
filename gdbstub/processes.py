"""Powers of a target with an operating system: processes, their files, signals and system calls."""

from collections.abc import Collection
from typing import Protocol, runtime_checkable


@runtime_checkable
class Processes(Protocol):
    """Threads of several processes: ``multiprocess``, where the client knows it too."""

    def has_processes(self) -> bool:
        """Whether there is more than one; asked when a client comes."""
        ...

    def process_of(self, thread: int) -> int:
        """The process that a thread belongs to."""
        ...

    def is_common(self, process: int) -> bool:
        """Whether breakpoints set in this process are meant for all."""
        ...


@runtime_checkable
class ProcessEvents(Processes, Protocol):
    """``catch fork``, ``vfork`` and ``exec``, and the end of one process: stops in the life of processes."""

    def watch_processes(self, events: Collection[str]) -> None:
        """Stop at these, and at no others: ``fork`` and ``vfork`` (`Forked`; after the latter ``vforkdone`` is noted as
        the parent goes on), ``exec`` (noted with the program's path in hexadecimal), ``exit`` (`ProcessEnded`),
        ``thread`` (a new thread stops, noted ``create``; one that is not its process's last is `ThreadEnded`)."""
        ...


@runtime_checkable
class UnknownRegisters(Protocol):
    """A target with threads of which not every register is known."""

    def unknown_registers(self, thread: int) -> Collection[int]:
        """The numbers of those for which ``read_registers`` has only zeros."""
        ...


@runtime_checkable
class Files(Protocol):
    """Files of the target's own system, as the process ``process`` sees them; the server's are out of reach."""

    def read_file(self, path: str, process: int | None) -> bytes:
        """All that a file holds; raises TargetError with ENOENT and the like."""
        ...

    def read_link(self, path: str, process: int | None) -> str:
        """Where a link leads."""
        ...

    def exec_file(self, process: int | None) -> str:
        """The path of the program that a process runs."""
        ...

    def auxiliary_vector(self, process: int | None) -> bytes:
        """What the system told the program of a process as it started (System V ABI)."""
        ...


@runtime_checkable
class Signals(Protocol):
    """``handle`` and ``catch signal``: stops with a signal as the target's system delivers it to a program."""

    def pass_signals(self, numbers: Collection[int]) -> None:
        """Stop at all signals but these, by the protocol's numbers, while threads are of several processes."""
        ...


@runtime_checkable
class SystemCalls(Protocol):
    """``catch syscall``: stops noted ``syscall_entry`` and ``syscall_return`` with the call's number."""

    def catch_system_calls(self, numbers: Collection[int] | None) -> None:
        """Stop at these system calls of any process; None is all, and no number none."""
        ...

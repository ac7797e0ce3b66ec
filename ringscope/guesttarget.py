"""A machine with a kernel of known structures as a target of the stub: its files too."""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from gdbstub import stopreply
from gdbstub.errors import TargetError
from gdbstub.stopreply import Forked, Noted, ProcessEnded, Signal, Stopped
from gdbstub.target import Action
from kernel.errors import Error as KernelError
from kernel.objects import Kernel
from machine import stop
from machine.machine import Machine
from ringscope.guestfiles import GuestFiles
from ringscope.processevents import ProcessEvents
from ringscope.systemcalls import ENTRY_SYMBOL, SystemCalls
from ringscope.target import MachineTarget


class GuestTarget(MachineTarget):
    """`MachineTarget` with files. ``kernel`` finds the kernel's objects, and may raise `kernel.errors.Error`."""

    def __init__(self, machine: Machine, kernel: Callable[[], Kernel], **options: Any) -> None:
        super().__init__(machine, **options)
        self._kernel = kernel
        self._files = GuestFiles(kernel)
        self._calls = SystemCalls(machine, self.probe(0), self._entries)
        self._events = ProcessEvents(machine, self.probe(0), kernel)
        self._actions: Mapping[int, Action] = {}

    def read_file(self, path: str, process: int | None) -> bytes:
        """A file of /proc, or one in the kernel's memory."""
        return self._files.read_file(path, self._known(process))

    def read_link(self, path: str, process: int | None) -> str:
        """A link of /proc."""
        return self._files.read_link(path, self._known(process))

    def exec_file(self, process: int | None) -> str:
        """The program of a process; the machine's processors have none of their own."""
        path = self._files.exec_file(process) if self.view.multiprocess else ""
        if not path:
            raise TargetError(errno.ENOENT, "the kernel has no program")
        return path

    def auxiliary_vector(self, process: int | None) -> bytes:
        """That of a process; nothing for the machine's processors and the kernel's own threads."""
        return self._files.auxiliary_vector(process) if self.view.multiprocess else b""

    def _known(self, process: int | None) -> int | None:
        """The process, where threads are tasks."""
        return process if self.view.multiprocess else None

    # System calls

    def catch_system_calls(self, numbers: Collection[int] | None) -> None:
        """Stop at SYSCALL's entry into the kernel, and where the caller goes on."""
        self._calls.catch(numbers)

    def _entries(self) -> Iterator[int]:
        try:
            symbol = self._kernel().symbols.lookup(ENTRY_SYMBOL)
        except KernelError:
            return
        if symbol is not None:
            yield symbol.address

    # The life of processes

    def watch_processes(self, events: Collection[str]) -> None:
        """Stop at these, while threads are tasks."""
        self._events.watch(events)

    # Both

    def resume(self, actions: Mapping[int, Action]) -> None:
        """Continue, or step one thread."""
        self._calls.arm()
        self._events.arm(enabled=self.view.multiprocess)
        self._actions = actions
        super().resume(actions)

    def run_slice(self) -> stopreply.Stop | None:
        """One step, or some milliseconds of running."""
        told = super().run_slice()
        if isinstance(self.last, stop.Breakpoint) and told is not None and self._events.waits(self.last.address):
            super().resume(self._actions)
            return None
        return told

    def client_detached(self) -> None:
        """Nothing is waited for any more."""
        self._calls.catch(())
        self._calls.arm()
        self._events.watch(())
        self._events.arm()
        super().client_detached()

    def _reply(self, reason: stop.Stop) -> stopreply.Stop:
        event = self._event(reason.address) if isinstance(reason, stop.Breakpoint) else None
        if event is None:
            return super()._reply(reason)
        return event if isinstance(event, ProcessEnded) else Stopped(Signal.TRAP, self.view.running(), event, 0)

    def _event(self, address: int) -> Forked | Noted | ProcessEnded | None:
        call = self._calls.at(address)
        return Noted(call.way, f"{call.number:x}") if call is not None else self._events.at(address)

"""A machine with a kernel of known structures as a target of the stub: its files too."""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Mapping
from typing import Any

from gdbstub import stopreply
from gdbstub.errors import TargetError
from gdbstub.stopreply import Noted, ProcessEnded, Signal, Signalled, Stopped, ThreadEnded
from gdbstub.target import Action
from gdbstub.values import Program
from kernel.errors import Error as KernelError
from kernel.objects import Kernel
from kernel.vdso import int80_landing_pad
from machine import stop
from machine.errors import Error as MachineError
from machine.machine import Machine
from ringscope.guestfiles import GuestFiles
from ringscope.kernelhooks import find_address
from ringscope.kills import Kills
from ringscope.processevents import FIRST, LAUNCHED, START_SYMBOL, Event, ProcessEvents
from ringscope.signalstops import SignalStops
from ringscope.systemcalls import SystemCalls
from ringscope.target import MachineTarget


class GuestTarget(MachineTarget):
    """`MachineTarget` with files and programs.

    ``kernel`` finds the kernel's objects, and may raise `kernel.errors.Error`; ``restart`` switches the
    machine on anew.
    """

    def __init__(
        self,
        machine: Machine,
        kernel: Callable[[], Kernel],
        restart: Callable[[Program | None], None],
        **options: Any,
    ) -> None:
        super().__init__(machine, **options)
        self._kernel = kernel
        self._files = GuestFiles(kernel)
        self._calls = SystemCalls(machine, self.probe(0), self._find, lambda: int80_landing_pad(kernel()))
        self._events = ProcessEvents(machine, self.probe(0), kernel)
        self._restart = restart
        self.launched = False
        """Whether the machine was switched on for a program."""
        self._signals = SignalStops(machine, self.probe(0), kernel)
        self._kills = Kills(machine, self.probe(0), kernel)
        self._waiting = False
        """Whether anything is waited for in the kernel, or was."""
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
        """Stop where calls enter the kernel, and where the caller goes on."""
        self._calls.catch(numbers)
        self._waiting = True

    def _find(self, name: str) -> int | None:
        return find_address(self._kernel, name)

    # The life of processes

    def watch_processes(self, events: Collection[str]) -> None:
        """Stop at these, while threads are tasks."""
        self._events.watch(events)
        self._waiting = True

    # Signals

    def pass_signals(self, numbers: Collection[int]) -> None:
        """Stop at other signals, while threads are tasks."""
        self._signals.pass_(numbers)
        self._waiting = True

    def signal_info(self, thread: int) -> bytes:
        """What the kernel tells the program of the signal, or would of a caught exception."""
        seen = self._signals.at(self.last.address) if isinstance(self.last, stop.Breakpoint) else None
        return super().signal_info(thread) if seen is None else seen.details

    # Beginning anew

    def restart(self) -> None:
        """Switch the machine on anew: same kernel, same command line."""
        self._begin(None)

    def start_program(self, program: Program) -> None:
        """Switch it on anew with another first program; it stops where that begins."""
        try:
            if self._kernel().symbols.lookup(START_SYMBOL) is None:
                raise TargetError(errno.ENOTSUP, f"the kernel has no {START_SYMBOL}, where programs begin")
        except KernelError as error:
            raise TargetError(errno.ENOTSUP, str(error)) from None
        self._begin(program)
        self._events.launch()
        self._waiting = True

    def _begin(self, program: Program | None) -> None:
        self.lose_track()
        try:
            self._restart(program)
        except (MachineError, KernelError, OSError) as error:
            raise TargetError(errno.EINVAL, str(error)) from None
        self.machine.stop_here()
        self.last = stop.Stepped()
        self.launched = program is not None
        self.forget()

    def kill(self, process: int | None = None) -> None:
        """End the machine, for its own processes and the one it was started for; another one ends as the guest runs."""
        if process is None or self.is_common(process) or (self.launched and process == FIRST):
            super().kill()
        elif not isinstance(self.last, stop.Exited):  # a machine that is off has none
            self._kill_one(process)

    def _kill_one(self, process: int) -> None:
        if process == FIRST:
            raise TargetError(
                errno.EPERM, f"process {FIRST} cannot be killed: it is the kernel's first, which may not end"
            )
        self._waiting = True
        try:
            self._kills.want(process)
        except ProcessLookupError:
            raise TargetError(errno.ESRCH, f"there is no process {process}") from None
        except KernelError as error:
            raise TargetError(errno.ENOTSUP, f"process {process} cannot be killed: {error}") from None

    # All of them

    def resume(self, actions: Mapping[int, Action]) -> None:
        """Continue, or step one thread."""
        if self._waiting:
            enabled = self.view.multiprocess
            self._calls.arm()
            self._events.arm(enabled=enabled)
            self._signals.arm(enabled=enabled)
            self._kills.settle()
            waiters = (self._calls, self._events, self._signals, self._kills)
            self._waiting = not all(waiter.idle for waiter in waiters)
        self._actions = actions
        super().resume(actions)

    def run_slice(self) -> stopreply.Stop | None:
        """One step, or some milliseconds of running."""
        told = super().run_slice()
        if not self._waiting:
            return told
        if isinstance(self.last, stop.Breakpoint) and told is not None and self._waits(self.last.address):
            self._signals.arm(enabled=self.view.multiprocess)
            super().resume(self._actions)
            return None
        return told

    def _waits(self, address: int) -> bool:
        """Whether it stopped for nothing that the client waits for."""
        plain = self.machine.cpu.breakpoints.is_plain(address)
        if self._kills.waits(address):
            over = self._kills.act()
            self.forget()
            return not (over and plain)
        waits = self._events.waits(address) or self._signals.waits(address)
        return (waits and not plain) or self._kills.is_dying()

    def client_detached(self) -> None:
        """Nothing is waited for any more."""
        self._calls.catch(())
        self._events.watch(())
        self._signals.pass_(None)
        self._forget_events()
        super().client_detached()

    def lose_track(self) -> None:
        """The machine is put elsewhere in its run: nothing of the client's is under way there."""
        self._pin.release()
        self._forget_events()
        self._kills.forget()

    def _forget_events(self) -> None:
        """What is under way comes to nothing."""
        self._calls.forget()
        self._events.launch(awaited=False)
        self._events.arm(enabled=False)
        self._signals.arm(enabled=False)
        self._waiting = True

    def _reply(self, reason: stop.Stop) -> stopreply.Stop:
        if not self._waiting:
            return super()._reply(reason)
        if self._events.launching and isinstance(reason, stop.Halted):
            return stopreply.Exited(1)  # a kernel without a first program halts for ever
        event = self._event(reason.address) if isinstance(reason, stop.Breakpoint) else None
        signal = self._signals.at(reason.address) if isinstance(reason, stop.Breakpoint) else None
        if signal is not None and event is None:
            return Stopped(signal.signal, self.view.running(), Signalled(), 0)
        if event is None:
            return super()._reply(reason)
        if event is LAUNCHED:
            self._events.launch(awaited=False)
            return Stopped(Signal.TRAP, self.view.running(), None, 0)
        if isinstance(event, ProcessEnded | ThreadEnded | Stopped):
            return event
        return Stopped(Signal.TRAP, self.view.running(), event, 0)

    def _event(self, address: int) -> Event | None:
        call = self._calls.at(address)
        return Noted(call.way, f"{call.number:x}") if call is not None else self._events.at(address)

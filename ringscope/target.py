"""The machine as a target of the stub: one thread per processor, numbered from 1."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from gdbstub import stopreply
from gdbstub.errors import TargetError
from gdbstub.stopreply import Signal
from gdbstub.target import Action
from gdbstub.values import HostInfo, MemoryRegion, Offsets, OsRows, OsTable, Region, ThreadInfo
from machine import stop
from machine.cpu import Cpu
from machine.errors import MemoryFault
from machine.machine import Machine
from ringscope.branches import MachineBranches
from ringscope.configuration import RESET_STATUS
from ringscope.observing import only_looks
from ringscope.pace import Pace
from ringscope.pin import Pin
from ringscope.points import ACCESS, MachinePoints
from ringscope.regions import Regions
from ringscope.serial.lines import Lines
from ringscope.siginfo import signal_info
from ringscope.slide import kernel_slide, offsets
from ringscope.stepping import Policy, Stepper
from ringscope.threadregisters import ThreadRegisters
from ringscope.views import ProcessorView, View

IDLE_SECONDS = 0.05
"""Pause between two looks at a machine that waits for input."""

_SIGNALS = {stop.Interrupted: Signal.INT, stop.Halted: Signal.QUIT, stop.Shutdown: Signal.SEGV}
_KIND = {access: kind for kind, access in ACCESS.items()}

Describe = Callable[[], str]
RunCommand = Callable[[str, Callable[[str], None]], None]


class Tables(Protocol):
    """Where ``info os`` finds its tables."""

    def os_tables(self) -> Iterable[OsTable]:
        """The tables there are."""

    def os_rows(self, name: str) -> OsRows:
        """One of them. Raises TargetError."""


@lru_cache
def _stepped(thread: int, core: int) -> stopreply.Stopped:
    return stopreply.Stopped(Signal.TRAP, thread, stopreply.Stepped(), core)


@lru_cache
def _met(thread: int, core: int, address: int | None) -> stopreply.Stopped:
    return stopreply.Stopped(Signal.TRAP, thread, None if address is None else stopreply.BreakpointHit(address), core)


class MachineTarget(ThreadRegisters, MachinePoints, MachineBranches):
    """Serves a machine.

    ``describe`` names the running task for ``info threads``; ``command`` runs a ``monitor`` command line; ``lines`` are
    what its serial ports lead to; ``tables`` are those of ``info os``.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        describe: Describe = lambda: "",
        command: RunCommand | None = None,
        lines: Lines | None = None,
        tables: Tables | None = None,
    ) -> None:
        ThreadRegisters.__init__(self, machine)
        MachinePoints.__init__(self, machine, self._running)
        MachineBranches.__init__(self, machine, lambda: self.view)
        self._pace = Pace(machine, lines)
        self.last: stop.Stop = stop.Stepped()
        self._processors = ProcessorView(machine, describe)
        self.view: View = self._processors
        self._first_view: View | None = None
        self._selected: int | None = None
        self.stepper = Stepper(machine, self._pace)
        self._pin = Pin(machine, self._pace, lambda: self.view, self.stepper)
        self._command = command
        self._tables = tables
        self._regions: Regions | None = None
        self._physical = False
        self._root: int | None = None  # of page tables chosen by the user

    # Memory

    def read_memory(self, address: int, length: int) -> bytes:
        """Linear memory through the selected thread's page tables, or physical memory if the client asked for that."""
        machine, table, cpu = self.machine, self._page_table(), self._looking()
        try:
            if self._physical:
                return machine.memory.read(address, length)
            return machine.read_linear(address, length, table, cpu)
        except MemoryFault as fault:
            readable = 0 if self._physical else machine.readable(address, length, table, cpu)
            if readable:
                return machine.read_linear(address, readable, table, cpu)
            raise TargetError(errno.EFAULT, str(fault)) from None

    def write_memory(self, address: int, data: bytes) -> None:
        """Write linear memory, read-only pages too, or physical memory if the client asked for that."""
        table = self._page_table()
        self.forget()
        try:
            if self._physical:
                self.machine.memory.write(address, data)
            else:
                self.machine.write_linear(address, data, table, self._looking())
        except MemoryFault as fault:
            raise TargetError(errno.EFAULT, str(fault)) from None

    def _looking(self) -> Cpu:
        """The processor whose mode decides what an address is."""
        return self.machine.cpu if self._selected is None else self._cpu(self._selected)

    def _page_table(self) -> int | None:
        if self._root is not None or self._selected is None:
            return self._root
        return self.view.page_table(self._selected)

    def select_thread(self, thread: int) -> None:
        """Memory is that of this thread from now on."""
        self._selected = thread

    def forget(self) -> None:
        """The guest has run, or something in it has changed."""
        self._blocks.clear()
        self._regions = None
        self.view.forget()

    def look_through(self, memory: int | bool | None) -> None:
        """Let addresses be those of page tables at a CR3, physical ones (True), or the selected thread's (None)."""
        self._physical = memory is True
        self._root = None if isinstance(memory, bool) else memory

    def is_physical(self) -> bool:
        """Whether addresses are physical."""
        return self._physical

    def set_physical(self, physical: bool) -> None:
        """Take addresses for physical ones, or linear ones."""
        self._physical = physical

    # Threads

    def look_at(self, view: View | None) -> None:
        """Choose what threads are; None for the processors."""
        self.view = view or self._processors
        self._selected = None
        self.forget()

    def begin_with(self, view: View | None) -> None:
        """Choose what threads are at the beginning of every session."""
        self._first_view = view
        self.look_at(view)

    def threads(self) -> Sequence[int]:
        """The view's."""
        return self.view.threads()

    def thread_info(self, thread: int) -> ThreadInfo:
        """What the view says of a thread."""
        return self.view.thread_info(thread)

    def has_processes(self) -> bool:
        """The view's."""
        return self.view.multiprocess

    def process_of(self, thread: int) -> int:
        """The view's."""
        return self.view.process_of(thread)

    def is_common(self, process: int) -> bool:
        """The view's."""
        return self.view.is_common(process)

    # Running

    def _running(self) -> int:
        """The thread that stands on the processor, also inside the run."""
        self.view.forget()
        return self.view.running()

    def stop_state(self) -> stopreply.Stop:
        """The last stop."""
        return self._reply(self.last)

    def resume(self, actions: Mapping[int, Action]) -> None:
        """Continue, or step one thread; signals mean nothing to a processor.  Other processors than named rest."""
        if self.machine.cpus[1:]:
            resting = [thread for thread in self.threads() if thread not in actions]
            self.machine.turns.hold([self.view.processor(thread) for thread in resting])
        for thread, action in actions.items():
            if action.step:
                self._pin.hold(thread)
                return
        self._pin.hold(None)

    def run_slice(self) -> stopreply.Stop | None:
        """One step, or some milliseconds of running."""
        self.forget()
        reason = self._pin.run()
        if reason is None:
            return None
        self.last = reason
        return self._reply(reason)

    def interrupt(self) -> stopreply.Stop:
        """Stop between two slices."""
        self._pin.release()
        self.machine.stop_here()
        self.last = self.machine.last = stop.Interrupted()
        return self._reply(self.last)

    def idle_seconds(self) -> float:
        """A halted machine that waits for input lets the host sleep."""
        return IDLE_SECONDS if self.machine.idle else 0.0

    def client_attached(self) -> None:
        """Addresses mean linear memory again, and threads are what every session begins with."""
        self.look_at(self._first_view)
        self.look_through(None)
        self.stepper.policy = Policy.RAW
        self._selected = None
        self.machine.turns.hold(())

    def client_detached(self) -> None:
        """Catches and the branch trace go with their client; the session has taken its breakpoints out."""
        self.machine.turns.hold(())
        self.machine.cpu.catches.clear()
        self.forget_all_branches()

    def _reply(self, reason: stop.Stop) -> stopreply.Stop:
        thread, core = self.view.running(), self.machine.cpu.number
        if isinstance(reason, stop.Stepped):  # first: nothing comes more often
            return _stepped(thread, core)
        match reason:
            case stop.Breakpoint(address):
                # gdb finds its breakpoint by RIP and resumes silently if there is none: with a base in CS, no reason.
                return _met(thread, core, address if self.machine.cpu.standing().eip == address else None)
            case stop.Caught(number, text):
                # No reason: gdb would resume silently for one that none of its own points explains.
                return stopreply.Stopped(Signal.TRAP, thread, None, core, f"Catch {number}: {text}\n")
            case stop.Watchpoint(access, address):
                hit = stopreply.WatchpointHit(_KIND[access], address)
                return stopreply.Stopped(Signal.TRAP, thread, hit, core)
            case stop.Interrupted() | stop.Halted() | stop.Shutdown():
                return stopreply.Stopped(_SIGNALS[type(reason)], thread, core=core)
            case stop.Exited(code):
                return stopreply.Exited(code & 0xFF)
            case stop.Reset():
                return stopreply.Exited(RESET_STATUS)
        return _stepped(thread, core)

    # The rest

    def memory_map(self) -> Iterable[MemoryRegion]:
        """All of the linear address space: what is mapped changes as the guest runs."""
        yield MemoryRegion("ram", 0, (1 << 64) - 1)  # gdb cannot hold the full length

    def monitor(self, command: str, write: Callable[[str], None]) -> None:
        """Run a command of the registry that the REPL shares."""
        if self._command is None:
            raise TargetError(errno.ENOTSUP, "this server has no monitor commands")
        try:
            self._command(command, write)
        finally:
            self.forget()

    def only_looks(self, command: str) -> bool:
        """Whether a monitor command changes neither the machine nor what gdb sees of it."""
        return only_looks(command)

    def signal_info(self, thread: int) -> bytes:
        """What Linux would tell a program of a caught exception."""
        fault = self.last.fault if isinstance(self.last, stop.Caught) else None
        found = None if fault is None else signal_info(fault, self.machine.cpu.read_register("cr2"))
        if found is None:
            raise TargetError(errno.ENODATA, "the machine has not stopped for an exception that makes a signal")
        return found

    def host(self) -> HostInfo:
        """An x86-64 processor without an operating system that a debugger would know."""
        return HostInfo("x86_64-unknown-unknown", 8)

    def region_at(self, address: int) -> Region:
        """What the page tables map there."""
        return self._mapped().at(address)

    def _mapped(self) -> Regions:
        """The page tables' regions; they are walked once a stop."""
        if self._regions is None:
            self._regions = Regions(self.machine)
        return self._regions

    def offsets(self) -> Offsets:
        """Where a Linux kernel lies that moved itself."""
        return offsets(kernel_slide(self._mapped()))

    def os_tables(self) -> Iterable[OsTable]:
        """The tables of the guest's system."""
        return self._tables.os_tables() if self._tables is not None else ()

    def os_rows(self, name: str) -> OsRows:
        """One of them."""
        if self._tables is None:
            raise TargetError(errno.ENOENT, f"there is no table {name!r}")
        return self._tables.os_rows(name)

    def kill(self, process: int | None = None) -> None:
        """End the machine: it does not run again unless it is switched on anew."""
        self._pin.release()
        self.machine.power_off()
        self.last = stop.Exited(0)
        self.forget()

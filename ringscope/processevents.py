"""The life of the guest's processes as events: fork, vfork and its end, exec, exit.

The kernel's own functions tell: breakpoints that ask stand on them, found by name. A program that was executed is met
at its first instruction, and a parent that waited for its vfork's child where its system call returns to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from gdbstub.stopreply import Forked, Noted, ProcessEnded, Signal, Stopped, ThreadEnded
from kernel.files import executable
from kernel.objects import Kernel
from kernel.saved import task_pt_regs
from kernel.tasks import Task, current_address, current_task, read_task
from machine.machine import Machine
from ringscope.kernelhooks import KernelHooks
from ringscope.layout import REGISTERS
from ringscope.probe import MachineProbe
from ringscope.signals import protocol_signal
from ringscope.views import thread_id

FORK, VFORK, EXEC, EXIT, THREAD = "fork", "vfork", "exec", "exit", "thread"
"""What can be watched."""

# fmt: off
FUNCTIONS = {
    # Linux's name, and our kernel's (first argument counts, of the starts the second)
    "wake_up_new_task":    (FORK, VFORK, THREAD),  # struct task_struct *p
    "start_thread":        (EXEC,),        # struct pt_regs *regs, unsigned long new_ip
    "compat_start_thread": (EXEC,),        # the same of 32 bits, Linux's alone
    "do_exit":             (EXIT, THREAD), # long code: status << 8, or the signal
}
# fmt: on

START_SYMBOL = "start_thread"
"""Where every kernel of ours and of Linux starts a program of 64 bits."""

MOST_ARRIVALS = 256
"""Tasks that are waited for at once on their way to ring 3."""

VFORK_DONE = Noted("vforkdone")
LAUNCHED = Noted("launched")
"""The first program that process 1 executes, which `ProcessEvents.launch` waits for."""

FIRST = 1
"""Its pid."""

_RDI, _RSI, _CS = (REGISTERS.by_name[name].number for name in ("rdi", "rsi", "cs"))
_RPL = 3
_STATUS_SHIFT, _BYTE, _SIGNAL = 8, 0xFF, 0x7F
_NOTHING: frozenset[str] = frozenset()

Event = Forked | Noted | ProcessEnded | ThreadEnded | Stopped


class _Arrival(NamedTuple):
    """A task that will come to an address in ring 3."""

    address: int
    task: int


class ProcessEvents:
    """Waits for events by breakpoints that ask. ``kernel`` finds the kernel's objects, and may raise
    `kernel.errors.Error`."""

    def __init__(self, machine: Machine, probe: MachineProbe, kernel: Callable[[], Kernel]) -> None:
        self._breakpoints = machine.cpu.breakpoints
        self._probe = probe
        self._watched: frozenset[str] = frozenset()
        self.launching = False
        self._arrivals: dict[_Arrival, Event] = {}
        self._done: _Arrival | None = None
        self._seen: tuple[int, Event | None] | None = None
        asks = {
            "wake_up_new_task": self._wakes,
            "start_thread": self._starts,
            "compat_start_thread": self._starts,
            "do_exit": self._exits,
        }
        self._hooks = KernelHooks(machine, probe, kernel, asks)
        self._ask_arrival = self._hooks.asking(self._arrived)

    def watch(self, events: Collection[str]) -> None:
        """Wait for these from the next `arm` on."""
        self._watched = frozenset(events)

    def launch(self, *, awaited: bool = True) -> None:
        """From the next `arm` on, wait for the first program, or no more."""
        self.launching = awaited

    @property
    def idle(self) -> bool:
        """Whether nothing is waited for, and nothing left to be taken out."""
        return not (self._watched or self.launching or self._hooks or self._arrivals or self._done)

    def arm(self, *, enabled: bool = True) -> None:
        """Before the machine runs: wait at the functions there are now, for nothing unless ``enabled``."""
        self._seen = None
        watched = self._watched if enabled else _NOTHING
        if self._done is not None:
            self._drop(self._done)
            self._done = None
        if self.launching:
            watched |= {EXEC}
        if not watched:
            for arrival in list(self._arrivals):
                self._drop(arrival)
        if not (watched or self._hooks):
            return
        self._hooks.plant(name for name, events in FUNCTIONS.items() if not watched.isdisjoint(events))

    def at(self, address: int) -> Event | None:
        """The event behind a breakpoint's stop, if it is one."""
        return self._seen[1] if self._seen is not None and self._seen[0] == address else None

    def waits(self, address: int) -> bool:
        """Whether a breakpoint stopped only so that an arrival can be waited for."""
        return self._seen == (address, None)

    # Inside the run

    def _tell(self, event: Event | None) -> bool:
        self._seen = self._probe.pc(), event
        return True

    def _wakes(self, kernel: Kernel) -> bool:
        """A task is about to be known to the scheduler: the first of a new process, or another thread."""
        parent, child = current_task(kernel), read_task(kernel, self._probe.register(_RDI))
        if parent.is_kernel_thread or child.is_kernel_thread:
            return False
        if child.pid != child.tgid:
            return THREAD in self._watched and self._tell(Stopped(Signal.TRAP, thread_id(child), Noted("create")))
        way = VFORK if child.object.has("vfork_done") and child.object.number("vfork_done") else FORK
        if way not in self._watched:
            return False
        if way == VFORK:
            self._await(task_pt_regs(parent).number("ip"), parent.address, VFORK_DONE)
        return self._tell(Forked(way, thread_id(child)))

    def _starts(self, kernel: Kernel) -> bool:
        """A new program stands in memory, and will begin at an address."""
        task = current_task(kernel)
        if self.launching and task.pid == FIRST:
            event = LAUNCHED
        elif EXEC in self._watched:
            event = Noted(EXEC, (executable(task) or "").encode().hex())
        else:
            return False
        self._await(self._probe.register(_RSI), task.address, event)
        return self._tell(None)

    def _exits(self, kernel: Kernel) -> bool:
        """A task ends, and its process if it was the last thread of it."""
        task = current_task(kernel)
        for arrival in [arrival for arrival in self._arrivals if arrival.task == task.address]:
            self._drop(arrival)
        if task.mm is None:
            return False
        if not _is_last(task):
            return THREAD in self._watched and self._tell(ThreadEnded(thread_id(task), task.tgid))
        if EXIT not in self._watched:
            return False
        code = self._probe.register(_RDI)
        signal = code & _SIGNAL
        ended = ProcessEnded(task.tgid, code >> _STATUS_SHIFT & _BYTE, protocol_signal(signal) if signal else 0)
        return self._tell(ended)

    def _await(self, address: int, task: int, event: Event) -> None:
        """The hook is planted before the machine runs on, which it does after a stop."""
        arrival = _Arrival(address, task)
        if arrival not in self._arrivals:
            if len(self._arrivals) >= MOST_ARRIVALS:
                self._drop(next(iter(self._arrivals)))
            self._breakpoints.insert(address, self._ask_arrival)
        self._arrivals[arrival] = event

    def _drop(self, arrival: _Arrival) -> None:
        del self._arrivals[arrival]
        self._breakpoints.remove(arrival.address, self._ask_arrival)

    def _arrived(self, kernel: Kernel) -> bool:
        """Something runs where a task is waited for."""
        if self._probe.register(_CS) & _RPL != _RPL:
            return False
        arrival = _Arrival(self._probe.pc(), current_address(kernel))
        event = self._arrivals.get(arrival)
        if event is None:
            return False
        self._done = arrival
        return self._tell(event)


def _is_last(task: Task) -> bool:
    """Whether no other thread of its process runs on (Linux: kernel/exit.c, group_dead)."""
    if not task.object.has("signal"):  # a kernel whose processes have one thread
        return True
    signal = task.object.follow("signal")
    return signal is None or signal.number("live.counter") == 1

"""The end of a guest's process at a client's word, by the guest's own kernel: it sends the SIGKILL itself.

Where the handler of an interrupt has done its work, interrupts are off, and what it interrupted holds no lock that
sending a signal takes: a kernel's own timers send theirs from there. The machine stops there as it runs on, and the
registers become those of a call of `send_sig` which returns to the same place, where they are put back.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from kernel.errors import Error as KernelError
from kernel.objects import Kernel
from kernel.tasks import Task, current_task, for_each_process
from machine.machine import Machine
from ringscope.layout import REGISTERS
from ringscope.probe import MachineProbe

SEND = "send_sig"
"""int send_sig(int sig, struct task_struct *p, int priv) (Linux: kernel/signal.c), and our kernel's."""

PLACES = ("irq_exit_rcu", "irq_exit")
"""Where the handlers of interrupts end, in Linux since 5.8, and in our kernel (kernel/softirq.c)."""

SIGKILL, BY_THE_KERNEL = 9, 1

DEAD = "ZX"
"""States of a task that runs no more (Linux: fs/proc/array.c)."""

CLOBBERED = ("rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "rsp", "eflags", "rip")
"""What a call changes (System V ABI, 3.2.1), with the stack and the place."""

_RSP = REGISTERS.by_name["rsp"].number
_WORD, _ALIGNMENT = 8, 16


class _Call(NamedTuple):
    """A call under way: the registers before it, and the stack pointer that it returns with."""

    registers: dict[str, int]
    stack_pointer: int


class Kills:
    """Ends processes as the machine runs. ``kernel`` finds the kernel's objects, and may raise
    `kernel.errors.Error`."""

    def __init__(self, machine: Machine, probe: MachineProbe, kernel: Callable[[], Kernel]) -> None:
        self._machine = machine
        self._probe = probe
        self._kernel = kernel
        self._wanted: list[Task] = []
        self._killed: dict[int, int] = {}
        self._call: _Call | None = None
        self._place: int | None = None
        self._ask = probe.asking(self._met)

    def want(self, process: int) -> None:
        """End a process where the machine next comes to the end of an interrupt.

        Raises `kernel.errors.Error` for a kernel that lacks what this takes, ProcessLookupError.
        """
        kernel = self._kernel()
        place = self._find(kernel)
        kernel.address_of(SEND)
        task = next((task for task in for_each_process(kernel) if task.tgid == process), None)
        if task is None or task.is_kernel_thread:
            raise ProcessLookupError(process)
        self._wanted.append(task)
        self._killed[task.tgid] = task.address
        if self._place is None:
            self._place = place
            self._machine.cpu.breakpoints.insert(place, self._ask)

    def is_dying(self) -> bool:
        """Whether the task that runs is of a process that the client has killed, and is to hear of no more."""
        if not self._killed:
            return False
        try:
            task = current_task(self._kernel())
            return self._killed.get(task.tgid) == task.object.number("group_leader")
        except KernelError:
            return False

    @property
    def idle(self) -> bool:
        """Whether no process is to end, and none has ended so."""
        return not (self._wanted or self._killed) and self._place is None

    def settle(self) -> None:
        """Before the machine runs: put back what the call has changed where a step or Ctrl-C stopped at its return.

        No breakpoint stops there again.
        """
        if self._call is not None and self.waits(self._machine.cpu.linear_pc):
            self.act()
        if self._killed and not self._wanted:
            self._drop_the_dead()

    def _drop_the_dead(self) -> None:
        try:
            alive = {task.tgid: task.address for task in for_each_process(self._kernel()) if task.letter not in DEAD}
        except KernelError:
            return
        self._killed = dict(self._killed.items() & alive.items())

    def forget(self) -> None:
        """The machine begins anew, or goes on elsewhere."""
        self._wanted.clear()
        self._killed.clear()
        self._call = None
        self._disarm()

    def _disarm(self) -> None:
        if self._place is not None:
            self._machine.cpu.breakpoints.remove(self._place, self._ask)
            self._place = None

    def waits(self, address: int) -> bool:
        """Whether a breakpoint stopped for `act`."""
        return address == self._place and self._met(self._probe)

    def act(self) -> bool:
        """At the stop: call, or put back what the call has changed; whether the call is over."""
        if self._call is None and self._wanted:
            with suppress(KernelError):  # the client may have written to what this reads: then nobody is to end
                self._begin(self._wanted.pop(0))
        elif self._call is not None:
            self._write(self._call.registers)
            self._call = None
        if self._call is None and not self._wanted:
            self._disarm()
        return self._call is None

    def _met(self, _probe: object) -> bool:
        """At the end of an interrupt, or of the call."""
        if self._call is None:
            return bool(self._wanted)
        return self._probe.register(_RSP) == self._call.stack_pointer

    def _begin(self, task: Task) -> None:
        kernel, place = self._kernel(), self._machine.cpu.linear_pc
        if all(other.address != task.address for other in for_each_process(kernel)):
            return  # it has ended by itself
        registers = {name: self._machine.cpu.read_register(name) for name in CLOBBERED}
        stack_pointer = registers["rsp"] - _WORD & -_ALIGNMENT
        kernel.memory.write(stack_pointer - _WORD, place.to_bytes(_WORD, "little"))
        self._write(
            {
                "rdi": SIGKILL,
                "rsi": task.address,
                "rdx": BY_THE_KERNEL,
                "rsp": stack_pointer - _WORD,
                "rip": kernel.address_of(SEND),
            }
        )
        self._call = _Call(registers, stack_pointer)

    def _write(self, registers: dict[str, int]) -> None:
        for name, value in registers.items():
            self._machine.cpu.write_register(name, value)

    @staticmethod
    def _find(kernel: Kernel) -> int:
        """Where handlers of interrupts end. Raises SymbolsError."""
        found = next((symbol for name in PLACES if (symbol := kernel.symbols.lookup(name))), None)
        return found.address if found is not None else kernel.address_of(PLACES[0])

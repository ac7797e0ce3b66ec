"""Signals as stops, where the guest's kernel delivers them: a debugger's own view of a program's signals.

Breakpoints that ask stand on the kernel's functions. The task is in the kernel then, on its way to ring 3: what it did
there lies in its pt_regs. Whether gdb lets the signal reach the program changes nothing: the kernel has decided.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import NamedTuple

from kernel.errors import Error as KernelError
from kernel.objects import Kernel
from kernel.signals import PLACES, Delivery, ending_signal, handled_signal, signal_details
from kernel.tasks import Task, current_task
from machine.machine import Machine
from ringscope.kernelhooks import KernelHooks
from ringscope.layout import REGISTERS
from ringscope.probe import MachineProbe
from ringscope.siginfo import plain_signal_info
from ringscope.signals import protocol_signal

MOST_RETURNS = 256
"""Calls that are waited for at once; a task that ends does not come back."""

_RAX, _RDI, _RSP = (REGISTERS.by_name[name].number for name in ("rax", "rdi", "rsp"))
_INT, _BOOL = 0xFFFFFFFF, 0xFF


class SignalStop(NamedTuple):
    """A signal, by the protocol's number, met at a linear address; ``details`` is its siginfo_t."""

    address: int
    signal: int
    details: bytes


class _Return(NamedTuple):
    """Where a call returns to, and with which stack pointer."""

    address: int
    stack_pointer: int


class SignalStops:
    """Waits for signals. ``kernel`` finds the kernel's objects, and may raise `kernel.errors.Error`."""

    def __init__(self, machine: Machine, probe: MachineProbe, kernel: Callable[[], Kernel]) -> None:
        self._points = machine.cpu.breakpoints
        self._probe = probe
        self._passed: frozenset[int] | None = None
        asks = {name: partial(self._met, way) for name, way in PLACES.items()}
        self._hooks = KernelHooks(machine, probe, kernel, asks)
        self._returns: dict[_Return, int] = {}
        """Where the calls that are under way have their `struct ksignal`."""
        self._sites: set[int] = set()
        self._waits: int | None = None
        self._ask_return = self._hooks.asking(self._returned)
        self._details: dict[int, int] = {}
        """Where the tasks that are in `get_signal` have their `struct ksignal`."""
        self._ended: int | None = None
        self._seen: SignalStop | None = None

    def pass_(self, signals: Collection[int] | None) -> None:
        """Stop at all but these from the next `arm` on; None is at none."""
        self._passed = None if signals is None else frozenset(signals)

    @property
    def idle(self) -> bool:
        """Whether nothing is waited for, and nothing left to be taken out."""
        return self._passed is None and not self._hooks

    def arm(self, *, enabled: bool = True) -> None:
        """Before the machine runs: wait at the functions there are now, for nothing unless ``enabled``."""
        self._seen = self._waits = None
        enabled = enabled and self._passed is not None
        if not (enabled or self._hooks):
            return
        self._hooks.plant(PLACES if enabled else ())
        if not self._hooks:
            for address in self._sites:
                self._points.remove(address, self._ask_return)
            self._sites.clear()
            self._returns.clear()
            self._details.clear()

    def at(self, address: int) -> SignalStop | None:
        """The signal behind a breakpoint's stop, if it is one."""
        return self._seen if self._seen is not None and self._seen.address == address else None

    def waits(self, address: int) -> bool:
        """Whether a breakpoint stopped only so that the machine, as it runs on, waits for a function's return."""
        return self._waits == address

    # Inside the run

    def _met(self, way: Delivery, kernel: Kernel) -> bool:
        """Before the first instruction of one of the functions."""
        task, argument = current_task(kernel), self._probe.register(_RDI)
        if task.is_kernel_thread:
            return False
        if way is Delivery.HANDLED:
            self._details[task.address] = argument
            return self._await(kernel, argument)
        if way is Delivery.STOPS:
            return self._tell(argument & _INT, task)
        number = ending_signal(task, argument & _INT)
        first, self._ended = task.tgid != self._ended, task.tgid
        return first and self._tell(number, task)

    def _await(self, kernel: Kernel, ksignal: int) -> bool:
        """A hook is planted before the machine runs on: so at the first call from a place it stops."""
        stack = self._probe.register(_RSP)
        place = _Return(kernel.number_at(stack), stack + 8)
        self._returns.pop(place, None)
        if len(self._returns) >= MOST_RETURNS:
            del self._returns[next(iter(self._returns))]
        self._returns[place] = ksignal
        if place.address in self._sites:
            return False
        self._sites.add(place.address)
        self._points.insert(place.address, self._ask_return)
        self._waits = self._probe.pc()
        return True

    def _returned(self, kernel: Kernel) -> bool:
        ksignal = self._returns.pop(_Return(self._probe.pc(), self._probe.register(_RSP)), None)
        if ksignal is None or not self._probe.register(_RAX) & _BOOL:
            return False
        return self._tell(handled_signal(kernel, ksignal), current_task(kernel))

    def _tell(self, number: int, task: Task) -> bool:
        signal = protocol_signal(number)
        if not number or self._passed is None or signal in self._passed:
            return False
        self._seen = SignalStop(self._probe.pc(), signal, self._details_of(number, task))
        return True

    def _details_of(self, number: int, task: Task) -> bytes:
        """What the kernel keeps of it, or no more than its number."""
        try:
            found = signal_details(task, number, self._details.get(task.address))
        except KernelError:
            found = None
        return found or plain_signal_info(number)

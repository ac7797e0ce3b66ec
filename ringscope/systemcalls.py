"""System calls of ring 3 as events: where SYSCALL enters the kernel, and where the caller goes on.

The entry is known by the kernel's symbol and by the LSTAR register; the return is the caller's next instruction, met
with its stack pointer and page tables. `int $0x80` and SYSENTER are not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import NamedTuple

from machine.machine import Machine
from ringscope.layout import REGISTERS
from ringscope.probe import MachineProbe

ENTRY_SYMBOL = "entry_SYSCALL_64"
"""What SYSCALL enters, in Linux and in our kernel (arch/x86/entry/entry_64.S)."""

ENTRY, RETURN = "syscall_entry", "syscall_return"
"""The protocol's words (gdb manual, "Stop Reply Packets")."""

MOST_RETURNS = 256
"""Calls that are waited for at once; exit and execve never come back."""

_MASK_32 = 0xFFFFFFFF
_RAX, _RCX, _RSP, _CR3, _CS = (REGISTERS.by_name[name].number for name in ("rax", "rcx", "rsp", "cr3", "cs"))
_RPL = 3

Entries = Callable[[], Iterable[int]]


class SystemCall(NamedTuple):
    """An event: `ENTRY` or `RETURN`, met at a linear address, of the call with a number."""

    way: str
    address: int
    number: int


class _Caller(NamedTuple):
    """Where a system call returns to, and with which stack and page tables."""

    address: int
    stack_pointer: int
    page_table: int


class SystemCalls:
    """Waits for system calls by breakpoints that ask; ``symbols`` gives the addresses of entries known by name."""

    def __init__(self, machine: Machine, probe: MachineProbe, symbols: Entries) -> None:
        self._machine = machine
        self._probe = probe
        self._symbols = symbols
        self._catches: Callable[[int], bool] | None = None
        self._entries: set[int] = set()
        self._returns: dict[_Caller, int] = {}
        self._ask_entry = probe.asking(self._entered)
        self._ask_return = probe.asking(self._returned)
        self.seen: SystemCall | None = None
        """The event that a hook met last, until `arm`."""
        self._done: _Caller | None = None

    def catch(self, numbers: Collection[int] | None) -> None:
        """Wait for these calls, or for none if there are none; None is all.

        A client takes its catches back at every stop, so what is under way is forgotten only as the machine runs.
        """
        wanted = None if numbers is None else frozenset(numbers)
        self._catches = None if wanted is not None and not wanted else partial(_is_wanted, wanted)

    def forget(self) -> None:
        """Nothing is under way, between two runs."""
        self.seen = None
        self._done = None
        self._forget()

    def _forget(self) -> None:
        for address in self._entries:
            self._machine.cpu.breakpoints.remove(address, self._ask_entry)
        self._entries.clear()
        for caller in list(self._returns):
            self._drop(caller)

    def _drop(self, caller: _Caller) -> None:
        del self._returns[caller]
        self._machine.cpu.breakpoints.remove(caller.address, self._ask_return)

    def arm(self) -> None:
        """Before the machine runs: wait at the entries there are now, and for the return of the call just entered."""
        self.seen = None
        if self._done is not None:
            self._drop(self._done)
            self._done = None
        if self._catches is None:
            self._forget()
        else:
            entries = {*self._symbols(), self._machine.cpu.read_register("lstar")} - {0}
            for address in entries - self._entries:
                self._machine.cpu.breakpoints.insert(address, self._ask_entry)
            for address in self._entries - entries:
                self._machine.cpu.breakpoints.remove(address, self._ask_entry)
            self._entries = entries

    def at(self, address: int) -> SystemCall | None:
        """The event behind a breakpoint's stop, if it is one."""
        return self.seen if self.seen is not None and self.seen.address == address else None

    def _entered(self, probe: object) -> bool:
        number = self._probe.register(_RAX) & _MASK_32
        if self._catches is None or not self._catches(number):
            return False
        read = self._probe.register
        self._wait(_Caller(read(_RCX), read(_RSP), read(_CR3)), number)
        self.seen = SystemCall(ENTRY, self._probe.pc(), number)
        return True

    def _wait(self, caller: _Caller, number: int) -> None:
        """The hook is planted before the machine runs on, which it does after this stop."""
        if caller not in self._returns:
            if len(self._returns) >= MOST_RETURNS:
                self._drop(next(iter(self._returns)))
            self._machine.cpu.breakpoints.insert(caller.address, self._ask_return)
        self._returns[caller] = number

    def _returned(self, probe: object) -> bool:
        read = self._probe.register
        caller = _Caller(self._probe.pc(), read(_RSP), read(_CR3))
        number = self._returns.get(caller)
        if number is None or read(_CS) & _RPL != _RPL:
            return False
        self._done, self.seen = caller, SystemCall(RETURN, caller.address, number)
        return True


def _is_wanted(numbers: frozenset[int] | None, number: int) -> bool:
    return numbers is None or number in numbers

"""System calls of ring 3 as events: where they enter the kernel, and where the caller goes on.

The entries are known by the kernel's symbols, by the LSTAR and SYSENTER_EIP registers and the gate of vector 0x80; the
return is the caller's next instruction, met with its stack pointer and page tables. SYSENTER itself
says neither: the kernel knows where its callers go on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from enum import Enum
from functools import cache, partial
from typing import NamedTuple

from gdbstub.errors import TargetError
from kernel.abi.tables import syscalls
from kernel.errors import Error as KernelError
from machine.errors import MemoryFault
from machine.machine import Machine
from machine.x86.control import EFER
from machine.x86.descriptors import Gate, decode_gate
from ringscope.layout import REGISTERS
from ringscope.probe import MachineProbe

ENTRY, RETURN = "syscall_entry", "syscall_return"
"""The protocol's words (gdb manual, "Stop Reply Packets")."""

MOST_RETURNS = 256
"""Calls that are waited for at once; exit and execve never come back."""

IA32 = 1_000_000
"""What is added to a number of i386's table that x86-64's has no call for."""

GATE = 0x80
"""The vector of `int $0x80` (Linux: arch/x86/include/asm/irq_vectors.h, IA32_SYSCALL_VECTOR)."""

_MASK_32 = 0xFFFFFFFF
_RAX, _RCX, _RBP, _RSP, _CR3, _CS = (
    REGISTERS.by_name[name].number for name in ("rax", "rcx", "rbp", "rsp", "cr3", "cs")
)
_RPL = 3
_WORD, _FRAME_WORDS = 8, 4

Find = Callable[[str], int | None]
"""The address of a symbol, if there is one."""

LandingPad = Callable[[], int]
"""Where SYSENTER's callers go on; may raise `kernel.errors.Error`."""


class Way(Enum):
    """How ring 3 entered the kernel."""

    SYSCALL = "syscall"
    INT80 = "int $0x80"
    SYSENTER = "sysenter"


# fmt: off
ENTRY_SYMBOLS = {
    # What enters the kernel, in Linux and in our kernel (arch/x86/entry/entry_64.S, entry_64_compat.S)
    "entry_SYSCALL_64":      Way.SYSCALL,
    "system_call":           Way.INT80,     # ours
    "entry_INT80_compat":    Way.INT80,     # Linux before 6.7
    "asm_int80_emulation":   Way.INT80,     # and since
    "entry_SYSENTER_compat": Way.SYSENTER,
}
# fmt: on


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
    """Waits for system calls by breakpoints that ask; ``find`` knows the kernel's symbols."""

    def __init__(self, machine: Machine, probe: MachineProbe, find: Find, landing_pad: LandingPad) -> None:
        self._machine = machine
        self._probe = probe
        self._find = find
        self._catches: Callable[[int], bool] | None = None
        self._landing_pad = landing_pad
        self._entries: dict[int, Way] = {}
        self._returns: dict[_Caller, int] = {}
        self._asks = {way: probe.asking(partial(self._entered, way)) for way in Way}
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
        self._wait_at({})
        for caller in list(self._returns):
            self._drop(caller)

    def _drop(self, caller: _Caller) -> None:
        del self._returns[caller]
        self._machine.cpu.breakpoints.remove(caller.address, self._ask_return)

    @property
    def idle(self) -> bool:
        """Whether nothing is waited for, and nothing left to be taken out."""
        return self._catches is None and not (self._entries or self._returns)

    def arm(self) -> None:
        """Before the machine runs: wait at the entries there are now, and for the return of the call just entered."""
        self.seen = None
        if self._done is not None:
            self._drop(self._done)
            self._done = None
        if self._catches is not None:
            self._wait_at(dict(self._find_entries()))
        elif self._entries or self._returns:
            self._forget()

    def _wait_at(self, entries: dict[int, Way]) -> None:
        points = self._machine.cpu.breakpoints
        for address, way in entries.items() - self._entries.items():
            points.insert(address, self._asks[way])
        for address, way in self._entries.items() - entries.items():
            points.remove(address, self._asks[way])
        self._entries = entries

    def _find_entries(self) -> Iterator[tuple[int, Way]]:
        read = self._machine.cpu.read_register
        gate = self._gate()
        if gate is not None and gate.present and gate.dpl == _RPL:
            yield gate.offset, Way.INT80
        if sysenter := read("sysenter_eip"):
            yield sysenter, Way.SYSENTER
        if lstar := read("lstar"):
            yield lstar, Way.SYSCALL
        for name, way in ENTRY_SYMBOLS.items():
            if address := self._find(name):
                yield address, way

    def _gate(self) -> Gate | None:
        """That of `int $0x80`; None where there is none of 64 bits."""
        read = self._machine.cpu.read_register
        length = 2 * _WORD
        if not read("efer") & EFER.mask("LMA") or read("idtr_limit") < GATE * length + length - 1:
            return None
        try:
            raw = self._machine.read_linear(read("idtr_base") + GATE * length, length)
        except MemoryFault:
            return None
        gate = decode_gate(int.from_bytes(raw, "little"))
        return gate if gate.is_interrupt or gate.is_trap else None

    def at(self, address: int) -> SystemCall | None:
        """The event behind a breakpoint's stop, if it is one."""
        return self.seen if self.seen is not None and self.seen.address == address else None

    def _entered(self, way: Way, probe: object) -> bool:
        number = self._probe.register(_RAX) & _MASK_32
        number = number if way is Way.SYSCALL else common_number(number)
        if self._catches is None or not self._catches(number):
            return False
        try:
            caller = self._caller(way)
        except (KernelError, TargetError):  # the call is told, its return is not known
            pass
        else:
            if caller is None:
                return False
            self._wait(caller, number)
        self.seen = SystemCall(ENTRY, self._probe.pc(), number)
        return True

    def _caller(self, way: Way) -> _Caller | None:
        """None for a call from ring 0. Raises `kernel.errors.Error`, TargetError."""
        read, root = self._probe.register, self._probe.register(_CR3)
        if way is Way.SYSCALL:
            return _Caller(read(_RCX), read(_RSP), root)
        if way is Way.SYSENTER:
            return _Caller(self._landing_pad(), read(_RBP) & _MASK_32, root)
        stack = read(_RSP)
        address, cs, _flags, pointer = (self._probe.load(stack + _WORD * n, _WORD) for n in range(_FRAME_WORDS))
        return _Caller(address, pointer, root) if cs & _RPL == _RPL else None

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


@cache
def _numbers() -> dict[int, int]:
    """x86-64's numbers of calls by i386's."""
    rows = ((row.i386, row.x86_64) for row in syscalls())
    return {old: new for old, new in rows if old is not None and new is not None}


def common_number(number: int) -> int:
    """x86-64's number of the call that has a number in i386's table; `IA32` is added to that if it has none."""
    return _numbers().get(number, IA32 + number)


def _is_wanted(numbers: frozenset[int] | None, number: int) -> bool:
    return numbers is None or number in numbers

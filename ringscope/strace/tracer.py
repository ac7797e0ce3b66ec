"""Every system call of the guest's programs as it happens: two hooks in the kernel, and nothing of the guest's own.

`do_syscall_64` has the registers of the caller, `syscall_exit_to_user_mode` the result, in our kernel as in Linux
(arch/x86/entry/common.c, kernel/entry/common.c). The hooks never stop the machine, and what they read changes nothing;
time is the machine's own, so that what a call cost is the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gdbstub.errors import TargetError
from kernel.abi.tables import Syscall, linux_names, syscalls
from kernel.errors import Error as KernelError
from kernel.errors import UnreadableError
from kernel.objects import Kernel
from kernel.symbols import Symbols
from kernel.tasks import current_address
from machine.errors import Error
from machine.machine import Machine
from ringscope.layout import REGISTERS
from ringscope.probe import MachineProbe, make_probe
from ringscope.strace.arguments import argument, is_stored, result_in_words
from ringscope.strace.summary import Summary
from ringscope.strace.values import ENDLESS

ENTRY, EXIT = "do_syscall_64", "syscall_exit_to_user_mode"
REGS = "struct pt_regs"
TASK = "struct task_struct"
ORDER = ("di", "si", "dx", "r10", "r8", "r9")
"""Members of `struct pt_regs` that hold the arguments (System V psABI A.2)."""

_RDI, _RSI = (REGISTERS.by_name[name].number for name in ("rdi", "rsi"))
_MASK_32 = 0xFFFFFFFF

Write = Callable[[str], object]


class _Call(NamedTuple):
    """A call under way: who made it, when, in nanoseconds of the machine's time, and with which arguments."""

    comm: str
    name: str
    row: Syscall | None
    values: tuple[int, ...]
    shown: list[str | None]
    """The arguments in words; None for what the call is to store."""
    since: int


class _HookMemory:
    """The guest's memory as a hook sees it, for `kernel.objects`."""

    def __init__(self, probe: MachineProbe) -> None:
        self._probe = probe

    def read(self, address: int, length: int, page_table: int | None = None) -> bytes:
        """By the tables that are loaded. Raises UnreadableError."""
        try:
            return self._probe.read(address, length)
        except TargetError as error:
            raise UnreadableError(str(error)) from None

    def write(self, address: int, data: bytes) -> None:
        """A tracer changes nothing."""
        raise UnreadableError(f"a tracer does not write to {address:#x}")

    def physical(self, address: int) -> int:
        """Nobody who traces asks for it."""
        raise UnreadableError(f"a tracer does not look for {address:#x}")


class Tracer:
    """Tells of system calls by lines, and counts them; begins when it is made, and ends at `stop`.

    Raises `machine.errors.Error` if the kernel's symbols do not name the two places.
    """

    def __init__(self, machine: Machine, symbols: Symbols | None, write: Write | None) -> None:
        self._machine = machine
        self._write = write
        self._probe = make_probe(machine, lambda: 1)
        self.summary = Summary()
        if symbols is None:
            raise Error("system calls are traced by the kernel's symbols, and this kernel has none")
        self._kernel = Kernel(symbols, _HookMemory(self._probe), lambda: machine.cpu.number)
        self._rows = {row.x86_64: row for row in syscalls() if row.x86_64 is not None}
        self._under_way: dict[int, _Call] = {}
        self._hooks = {
            _place(symbols, ENTRY): self._probe.asking(self._entered),
            _place(symbols, EXIT): self._probe.asking(self._left),
        }
        for address, hook in self._hooks.items():
            machine.cpu.breakpoints.insert(address, hook)

    def stop(self) -> None:
        """Take the hooks away; calls that have not come back are told as such."""
        for address, hook in self._hooks.items():
            self._machine.cpu.breakpoints.remove(address, hook)
        for pid, call in sorted(self._under_way.items()):
            self._tell(pid, call, None)
        self._under_way.clear()

    def _read(self, address: int, length: int) -> bytes:
        try:
            return self._probe.read(address, length)
        except TargetError as error:
            raise MemoryError(str(error)) from None

    def _current(self) -> tuple[int, str]:
        task = self._kernel.object(TASK, current_address(self._kernel))
        return task.number("pid"), task.text("comm")

    def _entered(self, _probe: object) -> bool:
        try:
            pid, comm = self._current()
            regs = self._kernel.object(REGS, self._probe.register(_RDI))
            values = tuple(regs.number(name) for name in ORDER)
        except KernelError:
            return False
        number = self._probe.register(_RSI) & _MASK_32
        row = self._rows.get(number)
        name = row.name if row is not None else linux_names().get(number, f"syscall_{number:#x}")
        call = _Call(comm, name, row, values, self._shown(row, values), self._machine.clock.now())
        if name in ENDLESS:
            self._tell(pid, call, None)
        else:
            self._under_way[pid] = call
        return False

    def _left(self, _probe: object) -> bool:
        try:
            pid, _ = self._current()
            call = self._under_way.pop(pid, None)
            if call is not None:
                regs = self._kernel.object(REGS, self._probe.register(_RDI))
                self._tell(pid, call, regs.number("ax"))
        except KernelError:
            pass
        return False

    def _tell(self, pid: int, call: _Call, result: int | None) -> None:
        cost = self._machine.clock.now() - call.since
        self.summary.add(call.name, cost if result is not None else None, result)
        if self._write is not None:
            shown = result_in_words(call.name, result) if result is not None else "?"
            time = f" <{cost / 1e9:.6f}>" if result is not None else ""
            self._write(f"[{pid} {call.comm}] {call.name}({self._arguments(call, result)}) = {shown}{time}\n")

    def _shown(self, row: Syscall | None, values: tuple[int, ...]) -> list[str | None]:
        """Told at the entry: a new program has other memory than its maker had."""
        if self._write is None:
            return []
        if row is None:
            return [f"{value:#x}" for value in values]
        return [
            None if is_stored(row, index) else argument(row, index, values, self._read, None)
            for index in range(len(row.parameters))
        ]

    def _arguments(self, call: _Call, result: int | None) -> str:
        signed = None if result is None else result - (1 << 64) if result >> 63 else result
        row = call.row
        return ", ".join(
            argument(row, index, call.values, self._read, signed) if shown is None and row is not None else str(shown)
            for index, shown in enumerate(call.shown)
        )


def _place(symbols: Symbols, name: str) -> int:
    found = symbols.lookup(name)
    if found is None:
        raise Error(f"system calls are traced at {name}, which this kernel's symbols do not name")
    return found.address

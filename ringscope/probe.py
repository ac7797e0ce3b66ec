"""The processor as agent expressions see it: registers by gdb's numbers, linear memory."""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial

from gdbstub.errors import TargetError
from gdbstub.target import When
from machine import breakpoints, probe
from machine.cpu import Cpu
from machine.errors import MemoryFault
from machine.machine import Machine
from ringscope.layout import REGISTERS, Block, machine_name

_LOW = (1 << 64) - 1


class MachineProbe:
    """One processor, looked at inside the run or between two instructions; ``thread`` tells who runs on it."""

    def __init__(self, cpu: Cpu, thread: Callable[[], int]) -> None:
        self._cpu = cpu
        self._thread = thread
        self._probe = probe.Probe(cpu)
        self._block = Block(cpu)
        self.look = self._probe.look
        self._readers: dict[int, probe.Reader] = {}

    @property
    def thread(self) -> int:
        """The thread that stands on the processor."""
        return self._thread()

    def pc(self) -> int:
        """The linear address of the instruction."""
        return self._cpu.linear_pc

    def register(self, number: int) -> int:
        """A register's low 64 bits."""
        reader = self._readers.get(number)
        if reader is None:
            reader = self._readers[number] = self._reader(number)
        return reader()

    def _reader(self, number: int) -> probe.Reader:
        slot = REGISTERS.by_number.get(number)
        if slot is None:
            raise TargetError(errno.EINVAL, f"there is no register {number}")
        reader = self._probe.reader(machine_name(slot.register.name))
        return reader if slot.length <= 8 else lambda: reader() & _LOW

    def registers(self) -> bytes:
        """All registers."""
        return self._block.read()

    def load(self, address: int, length: int) -> int:
        """A little-endian number in linear memory."""
        try:
            return self._probe.load(address, length)
        except MemoryFault as fault:
            raise TargetError(errno.EFAULT, str(fault)) from None

    def read(self, address: int, length: int) -> bytes:
        """Linear memory."""
        try:
            return self._probe.read(address, length)
        except MemoryFault as fault:
            raise TargetError(errno.EFAULT, str(fault)) from None

    def asking(self, when: When) -> breakpoints.When:
        """A question about this processor, as the machine asks it."""
        return partial(_ask, self, when)


def _ask(seen: MachineProbe, when: When) -> bool:
    seen.look()
    return when(seen)


def make_probe(machine: Machine, thread: Callable[[], int]) -> MachineProbe:
    """That of the processor whose turn it is, whichever of several that will be."""
    return TurnProbe(machine, thread) if len(machine.cpus) > 1 else MachineProbe(machine.cpu, thread)


class TurnProbe(MachineProbe):
    """The one of several processors that has the turn when it is asked."""

    def __init__(self, machine: Machine, thread: Callable[[], int]) -> None:
        super().__init__(machine.cpu, thread)
        self._machine = machine
        self._probes = [MachineProbe(cpu, thread) for cpu in machine.cpus]
        self.look = lambda: self._here().look()

    def _here(self) -> MachineProbe:
        return self._probes[self._machine.cpu.number]

    def pc(self) -> int:
        """The linear address of its instruction."""
        return self._here().pc()

    def register(self, number: int) -> int:
        """Its register's low 64 bits."""
        return self._here().register(number)

    def registers(self) -> bytes:
        """All its registers."""
        return self._here().registers()

    def load(self, address: int, length: int) -> int:
        """A little-endian number in its linear memory."""
        return self._here().load(address, length)

    def read(self, address: int, length: int) -> bytes:
        """Its linear memory."""
        return self._here().read(address, length)

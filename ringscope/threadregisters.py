"""The registers of the stub's threads: a processor's own, or those that a task left in the kernel when it gave way."""

from __future__ import annotations

import errno
from abc import abstractmethod
from collections.abc import Collection

from gdbstub.errors import TargetError
from gdbstub.registers import RegisterSet, Slot
from kernel.errors import Error as KernelError
from kernel.saved import Saved
from machine.cpu import Cpu
from machine.errors import RegisterError
from machine.machine import Machine
from ringscope.kernelmemory import KernelMemory
from ringscope.layout import REGISTERS, SHARED_REGISTERS, Block, machine_name
from ringscope.views import View


class ThreadRegisters:
    """A target's part that reads and writes them; ``view`` says what a thread is."""

    view: View

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._registers = [Block(cpu) for cpu in machine.cpus]
        self._blocks: dict[int, bytes] = {}

    @abstractmethod
    def forget(self) -> None:
        """The guest has run, or something in it has changed: ``_blocks`` among what is not so any more."""

    @property
    def registers(self) -> RegisterSet:
        """The one layout."""
        return REGISTERS

    def read_registers(self, thread: int) -> bytes:
        """All registers; those of a processor are kept until the machine runs or something is written."""
        saved = self._saved(thread)
        if saved is not None:
            return b"".join(self._saved_bytes(saved, slot, thread) or bytes(slot.length) for slot in REGISTERS.slots)
        number = self.view.processor(thread)
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = self._registers[number].read()
        return block

    def read_expedited(self, thread: int) -> bytes | None:
        """Those of a processor."""
        return None if self._saved(thread) is not None else self._registers[self.view.processor(thread)].expedited()

    def _cpu(self, thread: int) -> Cpu:
        """The processor that a thread stands on, or whose state it sees."""
        return self.machine.cpus[self.view.processor(thread)]

    def unknown_registers(self, thread: int) -> Collection[int]:
        """Those that a task which does not run has left nowhere."""
        saved = self._saved(thread)
        if saved is None:
            return ()
        return [slot.number for slot in REGISTERS.slots if self._saved_bytes(saved, slot, thread) is None]

    def write_registers(self, thread: int, data: bytes) -> None:
        """Set every register whose bytes differ from what was read."""
        now = self.read_registers(thread)
        for slot in REGISTERS.slots:
            new = data[slot.offset : slot.offset + slot.length]
            if new != now[slot.offset : slot.offset + slot.length]:
                self.write_register(thread, slot.number, new)

    def read_register(self, thread: int, number: int) -> bytes | None:
        """One register; None if a task that does not run has left it nowhere."""
        slot = REGISTERS.by_number[number]
        saved = self._saved(thread)
        if saved is not None:
            return self._saved_bytes(saved, slot, thread)
        block = self._blocks.get(self.view.processor(thread))
        if block is not None:
            return block[slot.offset : slot.offset + slot.length]
        return self._cpu(thread).read_register(machine_name(slot.register.name)).to_bytes(slot.length, "little")

    def write_register(self, thread: int, number: int, data: bytes) -> None:
        """Set one register, of a task that does not run where the kernel keeps it."""
        slot = REGISTERS.by_number[number]
        saved = self._saved(thread)
        self.forget()
        try:
            if saved is not None:
                self._write_saved(saved, slot.register.name, data)
            else:
                self._cpu(thread).write_register(machine_name(slot.register.name), int.from_bytes(data, "little"))
        except (RegisterError, KernelError) as error:
            raise TargetError(errno.EINVAL, str(error)) from None

    def _saved(self, thread: int) -> Saved | None:
        try:
            return self.view.saved(thread)
        except KernelError as error:
            raise TargetError(errno.EFAULT, str(error)) from None

    def _saved_bytes(self, saved: Saved, slot: Slot, thread: int) -> bytes | None:
        """A register of a task that does not run: its own, or the machine's where all tasks share it."""
        name = slot.register.name
        value = saved.values.get(name)
        if name == "cr3":
            value = self.view.page_table(thread)
        elif name in SHARED_REGISTERS:
            value = self.machine.cpu.read_register(machine_name(name))
        return None if value is None else (value & (1 << 8 * slot.length) - 1).to_bytes(slot.length, "little")

    def _write_saved(self, saved: Saved, name: str, data: bytes) -> None:
        if name not in saved.places:
            where = "not by itself" if name in saved.values else "nowhere"
            raise RegisterError(f"{name} of a task that does not run is kept {where}")
        address, length = saved.places[name]
        KernelMemory(self.machine).write(address, data.ljust(length, b"\0")[:length])

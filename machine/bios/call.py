"""One call of a BIOS service: the caller's registers, flags and memory, and where the firmware keeps its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unicorn import x86_const as x86

from machine.engine.state import ES, SS

if TYPE_CHECKING:
    from machine.machine import Machine

CARRY, ZERO = 1 << 0, 1 << 6

_FLAGS = 4
"""Offset of FLAGS in a real-mode interrupt frame, behind IP and CS."""

_WIDE = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp")
_WORDS = ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp")
_BYTES = ("al", "ah", "bl", "bh", "cl", "ch", "dl", "dh")
_NUMBERS = {name: getattr(x86, f"UC_X86_REG_{name.upper()}") for name in (*_WIDE, *_WORDS, *_BYTES)}


class Call:
    """A service that a program asked for by INT; the processor is in the stub's OUT, its frame on the stack.

    ``call["ax"]`` reads and writes a general register of 8, 16 or 32 bits.  What a service does not touch, the
    caller gets back.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.cpu = machine.cpu
        self.cpu.state.load()

    def __getitem__(self, register: str) -> int:
        return int(self.cpu.uc.reg_read(_NUMBERS[register]))

    def __setitem__(self, register: str, value: int) -> None:
        self.cpu.uc.reg_write(_NUMBERS[register], value)

    def set_flag(self, flag: int, on: bool) -> None:
        """Set a flag that the caller finds after IRET: `CARRY` or `ZERO`, which lie in the low byte."""
        at = self.cpu.state.front.segs[SS].base + (self["sp"] + _FLAGS & 0xFFFF)
        if at < self.machine.memory.size:  # not Memory.write, which would have all translations made again
            ram = self.machine.memory.ram
            ram[at] = ram[at] & ~flag | (flag if on else 0)

    def succeed(self, ah: int | None = 0) -> None:
        """Clear the carry flag; ``ah`` is the status, None leaves AH alone."""
        self.set_flag(CARRY, False)
        if ah is not None:
            self["ah"] = ah

    def fail(self, ah: int) -> None:
        """Set the carry flag, and AH to a status."""
        self.set_flag(CARRY, True)
        self["ah"] = ah

    def read(self, register: str, length: int) -> bytes:
        """What is at ES:register, as far as there is RAM."""
        at = self._es(register)
        return bytes(self.machine.memory.ram[at : at + length])

    def write(self, register: str, data: bytes) -> None:
        """Store at ES:register; what lies beyond RAM is lost, as on the bus."""
        at, memory = self._es(register), self.machine.memory
        if at < memory.size:
            memory.write(at, data[: memory.size - at])

    def _es(self, register: str) -> int:
        return int(self.cpu.state.front.segs[ES].base + self[register])


class Data:
    """The BIOS data area from 0040:0000 on, by offset; little-endian words (IBM PC/AT Technical Reference)."""

    BASE = 0x400
    SERIAL_PORTS = 0x00
    EBDA_SEGMENT, EQUIPMENT, LOW_MEMORY = 0x0E, 0x10, 0x13
    MODE, COLUMNS, PAGE_LENGTH, CURSOR, SHAPE = 0x49, 0x4A, 0x4C, 0x50, 0x60
    CRT_PORT, TICKS, MIDNIGHT, ROWS, CHARACTER_HEIGHT = 0x63, 0x6C, 0x70, 0x84, 0x85

    def __init__(self, machine: Machine) -> None:
        self._ram = machine.memory.ram

    def read(self, offset: int, length: int = 2) -> int:
        """A field."""
        at = self.BASE + offset
        return int.from_bytes(self._ram[at : at + length], "little")

    def write(self, offset: int, value: int, length: int = 2) -> None:
        """Set a field."""
        at = self.BASE + offset
        self._ram[at : at + length] = value.to_bytes(length, "little")

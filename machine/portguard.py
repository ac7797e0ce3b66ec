"""IN and OUT outside ring 0: the engine never checks them, so the machine does (SDM 1 19.5).

When the engine translates code below the canonical hole that holds a port instruction and runs outside ring 0, a
hook is planted on that instruction; ring 0 code and all other code pay nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from capstone import CS_ARCH_X86, Cs
from unicorn import UC_HOOK_CODE, Uc
from unicorn import x86_const as x86

from machine.errors import MemoryFault
from machine.walk import pages

from .engine.decode import code_mode
from .engine.state import HF_CPL

if TYPE_CHECKING:
    from machine.cpu import Cpu

USER_HALF = (1 << 47) - 1
"""The last linear address that the guard looks at."""

_OPCODES = re.compile(rb"[\x6c-\x6f\xe4-\xe7\xec-\xef]")

_WIDTHS = {"b": 1, "w": 2, "d": 4}
_REGISTERS = {"al": 1, "ax": 2, "eax": 4}
_PORT_NAME = re.compile(r"(^|\s)(in|out)(s[bwd])?$")


class PortAccess(NamedTuple):
    """One port instruction: its width in bytes and its port, None for DX."""

    size: int
    port: int | None


def port_access(mnemonic: str, operands: str) -> PortAccess:
    """Width and port of an instruction that capstone calls so."""
    mnemonic = mnemonic.split()[-1]  # without a REP prefix
    if mnemonic not in ("in", "out"):
        return PortAccess(_WIDTHS[mnemonic[-1]], None)
    words = [word.strip() for word in operands.split(",")]
    register, port = words if mnemonic == "in" else reversed(words)
    return PortAccess(_REGISTERS[register], None if port == "dx" else int(port, 0))


class PortGuard:
    """Plants the checks of one processor; ``check(port, size)`` arranges the fault."""

    def __init__(self, cpu: Cpu, check: Callable[[int, int], None]) -> None:
        self._cpu = cpu
        self._check = check
        self._found: set[int] = set()
        self._planted: dict[int, int] = {}

    @property
    def hooks(self) -> int:
        """How many hooks are planted."""
        return len(self._planted)

    def hooked(self, address: int) -> bool:
        """Whether the engine calls a hook before the instruction at a linear address."""
        return address in self._planted

    def plant(self) -> bool:
        """Outside the engine: hook what was found; True if translations are stale now."""
        missing = self._found - self._planted.keys()
        for address in missing:
            self._planted[address] = self._cpu.uc.hook_add(UC_HOOK_CODE, self._before_access, None, address, address)
        self._cpu.breakpoints.share(missing)
        return bool(missing)

    def examine(self, address: int, length: int) -> bool:
        """From a hook, for code outside ring 0 that was just translated: True if a check must be planted in it."""
        if address > USER_HALF:
            return False
        found = self._port_instructions(address, length)
        missing = bool(found.keys() - self._planted.keys())
        self._found |= found.keys()
        return missing

    def _port_instructions(self, address: int, length: int) -> dict[int, PortAccess]:
        cpu = self._cpu
        try:
            runs = pages(cpu.memory, cpu.paging(), address, length)
        except MemoryFault:
            return {}
        code = b"".join(bytes(cpu.memory.ram[at : at + count]) for at, count in runs)
        if not _OPCODES.search(code):
            return {}
        decoded = Cs(CS_ARCH_X86, code_mode(cpu.state.front.hflags)).disasm_lite(code, address)
        return {at: port_access(name, text) for at, _size, name, text in decoded if _PORT_NAME.search(name)}

    def _before_access(self, uc: Uc, address: int, size: int, _data: object) -> None:
        cpu = self._cpu
        if cpu.breakpoints.stops_at(address):
            return  # the breakpoint stops first; the instruction comes again
        cpu.state.load()
        if not cpu.state.front.hflags & HF_CPL:
            return
        # Another program may have other code at this address.
        access = self._port_instructions(address, size).get(address)
        if access:
            port = uc.reg_read(x86.UC_X86_REG_DX) if access.port is None else access.port
            self._check(port, access.size)

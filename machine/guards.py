"""Instructions that get a hook before them, for what the engine does not do or does wrong.

- IN and OUT outside ring 0: the portable engine never checks them, so the machine does (SDM 1 19.5).
- CMPXCHG8B and CMPXCHG16B: the engine takes the flags that they leave alone from a state that it has not brought up
  to date; the hook makes it do that.
- PAUSE, where there are several processors: it ends a turn, and the engine has no hook for it.  It ends a translation.

They are looked for in code that was just translated; all other code pays nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from capstone import CS_ARCH_X86, Cs
from unicorn import UC_HOOK_CODE, Uc
from unicorn import x86_const as x86

from machine.engine.decode import code_mode
from machine.engine.rawhook import remove_hook
from machine.engine.state import HF_CPL
from machine.interrupts import GP, GuestFault
from machine.system import port_permitted

if TYPE_CHECKING:
    from machine.cpu import Cpu

USER_HALF = (1 << 47) - 1
"""The last linear address at which port instructions are looked for: ring 3 has no code above it."""

_PORT_OPCODES = re.compile(rb"[\x6c-\x6f\xe4-\xe7\xec-\xef]")
_EXCHANGE_OPCODES = re.compile(rb"\x0f\xc7[\x08-\x0f\x48-\x4f\x88-\x8f]")
_PAUSE = b"\xf3\x90"
_OUTS = re.compile(rb"[\x6e\x6f]")
_EXCHANGES = frozenset(("cmpxchg8b", "cmpxchg16b"))

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


class Guards:
    """Plants the hooks of one processor."""

    def __init__(self, cpu: Cpu) -> None:
        self._cpu = cpu
        self.ports: set[int] = set()
        """Linear addresses of port instructions found outside ring 0."""
        self._exchanges: set[int] = set()
        self._pauses: set[int] = set()
        self._parted: set[int] = set()  # what follows an exchange, if another comes in the same translation
        self._planted: dict[int, int] = {}
        self.hooked_addresses: Collection[int] = self._planted.keys()
        """Linear addresses of the instructions that the engine calls a hook before, as they come and go."""
        self._updating: set[int] = set()  # hooks planted that compute the flags
        self.left = False

    def plant(self) -> bool:
        """Outside the engine, after the breakpoints: hook what was found; True if translations are stale now."""
        if not (self.ports or self._exchanges or self._pauses or self._parted):
            return False
        # What computes flags must not run where a breakpoint's hook then leaves the engine.
        for address in self._updating & self._parted.union(self._cpu.breakpoints.just_hooked):
            self._updating.remove(address)
            remove_hook(self._cpu.uc, self._planted.pop(address))
        missing = self._wanted() - self._planted.keys()
        for address in missing:
            self._planted[address] = self._hook(address)
        if missing and missing <= self._updating:
            self._forget(missing)
            return False
        return bool(missing)

    def _wanted(self) -> set[int]:
        return self.ports | self._exchanges | self._pauses | self._parted

    def _forget(self, addresses: Iterable[int]) -> None:
        """Throw away what the engine has translated at the code that comes next, and no more."""
        for address in addresses:
            self._cpu.uc.ctl_remove_cache(address, address + 1)
        self._cpu.state.store()  # a page that is missing by now leaves its marks in CR2

    def _hook(self, address: int) -> int:
        if address in self._exchanges - self._parted:
            self._updating.add(address)
            return self._cpu.progress.hook_flags(address)
        self._cpu.breakpoints.share([address])
        return int(self._cpu.uc.hook_add(UC_HOOK_CODE, self._callback(address), None, address, address))

    def _callback(self, address: int) -> Callable[[Uc, int, int, object], None]:
        if address in self.ports:
            return self._before_access
        return self._before_pause if address in self._pauses else self._start_here

    def take_left(self) -> bool:
        """Outside the engine: whether a hook left it so that a translation begins there."""
        left, self.left = self.left, False
        return left

    def examine(self, address: int, code: bytes, *, ports: bool) -> bool:
        """From a hook, for code that was just translated: True if a hook must be planted in it.

        ``ports`` says whether to look for port instructions too.
        """
        found_exchange = _EXCHANGE_OPCODES.search(code)
        found_ports = self._port_instructions(address, code).keys() if ports and address <= USER_HALF else ()
        found_pause = _PAUSE in code and self._cpu.shared_code is not None
        if not (found_exchange or found_ports or found_pause):
            return False
        self._cpu.wanted.change()
        self.ports.update(found_ports)
        if found_pause:
            self._pauses.update(at for at, name, _ in self._decoded(address, code) if name == "pause")
        if found_exchange:
            decoded = self._decoded(address, code)
            found = [index for index, (_, name, _) in enumerate(decoded) if name.split()[-1] in _EXCHANGES]
            self._exchanges |= {decoded[index][0] for index in found}
            self._parted |= {decoded[index + 1][0] for index in found[:-1]}
        return not (self._wanted() <= self._planted.keys() and self._parted.isdisjoint(self._updating))

    def _start_here(self, uc: Uc, address: int, _size: int, _data: object) -> None:
        """The engine brings its state up to date before the first hook of a translation, and may forget it later."""
        if self._cpu.progress.counted()[0] != address and not self._cpu.breakpoints.stops_at(address):
            self.left = True
            uc.emu_stop()

    def _decoded(self, address: int, code: bytes) -> list[tuple[int, str, str]]:
        decoded = Cs(CS_ARCH_X86, code_mode(self._cpu.state.front.hflags)).disasm_lite(code, address)
        return [(at, name, operands) for at, _size, name, operands in decoded]

    def _port_instructions(self, address: int, code: bytes) -> dict[int, PortAccess]:
        if not _PORT_OPCODES.search(code):
            return {}
        decoded = self._decoded(address, code)
        return {at: port_access(name, operands) for at, name, operands in decoded if _PORT_NAME.search(name)}

    def output_of_string(self, address: int, code: bytes) -> PortAccess | None:
        """The port access of an instruction outside ring 0, if it is OUTS."""
        for _, name, operands in self._decoded(address, code)[:1] if _OUTS.search(code) else ():
            if name.split()[-1].startswith("outs"):
                return port_access(name, operands)
        return None

    def _before_pause(self, _uc: Uc, address: int, _size: int, _data: object) -> None:
        cpu = self._cpu
        cpu.state.load()
        # Another program may have other code at this address.
        if not cpu.breakpoints.stops_at(address) and cpu.code_at(address, len(_PAUSE)) == _PAUSE:
            cpu.intercepts.on_pause()

    def _before_access(self, uc: Uc, address: int, size: int, _data: object) -> None:
        cpu = self._cpu
        if cpu.breakpoints.stops_at(address):
            return  # the breakpoint stops first; the instruction comes again
        cpu.state.load()
        if not cpu.state.front.hflags & HF_CPL:
            return
        # Another program may have other code at this address.
        access = self._port_instructions(address, cpu.code_at(address, size)).get(address)
        if access:
            port = uc.reg_read(x86.UC_X86_REG_DX) if access.port is None else access.port
            if fault := self.port_fault(port, access.size):
                cpu.fault(*fault)

    def port_fault(self, port: int, size: int) -> tuple[int, int | None] | None:
        """The exception that an access to a port raises outside ring 0, with CR2 set for it; None if it is permitted.

        #GP(0) if it is denied, or what the bitmap's own page raises.
        """
        state = self._cpu.state
        state.load()
        try:
            return None if port_permitted(self._cpu, port, size) else (GP, 0)
        except GuestFault as fault:
            if fault.cr2 is not None:
                state.front.cr[2] = fault.cr2
                state.store()
            return fault.vector, fault.error_code

"""Instructions that change ring, control registers or MSRs, use ports or halt, as a catch sees them before they run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from capstone import CS_ARCH_X86, Cs

from machine.engine.decode import code_mode
from machine.guards import port_access


class Act(Enum):
    """What such an instruction does."""

    LEAVE_RING = "may change the ring"
    WRITE_CONTROL = "writes a control register"
    WRITE_MSR = "writes a model-specific register"
    READ_PORT = "reads ports"
    WRITE_PORT = "writes ports"
    HALT = "halts"


class Sensitive(NamedTuple):
    """One instruction: ``number`` is the control register, or the port (None for DX), ``operand`` the source register.

    ``size`` is a port access's width in bytes.
    """

    act: Act
    mnemonic: str
    number: int | None = None
    operand: str = ""
    size: int = 0

    def source(self, regs: Sequence[int]) -> int | None:
        """The value of the source register; None where the instruction names memory."""
        if self.operand not in _GENERAL:
            return None
        number, bits = _GENERAL[self.operand]
        return regs[number] & (1 << bits) - 1


_NAMES = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")
_GENERAL = {
    f"{prefix}{name}": (number, bits)
    for number, name in enumerate(_NAMES)
    for prefix, bits in (("r", 64), ("e", 32), ("", 16))
} | {
    f"r{number}{suffix}": (number, bits) for number in range(8, 16) for suffix, bits in (("", 64), ("d", 32), ("w", 16))
}
"""Number and width of the general registers by their names in instructions."""

# fmt: off
_ACTS: dict[str, Act] = {
    **dict.fromkeys(("iret", "iretd", "iretq", "sysret", "sysretq", "sysexit", "sysexitq"), Act.LEAVE_RING),
    **dict.fromkeys(("syscall", "sysenter", "lcall", "ljmp", "retf", "retfq"), Act.LEAVE_RING),
    **dict.fromkeys(("lmsw", "clts"), Act.WRITE_CONTROL),
    "wrmsr": Act.WRITE_MSR,
    **dict.fromkeys(("in", "insb", "insw", "insd"), Act.READ_PORT),
    **dict.fromkeys(("out", "outsb", "outsw", "outsd"), Act.WRITE_PORT),
    "hlt": Act.HALT,
}
# fmt: on
_JUMPS = ("j", "call", "ret", "loop")
_MOVE_TO_CONTROL = re.compile(r"cr(\d+), (\w+)")


@lru_cache(maxsize=4096)
def sensitive_instructions(code: bytes, address: int, hflags: int) -> dict[int, Sensitive]:
    """Those in ``code`` up to its first jump, by their address; ``code`` begins at linear ``address``."""
    found = {}
    for at, _size, name, operands in Cs(CS_ARCH_X86, code_mode(hflags)).disasm_lite(code, address):
        instruction = _recognise(name.split()[-1], operands)
        if instruction is not None:
            found[at] = instruction
        elif name.startswith(_JUMPS):
            break
    return found


def _recognise(mnemonic: str, operands: str) -> Sensitive | None:
    if mnemonic == "mov":
        match = _MOVE_TO_CONTROL.fullmatch(operands)
        return Sensitive(Act.WRITE_CONTROL, mnemonic, int(match[1]), match[2]) if match else None
    act = _ACTS.get(mnemonic)
    if act in (Act.READ_PORT, Act.WRITE_PORT):
        port = port_access(mnemonic, operands)
        return Sensitive(act, mnemonic, port.port, "", port.size)
    return None if act is None else Sensitive(act, mnemonic, 0 if act is Act.WRITE_CONTROL else None, operands)

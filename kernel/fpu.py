"""The x87 and SSE registers of a task that no processor runs: what FXSAVE left in the task's structure.

A kernel saves them as it gives the processor away (Linux: arch/x86/include/asm/fpu/sched.h, switch_fpu_prepare).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kernel.tasks import Task

LENGTH = 512
"""Bytes of FXSAVE's area (SDM 1 10.5.1)."""

# Where different kernels have it: Linux from 5.16 on, those before, and our kernel, which needs no more than this.
_POINTER, _UNION, _PLAIN = "thread.fpu.fpstate", "thread.fpu.state.fxsave", "thread.fpu"
_AREA = "regs.fxsave"

# fmt: off
_PLACES = {
    # register: offset, bytes (SDM 1 table 10-2 for 64-bit mode; gdb's i387 names)
    "fctrl": (0, 2), "fstat": (2, 2), "fop": (6, 2), "fioff": (8, 4), "fiseg": (12, 4), "fooff": (16, 4),
    "foseg": (20, 4), "mxcsr": (24, 4),
    **{f"st{n}": (32 + 16 * n, 10) for n in range(8)},
    **{f"xmm{n}": (160 + 16 * n, 16) for n in range(16)},
}
# fmt: on
_TAGS = 4


class Kept(NamedTuple):
    """A register by gdb's name with its value, and where it lies: a linear address, and how many bytes."""

    register: str
    value: int
    address: int
    length: int


def fpu_registers(task: Task) -> Iterator[Kept]:
    """Those that the kernel keeps for the task; none for a kernel thread, which has none of its own.

    The tag word is not among them, as it does not lie there in gdb's form: `tag_word`.  Raises UnreadableError.
    """
    address = _area(task)
    if address is None:
        return
    area = task.object.kernel.memory.read(address, LENGTH)
    for register, (offset, length) in _PLACES.items():
        yield Kept(register, int.from_bytes(area[offset : offset + length], "little"), address + offset, length)


def tag_word(task: Task) -> int | None:
    """Two bits for each physical x87 register, 0 for one in use, 3 for an empty one; None where none are kept.

    FXSAVE has one bit for each (SDM 1 10.5.1.1).  Raises UnreadableError.
    """
    address = _area(task)
    if address is None:
        return None
    used = task.object.kernel.number_at(address + _TAGS, 1)
    return sum((0 if used >> index & 1 else 3) << 2 * index for index in range(8))


def _area(task: Task) -> int | None:
    entry = task.object
    if task.is_kernel_thread:
        return None
    if entry.has(_POINTER):
        state = entry.follow(_POINTER)
        return None if state is None else state.address_of(_AREA)
    if entry.has(_UNION):
        return entry.address_of(_UNION)
    plain = entry.kernel.find_member(entry.structure, _PLAIN)
    return entry.address_of(_PLAIN) if plain is not None and plain.length == LENGTH else None

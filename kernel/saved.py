"""The registers of a task that no processor runs, and where its kernel stack keeps them.

A task gives way inside the kernel, so what it will go on with stands in the switch frame of its kernel stack; below
that, at the stack's top, are the registers it entered the kernel with.
"""

from __future__ import annotations

from typing import NamedTuple

from kernel.fpu import fpu_registers, tag_word
from kernel.objects import Kernel, Object
from kernel.tasks import Task, thread_size

PT_REGS = "struct pt_regs"
SWITCH_FRAME = "struct inactive_task_frame"

# fmt: off
PT_REGS_MEMBERS = {
    # member: register
    "r15": "r15", "r14": "r14", "r13": "r13", "r12": "r12", "bp": "rbp", "bx": "rbx",
    "r11": "r11", "r10": "r10", "r9": "r9", "r8": "r8", "ax": "rax", "cx": "rcx", "dx": "rdx", "si": "rsi", "di": "rdi",
    "orig_ax": "orig_rax", "ip": "rip", "cs": "cs", "flags": "eflags", "sp": "rsp", "ss": "ss",
}
FRAME_MEMBERS = {
    "r15": "r15", "r14": "r14", "r13": "r13", "r12": "r12", "bx": "rbx", "bp": "rbp", "ret_addr": "rip",
}
# fmt: on

# fmt: off
SYSTEM_CALL_ENTRIES = frozenset((
    "entry_SYSCALL_64", "entry_SYSENTER_compat", "entry_SYSCALL_compat", "entry_INT80_compat", "asm_int80_emulation",
    "system_call",
))
# fmt: on
"""Code that a system call enters by, whose return address lies below its registers."""

USER_RPL = 3


class Place(NamedTuple):
    """Where memory holds a register: a linear address, and bytes."""

    address: int
    length: int = 8


class Saved(NamedTuple):
    """Registers by gdb's names, and the places of those that memory holds. ``in_user``: it was preempted in
    ring 3, or has never run, and these are what it goes on with there."""

    values: dict[str, int]
    places: dict[str, Place]
    in_user: bool


def task_pt_regs(task: Task) -> Object:
    """What the task's first entry from ring 3 left at the top of its kernel stack. Raises UnreadableError."""
    kernel = task.object.kernel
    top = task.object.number("stack") + thread_size(kernel)
    return kernel.object(PT_REGS, top - kernel.symbols.size_of(PT_REGS))


def is_preempted(task: Task) -> bool:
    """Whether the task can run and lost the processor in ring 3, not in a system call. Raises UnreadableError."""
    regs = task_pt_regs(task)
    if task.is_kernel_thread or task.letter != "R" or regs.number("cs") & 3 != USER_RPL:
        return False
    kernel = task.object.kernel
    entry = kernel.symbols.nearest(kernel.number_at(regs.address - 8) - 1)
    return entry is None or entry[0].name.removesuffix("_after_hwframe") not in SYSTEM_CALL_ENTRIES


def saved_registers(task: Task) -> Saved:
    """What a task that does not run goes on with. Raises UnreadableError, SymbolsError."""
    saved = _user(task) if is_preempted(task) else _switched(task)
    for member, register in (("fsbase", "fs_base"), ("gsbase", "k_gs_base")):
        if task.object.has(f"thread.{member}"):
            name = "gs_base" if saved.in_user and register == "k_gs_base" else register
            saved.places[name] = Place(task.object.address_of(f"thread.{member}"))
            saved.values[name] = task.object.number(f"thread.{member}")
    _add_fpu(saved, task)
    return saved


def _add_fpu(saved: Saved, task: Task) -> None:
    for kept in fpu_registers(task):
        saved.places[kept.register] = Place(kept.address, kept.length)
        saved.values[kept.register] = kept.value
    tags = tag_word(task)
    if tags is not None:
        saved.values["ftag"] = tags


def _user(task: Task) -> Saved:
    regs = task_pt_regs(task)
    return _read(regs, PT_REGS_MEMBERS, in_user=True)


def _switched(task: Task) -> Saved:
    kernel = task.object.kernel
    stack_pointer = task.object.number("thread.sp")
    saved = _read(kernel.object(SWITCH_FRAME, stack_pointer), FRAME_MEMBERS, in_user=False)
    saved.values["rsp"] = stack_pointer + frame_length(kernel)
    return saved


def frame_length(kernel: Kernel) -> int:
    """Bytes of the switch frame. Raises SymbolsError."""
    return kernel.symbols.size_of(SWITCH_FRAME)


def _read(frame: Object, members: dict[str, str], *, in_user: bool) -> Saved:
    places = {register: Place(frame.address_of(member)) for member, register in members.items()}
    return Saved({register: frame.kernel.number_at(*place) for register, place in places.items()}, places, in_user)

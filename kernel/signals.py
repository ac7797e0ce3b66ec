"""Where a kernel delivers signals, and what it knows of one (Linux: kernel/signal.c)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from kernel.objects import Kernel, Object, for_each_entry
from kernel.tasks import Task

KSIGNAL, SIGQUEUE = "struct ksignal", "struct sigqueue"
SIGINFO_LENGTH = 128
"""Bytes of siginfo_t as programs see it (include/uapi/asm-generic/siginfo.h); the kernel's is its head."""

SIGNAL_MASK = 0x7F
"""The signal's part of an exit code (kernel/exit.c)."""

SIGNAL_GROUP_EXIT = 4
"""In signal_struct.flags: the whole group ends, by its group_exit_code (include/linux/sched/signal.h)."""


class Delivery(Enum):
    """What a signal does to the task that runs into it."""

    HANDLED = "the function returns true, and its argument says which handler is to run"
    ENDS = "the argument is the exit code"
    STOPS = "the argument is the signal, or 0 to take part in another's"


# fmt: off
PLACES = {
    # Linux's functions, and our kernel's, in the context of the task, with what their first argument is
    "get_signal":     Delivery.HANDLED,  # struct ksignal *
    "do_group_exit":  Delivery.ENDS,     # int exit_code
    "do_signal_stop": Delivery.STOPS,    # int signr
}
# fmt: on


def handled_signal(kernel: Kernel, address: int) -> int:
    """The signal in a `struct ksignal`. Raises UnreadableError, SymbolsError."""
    return kernel.object(KSIGNAL, address).number("sig")


def ending_signal(task: Task, exit_code: int) -> int:
    """The signal that ends a task's group; 0 if it is none. Raises UnreadableError.

    The other threads of a group end by SIGKILL, whatever ended the first.
    """
    signal = task.object.follow("signal") if task.object.has("signal") else None
    if signal is not None and _group_exits(signal):
        return signal.number("group_exit_code") & SIGNAL_MASK
    return exit_code & SIGNAL_MASK


def _group_exits(signal: Object) -> bool:
    return signal.has("group_exit_code") and bool(signal.number("flags") & SIGNAL_GROUP_EXIT)


def signal_details(task: Task, number: int, ksignal: int | None) -> bytes | None:
    """siginfo_t of a signal of a task, from the `struct ksignal` that its kernel fills, or from its queues: one that
    ends a whole group stays there (Linux: kernel/signal.c, complete_signal). None if neither has it.

    Raises UnreadableError, SymbolsError.
    """
    found = [task.object.kernel.object(KSIGNAL, ksignal)] if ksignal is not None else []
    for holder in (*found, *_for_each_pending(task)):
        if holder.number("info.si_signo") == number:
            return holder.bytes("info")[:SIGINFO_LENGTH].ljust(SIGINFO_LENGTH, b"\0")
    return None


def _for_each_pending(task: Task) -> Iterator[Object]:
    """What was sent to the task itself, then to its process: `struct sigqueue`."""
    signal = task.object.follow("signal") if task.object.has("signal") else None
    queues = [(task.object, "pending.list"), *([(signal, "shared_pending.list")] if signal is not None else [])]
    for holder, path in queues:
        if holder.has(path):
            yield from for_each_entry(holder.kernel, holder.address_of(path), SIGQUEUE, "list")

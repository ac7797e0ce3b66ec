"""The guest's tasks, read from its memory with Linux's names; offsets come from the kernel's debug information."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kernel.errors import Error as KernelError
from machine.machine import Machine
from ringscope.debuggee import Refused
from ringscope.expressions import Symbols
from ringscope.local import LocalDebuggee
from ringscope.session import Session

TASK_COMM_LEN = 16
"""Bytes of a task's name (Linux: include/linux/sched.h)."""

MOST_TASKS = 1 << 15
"""More than Linux's default pid_max: a list that is longer leads round in a circle."""

_STATES = ((0x10, "X"), (0x20, "Z"), (0x1, "S"), (0x2, "D"), (0x4, "T"), (0x8, "t"))


class TaskError(Exception):
    """The tasks cannot be read; the message says what is missing or broken."""


class Task(NamedTuple):
    """What a `struct task_struct` at a linear address says."""

    address: int
    pid: int
    comm: str
    state: int
    mm: int


def task_state_to_char(state: int) -> str:
    """One letter as in ps: R running, S sleeping, D uninterruptible, T stopped, Z zombie, X dead."""
    return next((letter for bit, letter in _STATES if state & bit), "R")


def current_task(session: Session) -> Task:
    """The task that the processor runs. Raises TaskError."""
    symbols = _symbols(session)
    pointer = _address(symbols, "current_task")
    return read_task(session, _word(session, pointer, 8))


def find_current_task(session: Session) -> Task | None:
    """The task that the processor runs, or None before there is one or without symbols."""
    try:
        return current_task(session)
    except TaskError:
        return None


def for_each_task(session: Session) -> Iterator[Task]:
    """Every task from init_task on. Raises TaskError where the list is broken."""
    symbols = _symbols(session)
    first = _address(symbols, "init_task")
    links = _offset(symbols, "tasks")
    task = first
    for _ in range(MOST_TASKS):
        yield read_task(session, task)
        link = _word(session, task + links, 8)
        task = (link - links) & (1 << 64) - 1
        if task == first:
            return
    raise TaskError(f"the list of tasks at {first:#x} does not come back to its head in {MOST_TASKS} steps")


def read_task(session: Session, address: int) -> Task:
    """The `struct task_struct` at a linear address. Raises TaskError."""
    symbols = _symbols(session)
    state = _word(session, address + _offset(symbols, "__state"), 4)
    return Task(
        address,
        _word(session, address + _offset(symbols, "pid"), 4),
        _read(session, address + _offset(symbols, "comm"), TASK_COMM_LEN)
        .partition(b"\0")[0]
        .decode("utf-8", "replace"),
        state | _exit_state(session, address, symbols),
        _word(session, address + _offset(symbols, "mm"), 8),
    )


def _exit_state(session: Session, address: int, symbols: Symbols) -> int:
    """What Linux keeps apart from __state; our own kernel has one word for both."""
    try:
        offset = _offset(symbols, "exit_state")
    except TaskError:
        return 0
    return _word(session, address + offset, 4)


def task_label(session: Session) -> str:
    """``init (1)``, or nothing where no task is known."""
    task = find_current_task(session)
    return f"{task.comm} ({task.pid})" if task is not None else ""


def describe_task(machine: Machine, symbols: Symbols | None) -> str:
    """`task_label` of a machine in this process, for ``info threads``."""
    return task_label(Session(LocalDebuggee(machine), symbols))


def _symbols(session: Session) -> Symbols:
    if session.symbols is None:
        raise TaskError("no symbols are loaded: tasks cannot be found")
    return session.symbols


def _address(symbols: Symbols, name: str) -> int:
    symbol = symbols.lookup(name)
    if symbol is None:
        raise TaskError(f"the symbols have no {name}")
    return symbol.address


def _offset(symbols: Symbols, member: str) -> int:
    try:
        return symbols.offset_of("struct task_struct", member)
    except (KernelError, KeyError):
        raise TaskError(f"the debug information has no member {member} of struct task_struct") from None


def _word(session: Session, address: int, length: int) -> int:
    return int.from_bytes(_read(session, address, length), "little")


def _read(session: Session, address: int, length: int) -> bytes:
    try:
        return session.debuggee.read_memory(address, length)
    except Refused as error:
        raise TaskError(f"no task can be read: {error}") from None

"""The tasks of a debuggee's kernel, here or behind a stub, for commands: `kernel.tasks` on what the debuggee shows."""

from __future__ import annotations

from collections.abc import Iterator

from kernel import tasks
from kernel.errors import Error as KernelError
from kernel.errors import UnreadableError
from kernel.objects import Kernel
from kernel.symbols import Symbols as KernelSymbols
from kernel.tasks import Task
from machine.machine import Machine
from ringscope.debuggee import Debuggee, Refused
from ringscope.expressions import Symbols
from ringscope.local import LocalDebuggee
from ringscope.session import Session


class TaskError(Exception):
    """The tasks cannot be read; the message says what is missing or broken."""


class DebuggeeMemory:
    """A debuggee's memory through its current page tables, for `kernel.objects`."""

    def __init__(self, debuggee: Debuggee) -> None:
        self._debuggee = debuggee

    def read(self, address: int, length: int, page_table: int | None = None) -> bytes:
        """All bytes. Raises UnreadableError, also for another task's page table."""
        if page_table is not None:
            raise UnreadableError(f"{self._debuggee.name} shows no memory of another task")
        try:
            return self._debuggee.read_memory(address, length)
        except Refused as error:
            raise UnreadableError(str(error)) from None

    def write(self, address: int, data: bytes) -> None:
        """Store all of it. Raises UnreadableError."""
        try:
            self._debuggee.write_memory(address, data)
        except Refused as error:
            raise UnreadableError(str(error)) from None

    def physical(self, address: int) -> int:
        """Not known of any debuggee. Raises UnreadableError."""
        raise UnreadableError(f"{self._debuggee.name} does not tell where {address:#x} lies")


def kernel_of(session: Session) -> Kernel:
    """The kernel's objects. Raises TaskError without symbols."""
    if session.symbols is None:
        raise TaskError("no symbols are loaded: tasks cannot be found")
    if not isinstance(session.symbols, KernelSymbols):
        raise TaskError("the symbols tell no structures: tasks cannot be found")
    debuggee = session.debuggee
    return Kernel(session.symbols, DebuggeeMemory(debuggee), lambda: debuggee.processor)


def current_task(session: Session) -> Task:
    """The task that the processor runs. Raises TaskError."""
    kernel = kernel_of(session)
    try:
        return tasks.current_task(kernel)
    except KernelError as error:
        raise TaskError(f"no task can be read: {error}") from None


def find_current_task(session: Session) -> Task | None:
    """The task that the processor runs, or None before there is one or without symbols."""
    try:
        return current_task(session)
    except TaskError:
        return None


def for_each_task(session: Session) -> Iterator[Task]:
    """Every task from init_task on. Raises TaskError where a list is broken."""
    kernel = kernel_of(session)
    try:
        yield from tasks.for_each_process_thread(kernel)
    except KernelError as error:
        raise TaskError(str(error)) from None


def read_task(session: Session, address: int) -> Task:
    """The `struct task_struct` at a linear address. Raises TaskError."""
    kernel = kernel_of(session)
    try:
        return tasks.read_task(kernel, address)
    except KernelError as error:
        raise TaskError(f"no task can be read: {error}") from None


def task_label(session: Session) -> str:
    """``init (1)``, or nothing where no task is known."""
    task = find_current_task(session)
    return f"{task.comm} ({task.pid})" if task is not None else ""


def describe_task(machine: Machine, symbols: Symbols | None) -> str:
    """`task_label` of a machine in this process, for ``info threads``."""
    return task_label(Session(LocalDebuggee(machine), symbols))

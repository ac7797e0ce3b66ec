"""What the stub's threads are: the machine's processors, or the tasks of the kernel in it.

A view names threads, says which of them stands on the processor, and gives the registers of the others. It reads the
guest when asked and remembers until `forget`; what cannot be read is said in a thread's details, never raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from gdbstub.values import ThreadInfo
from kernel.errors import Error as KernelError
from kernel.objects import Kernel
from kernel.saved import Saved, saved_registers
from kernel.tasks import Task, current_task, for_each_process_thread
from machine.machine import Machine

FIRST_PROCESSOR = 1
"""Thread id of the first processor."""

KERNEL_PROCESS = 1 << 22
"""Process id that the kernel's own threads share: no task has it (Linux: include/linux/threads.h, PID_MAX_LIMIT)."""

IDLE_TASK = KERNEL_PROCESS + 1
"""Thread id of the first processor's idle task, whose pid is 0, which the protocol gives another meaning."""

Describe = Callable[[], str]


class View(Protocol):
    """The threads that a client sees."""

    multiprocess: bool
    """Whether the threads belong to more than one process."""

    def threads(self) -> Sequence[int]:
        """The ids of the threads there are, at least one."""
        ...

    def running(self) -> int:
        """The thread that stands on the processor."""
        ...

    def thread_info(self, thread: int) -> ThreadInfo:
        """A thread's name, processor and details."""
        ...

    def process_of(self, thread: int) -> int:
        """The process that a thread belongs to."""
        ...

    def is_common(self, process: int) -> bool:
        """Whether breakpoints of a process are meant for all."""
        ...

    def processor(self, thread: int) -> int:
        """The number, from 0, of the processor that a thread stands on, or whose state it sees while it rests."""
        ...

    def saved(self, thread: int) -> Saved | None:
        """Registers of a thread that does not run; None if the processor holds them. Raises `kernel.errors.Error`."""
        ...

    def page_table(self, thread: int) -> int | None:
        """Physical address of a thread's page tables; None for those that are loaded."""
        ...

    def forget(self) -> None:
        """The guest has run or its memory has changed."""
        ...


class ProcessorView:
    """One thread per processor. ``describe`` names the task that runs."""

    multiprocess = False

    def __init__(self, machine: Machine, describe: Describe) -> None:
        self._machine = machine
        self._describe = describe

    def threads(self) -> Sequence[int]:
        """Numbered from 1."""
        return range(FIRST_PROCESSOR, FIRST_PROCESSOR + len(self._machine.cpus))

    def running(self) -> int:
        """The one whose turn it is."""
        return FIRST_PROCESSOR + self._machine.cpu.number

    def processor(self, thread: int) -> int:
        """Itself."""
        return thread - FIRST_PROCESSOR

    def thread_info(self, thread: int) -> ThreadInfo:
        """The processor, its ring, and the task that runs on it."""
        core = thread - FIRST_PROCESSOR
        words = (self._describe() if thread == self.running() else "", processor_state(self._machine, core))
        details = ", ".join(filter(None, words))
        return ThreadInfo(thread, f"CPU#{core}", core, details)

    def process_of(self, thread: int) -> int:
        """All in one."""
        return FIRST_PROCESSOR

    def is_common(self, process: int) -> bool:
        """There is one."""
        return True

    def saved(self, thread: int) -> Saved | None:
        """Processors hold their own registers."""
        return None

    def page_table(self, thread: int) -> int | None:
        """Those that are loaded."""
        return None

    def forget(self) -> None:
        """Nothing is remembered."""


def processor_state(machine: Machine, core: int) -> str:
    """``not started``, ``halted`` or ``ring 3``."""
    cpu = machine.cpus[core]
    if machine.turns.processors[core].waiting:
        return "not started"
    return "halted" if cpu.halted else f"ring {cpu.cpl}"


class TaskView:
    """One thread per task; a process is a group of tasks with one address space, the kernel's threads are one more."""

    multiprocess = True

    def __init__(self, machine: Machine, kernel: Kernel) -> None:
        self._machine = machine
        self.kernel = kernel
        self._tasks: dict[int, Task] | None = None
        self._running: int | None = None
        self._trouble = ""

    def forget(self) -> None:
        """Read all anew."""
        self._tasks = self._running = None
        self._trouble = ""

    def threads(self) -> Sequence[int]:
        """Every task's pid, the idle task's under a number of its own; the kernel's own first."""
        return sorted({*self._read(), self.running()}, key=lambda thread: (not self._is_kernels(thread), thread))

    def _is_kernels(self, thread: int) -> bool:
        return self.process_of(thread) == KERNEL_PROCESS

    def task(self, thread: int) -> Task | None:
        """The task behind a thread id; None where none can be read."""
        return self._read().get(thread)

    def running(self) -> int:
        """The task that the processor runs; the idle task where no kernel runs yet."""
        if self._running is None:
            self._running = self._read_running()
        return self._running

    def processor(self, thread: int) -> int:
        """The one."""
        return 0

    def _read_running(self) -> int:
        try:
            task = current_task(self.kernel)
        except KernelError as error:
            self._trouble = str(error)
            return IDLE_TASK
        if self._tasks is not None:
            self._tasks.setdefault(thread_id(task), task)
        return thread_id(task)

    def _read(self) -> dict[int, Task]:
        if self._tasks is None:
            self._tasks = dict(self._each())
        return self._tasks

    def _each(self) -> Iterator[tuple[int, Task]]:
        """Those before the place where the lists are broken, and the one that runs."""
        try:
            for task in for_each_process_thread(self.kernel):
                yield thread_id(task), task
        except KernelError as error:
            self._trouble = str(error)
        try:
            task = current_task(self.kernel)
        except KernelError as error:
            self._trouble = str(error)
            return
        yield thread_id(task), task

    def thread_info(self, thread: int) -> ThreadInfo:
        """The task's name, where it runs, and its state."""
        task, runs = self.task(thread), thread == self.running()
        core = 0 if runs else None
        if task is None:
            return ThreadInfo(thread, "?", core, self._trouble)
        words = [f"pid {task.pid}", "running" if runs else task.state_name]
        words += [processor_state(self._machine, 0)] if runs else []
        return ThreadInfo(thread, task.comm, core, ", ".join(filter(None, (*words, self._trouble))))

    def process_of(self, thread: int) -> int:
        """The thread group; the kernel's own threads together."""
        task = self.task(thread)
        return task.tgid if task is not None and task.tgid and not task.is_kernel_thread else KERNEL_PROCESS

    def is_common(self, process: int) -> bool:
        """The kernel's code runs in all."""
        return process == KERNEL_PROCESS

    def saved(self, thread: int) -> Saved | None:
        """What the task left in the kernel when it gave way. Raises `kernel.errors.Error`."""
        task = self.task(thread)
        return None if task is None or thread == self.running() else saved_registers(task)

    def page_table(self, thread: int) -> int | None:
        """The task's own; those that are loaded for the one that runs, and for one that borrows."""
        task = self.task(thread)
        if task is None or thread == self.running():
            return None
        try:
            return task.page_table
        except KernelError:
            return None


def thread_id(task: Task) -> int:
    """A positive number for every task."""
    return task.pid or IDLE_TASK

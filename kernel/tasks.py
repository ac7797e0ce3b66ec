"""The tasks of a running kernel, with Linux's names; nothing here knows an offset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from kernel.objects import Kernel, Object, for_each_entry

TASK = "struct task_struct"
PF_KTHREAD = 0x00200000
"""A task that never sees ring 3 (Linux: include/linux/sched.h)."""

# fmt: off
STATES = (
    # bits, letter: the first that fits (Linux: fs/proc/array.c, task_state_array)
    (0x10,  "X"), (0x20, "Z"), (0x402, "I"), (0x1, "S"), (0x2, "D"), (0x4, "T"), (0x8, "t"), (0x40, "P"),
)
NAMES = {"R": "running", "S": "sleeping", "D": "disk sleep", "T": "stopped", "t": "tracing stop", "X": "dead",
         "Z": "zombie", "P": "parked", "I": "idle"}
# fmt: on


def task_state_to_char(state: int) -> str:
    """One letter as in ps: R running, S sleeping, D uninterruptible, T stopped, Z zombie, X dead, I idle."""
    return next((letter for bits, letter in STATES if state & bits == bits), "R")


@dataclass(frozen=True)
class Task:
    """A task, as its `struct task_struct` said when it was read."""

    object: Object
    pid: int
    tgid: int
    comm: str
    state: int
    flags: int

    @property
    def address(self) -> int:
        """Of its `struct task_struct`."""
        return self.object.address

    @property
    def is_kernel_thread(self) -> bool:
        """It has no address space of its own, and never will."""
        return bool(self.flags & PF_KTHREAD)

    @property
    def letter(self) -> str:
        """Its state as ps shows it."""
        return task_state_to_char(self.state) if self.pid else "I"

    @property
    def state_name(self) -> str:
        """Its state in a word or two."""
        return NAMES[self.letter]

    @cached_property
    def mm(self) -> Object | None:
        """Its address space; None for a kernel thread and a zombie. Raises UnreadableError."""
        return self.object.follow("mm")

    @property
    def parent(self) -> int:
        """The pid of the task that waits for it. Raises UnreadableError."""
        parent = self.object.follow("real_parent" if self.object.has("real_parent") else "parent")
        return parent.number("tgid") if parent is not None else 0

    @property
    def page_table(self) -> int | None:
        """Physical address of its top page table; None where it borrows another's. Raises UnreadableError."""
        return page_table(self.mm) if self.mm is not None else None


def page_table(mm: Object) -> int:
    """Physical address of an address space's top page table. Raises UnreadableError."""
    return mm.kernel.memory.physical(mm.number("pgd"))


def read_task(kernel: Kernel, address: int) -> Task:
    """The `struct task_struct` at a linear address. Raises UnreadableError, SymbolsError."""
    task = kernel.object(TASK, address)
    state = task.number("__state" if task.has("__state") else "state")
    if task.has("exit_state"):  # our own kernel has one word for both
        state |= task.number("exit_state")
    return Task(task, task.number("pid"), task.number("tgid"), task.text("comm"), state, task.number("flags"))


def for_each_process(kernel: Kernel) -> Iterator[Task]:
    """The leader of every process, the idle task first. Raises UnreadableError where the list is broken."""
    first = kernel.variable("init_task", TASK)
    yield read_task(kernel, first.address)
    for task in for_each_entry(kernel, first.address_of("tasks"), TASK, "tasks"):
        yield read_task(kernel, task.address)


def for_each_process_thread(kernel: Kernel) -> Iterator[Task]:
    """Every task: each process's leader and its other threads. Raises UnreadableError where a list is broken."""
    for leader in for_each_process(kernel):
        yield leader
        for task in _other_threads(leader):
            yield read_task(kernel, task.address)


def _other_threads(leader: Task) -> Iterator[Object]:
    if not leader.object.has("thread_node"):  # a kernel whose processes have one thread
        return
    signal = leader.object.follow("signal")
    if signal is not None:
        head = signal.address_of("thread_head")
        for task in for_each_entry(leader.object.kernel, head, TASK, "thread_node"):
            if task.address != leader.address:
                yield task


def current_task(kernel: Kernel, processor: int | None = None) -> Task:
    """The task that a processor runs, by default the one that is looked at. Raises UnreadableError, SymbolsError."""
    return read_task(kernel, current_address(kernel, processor))


def current_address(kernel: Kernel, processor: int | None = None) -> int:
    """Where the task that `current_task` tells has its `struct task_struct`. Raises UnreadableError, SymbolsError."""
    symbols = kernel.symbols
    if symbols.lookup("current_task") is None and symbols.lookup("pcpu_hot") is not None:
        pointer = kernel.variable("pcpu_hot", "struct pcpu_hot").address_of("current_task")  # Linux 6.2 to 6.14
    else:
        pointer = kernel.address_of("current_task")
    number = kernel.processor() if processor is None else processor
    return kernel.number_at(per_processor(kernel, pointer, number))


def per_processor(kernel: Kernel, address: int, processor: int) -> int:
    """A processor's copy of a variable (Linux: per_cpu_ptr); a kernel without copies has the one.

    Raises UnreadableError.
    """
    table = kernel.symbols.lookup("__per_cpu_offset")
    if table is None:
        return address
    return address + kernel.number_at(table.address + 8 * processor) & (1 << 64) - 1


def thread_size(kernel: Kernel) -> int:
    """Bytes of a task's kernel stack. Raises SymbolsError."""
    stack = kernel.symbols.lookup("init_stack")
    if stack is not None and stack.size:
        return stack.size
    # Linux's linker script makes room for the first task's stack (include/asm-generic/vmlinux.lds.h).
    return kernel.address_of("__end_init_task") - kernel.address_of("__start_init_task")

"""The guest's processes: tables of what its kernel runs and has open."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kernel.errors import Error as KernelError
from kernel.files import for_each_open_file
from kernel.objects import Kernel
from kernel.procfs import cmdline
from kernel.tasks import Task, current_address, for_each_process, for_each_process_thread
from ringscope.debuggee import Kernels, Refused
from ringscope.ostables import Rows, os_table
from ringscope.session import Session


@os_table("processes", "Processes", ">pid >parent User State Command")
def processes(session: Session) -> Rows:
    """Processes of the guest: its kernel's threads in brackets."""
    for task in _each(session, for_each_process):
        yield str(task.pid), _said(_parent, task), "root", task.state_name, _said(_command, task)


@os_table("threads", "Threads", ">pid >tid Name State Core")
def threads(session: Session) -> Rows:
    """Tasks of the guest: every thread of every process."""
    running = _running(_kernel(session))
    for task in _each(session, for_each_process_thread):
        core = "0" if task.address == running else ""
        yield str(task.tgid), str(task.pid), task.comm, "running" if core else task.state_name, core


@os_table("files", "Open files", ">pid Command >fd Path >Position")
def files(session: Session) -> Rows:
    """Files that the guest's processes have open."""
    for task in _each(session, for_each_process):
        try:
            for file in for_each_open_file(task):
                yield str(task.pid), task.comm, str(file.descriptor), file.path, str(file.position)
        except KernelError as error:
            yield str(task.pid), task.comm, "?", str(error), ""


def _each(session: Session, walk: Callable[[Kernel], Iterator[Task]]) -> Iterator[Task]:
    """The tasks before the place where the list is broken; nothing to be read at all is refused."""
    found = walk(_kernel(session))
    first = True
    while True:
        try:
            task = next(found, None)
        except KernelError as error:
            if first:
                raise Refused(str(error)) from None
            return
        if task is None:
            return
        first = False
        yield task


def _kernel(session: Session) -> Kernel:
    if not isinstance(session.debuggee, Kernels):
        raise Refused(f"{session.debuggee.name} does not show the structures of its kernel")
    return session.debuggee.running_kernel()


def _running(kernel: Kernel) -> int | None:
    try:
        return current_address(kernel)
    except KernelError as error:
        raise Refused(str(error)) from None


def _parent(task: Task) -> str:
    return str(task.parent)


def _command(task: Task) -> str:
    words = cmdline(task).decode("utf-8", "replace").replace("\0", " ").strip()
    return words or f"[{task.comm}]"


def _said(read: Callable[[Task], str], task: Task) -> str:
    """What was read, or why it cannot be."""
    try:
        return read(task)
    except KernelError as error:
        return str(error)

"""The guest's files for gdb: /proc made from the kernel's structures, and the tree of names in its memory."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TypeVar

from gdbstub.errors import TargetError
from kernel import namei, ramfs
from kernel.errors import Error as KernelError
from kernel.files import executable
from kernel.objects import Kernel
from kernel.procfs import FILES, LINKS, auxv
from kernel.tasks import Task, current_task, for_each_process_thread
from ringscope.views import KERNEL_PROCESS

T = TypeVar("T")

SELF = "self"


class GuestFiles:
    """Files by path. ``kernel`` finds the kernel's objects, and may raise `kernel.errors.Error`."""

    def __init__(self, kernel: Callable[[], Kernel]) -> None:
        self._kernel = kernel

    def read_file(self, path: str, process: int | None) -> bytes:
        """A file of /proc, or one in the kernel's memory. Raises TargetError."""
        found = _in_proc(path)
        if found is None:
            return self._tried(path, lambda: _read_name(self._kernel(), path))
        pid, name = found
        if name not in FILES:
            raise TargetError(errno.ENOENT, f"there is no file {path}")
        return self._tried(path, lambda: FILES[name](self._task(pid, process)))

    def read_link(self, path: str, process: int | None) -> str:
        """A link of /proc; there are no others. Raises TargetError."""
        found = _in_proc(path)
        if found is None or found[1] not in LINKS:
            raise TargetError(errno.EINVAL, f"{path} is no link")
        leads = self._tried(path, lambda: LINKS[found[1]](self._task(found[0], process)))
        if leads is None:
            raise TargetError(errno.ENOENT, f"{path} leads nowhere: the task has no program")
        return leads

    def exec_file(self, process: int | None) -> str:
        """The program of a process; nothing for the kernel's own. Raises TargetError."""
        return (
            "" if process == KERNEL_PROCESS else self._tried(SELF, lambda: executable(self._task(SELF, process))) or ""
        )

    def auxiliary_vector(self, process: int | None) -> bytes:
        """As the kernel keeps it, or as it lies on the stack; nothing for the kernel's own. Raises TargetError."""
        if process == KERNEL_PROCESS:
            return b""
        return self._tried(SELF, lambda: auxv(self._task(SELF, process)))

    def _task(self, word: str, process: int | None) -> Task:
        kernel = self._kernel()
        if word == SELF and process is None:
            return current_task(kernel)
        number = process if word == SELF else int(word)
        task = next((task for task in for_each_process_thread(kernel) if task.pid == number), None)
        if task is None:
            raise TargetError(errno.ENOENT, f"there is no process {number}")
        return task

    def _tried(self, path: str, read: Callable[[], T]) -> T:
        try:
            return read()
        except FileNotFoundError:
            raise TargetError(errno.ENOENT, f"there is no file {path}") from None
        except IsADirectoryError:
            raise TargetError(errno.EISDIR, f"{path} is a directory") from None
        except KernelError as error:
            raise TargetError(errno.EIO, f"{path}: {error}") from None


def _read_name(kernel: Kernel, path: str) -> bytes:
    return ramfs.read_name(kernel, path) if ramfs.is_ours(kernel) else namei.read_name(kernel, path)


def _in_proc(path: str) -> tuple[str, str] | None:
    """The task's word and the rest of a path in /proc; None for one elsewhere."""
    words = [word for word in path.split("/") if word]
    if not words or words[0] != "proc":
        return None
    if len(words) >= 5 and words[2] == "task":  # /proc/PID/task/TID/…
        words[1:4] = [words[3]]
    if len(words) != 3 or not (words[1] == SELF or (words[1].isascii() and words[1].isdigit() and len(words[1]) < 10)):
        raise TargetError(errno.ENOENT, f"there is no file {path}")
    return words[1], words[2]

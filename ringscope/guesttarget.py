"""A machine with a kernel of known structures as a target of the stub: its files too."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from gdbstub.errors import TargetError
from kernel.objects import Kernel
from machine.machine import Machine
from ringscope.guestfiles import GuestFiles
from ringscope.target import MachineTarget


class GuestTarget(MachineTarget):
    """`MachineTarget` with files. ``kernel`` finds the kernel's objects, and may raise `kernel.errors.Error`."""

    def __init__(self, machine: Machine, kernel: Callable[[], Kernel], **options: Any) -> None:
        super().__init__(machine, **options)
        self._files = GuestFiles(kernel)

    def read_file(self, path: str, process: int | None) -> bytes:
        """A file of /proc, or one in the kernel's memory."""
        return self._files.read_file(path, self._known(process))

    def read_link(self, path: str, process: int | None) -> str:
        """A link of /proc."""
        return self._files.read_link(path, self._known(process))

    def exec_file(self, process: int | None) -> str:
        """The program of a process; the machine's processors have none of their own."""
        path = self._files.exec_file(process) if self.view.multiprocess else ""
        if not path:
            raise TargetError(errno.ENOENT, "the kernel has no program")
        return path

    def auxiliary_vector(self, process: int | None) -> bytes:
        """That of a process; nothing for the machine's processors and the kernel's own threads."""
        return self._files.auxiliary_vector(process) if self.view.multiprocess else b""

    def _known(self, process: int | None) -> int | None:
        """The process, where threads are tasks."""
        return process if self.view.multiprocess else None

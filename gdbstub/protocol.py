"""The whole packet table: importing this module fills it."""

from gdbstub.packets import (
    breakpoints,
    lifecycle,
    memory,
    monitor,
    queries,
    registers,
    resume,
    threads,
    transfers,
)
from gdbstub.registry import TABLE

TOPICS = (breakpoints, lifecycle, memory, monitor, queries, registers, resume, threads, transfers)
__all__ = ["TABLE", "TOPICS"]

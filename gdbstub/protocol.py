"""The whole packet table: importing this module fills it."""

from gdbstub.packets import (
    branches,
    breakpoints,
    files,
    lifecycle,
    lldb,
    memory,
    monitor,
    nonstop,
    programs,
    queries,
    registers,
    resume,
    search,
    signals,
    systemcalls,
    threads,
    tracepoints,
    transfers,
)
from gdbstub.registry import TABLE

TOPICS = (
    branches, breakpoints, files, lifecycle, lldb, memory, monitor, nonstop, programs, queries, registers, resume,
    search, signals, systemcalls, threads, tracepoints, transfers,
)  # fmt: skip
__all__ = ["TABLE", "TOPICS"]

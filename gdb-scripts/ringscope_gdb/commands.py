"""Defines every command in gdb; importing the modules below fills the registry."""

from __future__ import annotations

import gdb

from . import caches, catching, control, descriptor_tables, frame, interrupt_table, mode, page_tables  # noqa: F401 - they register their commands
from .command import REGISTRY, LineCommand


class X86(gdb.Command):
    """Descriptor tables, page tables, control registers and interrupt frames of an x86 processor."""

    def __init__(self) -> None:
        super().__init__("x86", gdb.COMMAND_DATA, prefix=True)


def define() -> None:
    """Define `x86`, its commands, $cpl(), what follows stops, writes, `monitor`; doing it again changes nothing."""
    X86()
    for name, function in REGISTRY.items():
        LineCommand(name, function)
    control.CurrentPrivilegeLevel()
    gdb.events.stop.connect(mode.tell_stop)
    caches.watch_monitor()
    caches.watch_writes()

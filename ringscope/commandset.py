"""The whole set of commands and tables: importing this module fills the registries."""

from ringscope.command import COMMANDS
from ringscope.commands import (
    catching,
    devices,
    front,
    guest,
    memory,
    paging,
    processes,
    qemu,
    registers,
    running,
    stub,
    system,
    tables,
    timeline,
)
from ringscope.ostables import TABLES

TOPICS = (
    catching,
    devices,
    front,
    guest,
    memory,
    paging,
    processes,
    qemu,
    registers,
    running,
    stub,
    system,
    tables,
    timeline,
)
__all__ = ["COMMANDS", "TABLES", "TOPICS"]

"""The whole set of commands: importing this module fills the registry."""

from ringscope.command import COMMANDS
from ringscope.commands import devices, front, guest, memory, paging, registers, running, tables, timeline

TOPICS = (devices, front, guest, memory, paging, registers, running, tables, timeline)
__all__ = ["COMMANDS", "TOPICS"]

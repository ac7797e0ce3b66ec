"""The whole set of commands: importing this module fills the registry. The order is that of `help`."""

from ringscope.commands import running  # isort: skip - the order is that of `help`
from ringscope.commands import registers  # isort: skip
from ringscope.commands import memory  # isort: skip
from ringscope.commands import tables  # isort: skip
from ringscope.commands import paging  # isort: skip
from ringscope.commands import guest  # isort: skip
from ringscope.commands import devices  # isort: skip
from ringscope.commands import front  # isort: skip
from ringscope.command import COMMANDS

TOPICS = (running, registers, memory, tables, paging, guest, devices, front)
__all__ = ["COMMANDS", "TOPICS"]

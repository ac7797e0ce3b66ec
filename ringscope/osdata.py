"""gdb's ``info os``: the registry of tables behind the stub."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from gdbstub.errors import TargetError
from gdbstub.values import OsRows, OsTable
from ringscope.debuggee import Refused
from ringscope.local import LocalDebuggee
from ringscope.session import CommandError, Front, Session

if TYPE_CHECKING:
    from ringscope.boot import Guest


class GuestTables:
    """The tables of a guest's system; nothing is loaded before the first is asked for."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    @cached_property
    def _session(self) -> Session:
        guest = self._guest
        return Session(LocalDebuggee(guest.machine, guest.lines, guest), guest.symbols, front=Front.MONITOR)

    def os_tables(self) -> Iterator[OsTable]:
        """The tables there are."""
        from ringscope.commandset import TABLES  # gdb attaches before anybody asks

        for table in TABLES:
            yield OsTable(table.name, table.title, table.description)

    def os_rows(self, name: str) -> OsRows:
        """One of them. Raises TargetError."""
        from ringscope.commandset import TABLES

        try:
            table = TABLES.find(name)
            return OsRows(table.columns, list(table.whole_rows(self._session)))
        except (CommandError, Refused) as error:
            raise TargetError(errno.ENOENT, str(error)) from None

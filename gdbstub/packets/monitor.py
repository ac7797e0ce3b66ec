"""``monitor COMMAND`` (gdb manual: qRcmd)."""

import errno
from contextlib import suppress

from gdbstub.errors import TargetError
from gdbstub.registry import TABLE
from gdbstub.session import OK, Session
from gdbstub.target import LookingMonitor, Monitor


@TABLE.packet("qRcmd,{command:hexbytes}", needs=Monitor)
def run_command(session: Session[Monitor], command: bytes) -> bytes:
    """Run a command of the target's own; its output goes to the client's console as it comes."""
    with suppress(TargetError):  # the selected thread is gone: a command about the machine serves without one
        session.select()
    line = command.decode("utf-8", "replace")
    if session.running and not (isinstance(session.target, LookingMonitor) and session.target.only_looks(line)):
        raise TargetError(errno.EBUSY, f"{line}: the target runs, and a thread of it must be stopped first")
    session.print_kept()
    try:
        session.target.monitor(line, session.console)
    except TargetError as error:
        if session.offers("error-message"):
            raise
        session.console(error.text.rstrip("\n") + "\n")  # a bare number would tell the user nothing
    return OK

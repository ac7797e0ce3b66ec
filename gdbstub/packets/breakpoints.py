"""Breakpoints and watchpoints (gdb manual, "Packets": z Z). Nothing is ever patched into memory here."""

import errno

from gdbstub.agent.parameters import parse_parameters
from gdbstub.errors import TargetError
from gdbstub.points import Breakpoint, Watchpoint
from gdbstub.registry import TABLE
from gdbstub.session import OK, Session
from gdbstub.stopreply import WatchKind
from gdbstub.target import Breakpoints, Conditions, Watchpoints

TABLE.announce("BreakpointCommands+", needs=Conditions)


@TABLE.packet("Z0,{address:hex},{kind:hex};{parameters:rest}", needs=Conditions, feature="ConditionalBreakpoints+")
@TABLE.packet("Z0,{address:hex},{kind:hex}", needs=Breakpoints, feature="swbreak+")
def insert_software_breakpoint(
    session: Session[Breakpoints], address: int, kind: int, parameters: bytes = b""
) -> bytes:
    """Insert a breakpoint."""
    session.inferiors.enter_scope("swbreak", address, session.scope())
    return _break(session, session.points.software, address, kind, parameters)


@TABLE.packet("z0,{address:hex},{kind:hex}", needs=Breakpoints)
def remove_software_breakpoint(session: Session[Breakpoints], address: int, kind: int) -> bytes:
    """Remove a breakpoint."""
    if session.inferiors.leave_scope("swbreak", address, session.scope()):
        session.points.remove(session.target, session.points.software, address)
    return OK


@TABLE.packet("Z1,{address:hex},{kind:hex};{parameters:rest}", needs=Conditions)
@TABLE.packet("Z1,{address:hex},{kind:hex}", needs=Breakpoints, feature="hwbreak+")
def insert_hardware_breakpoint(
    session: Session[Breakpoints], address: int, kind: int, parameters: bytes = b""
) -> bytes:
    """Insert a hardware breakpoint; the target does not tell the two sorts apart, stop replies do."""
    session.inferiors.enter_scope("hwbreak", address, session.scope())
    return _break(session, session.points.hardware, address, kind, parameters)


@TABLE.packet("z1,{address:hex},{kind:hex}", needs=Breakpoints)
def remove_hardware_breakpoint(session: Session[Breakpoints], address: int, kind: int) -> bytes:
    """Remove a hardware breakpoint."""
    if session.inferiors.leave_scope("hwbreak", address, session.scope()):
        session.points.remove(session.target, session.points.hardware, address)
    return OK


@TABLE.packet("Z2,{address:hex},{length:hex};{parameters:rest}", needs=Conditions)
@TABLE.packet("Z2,{address:hex},{length:hex}", needs=Watchpoints)
def insert_write_watchpoint(session: Session[Watchpoints], address: int, length: int, parameters: bytes = b"") -> bytes:
    """Stop after writes to a range."""
    return _insert(session, (WatchKind.WRITE, address, length), parameters)


@TABLE.packet("z2,{address:hex},{length:hex}", needs=Watchpoints)
def remove_write_watchpoint(session: Session[Watchpoints], address: int, length: int) -> bytes:
    """Remove a write watchpoint."""
    return _remove(session, WatchKind.WRITE, address, length)


@TABLE.packet("Z3,{address:hex},{length:hex};{parameters:rest}", needs=Conditions)
@TABLE.packet("Z3,{address:hex},{length:hex}", needs=Watchpoints)
def insert_read_watchpoint(session: Session[Watchpoints], address: int, length: int, parameters: bytes = b"") -> bytes:
    """Stop after reads of a range."""
    return _insert(session, (WatchKind.READ, address, length), parameters)


@TABLE.packet("z3,{address:hex},{length:hex}", needs=Watchpoints)
def remove_read_watchpoint(session: Session[Watchpoints], address: int, length: int) -> bytes:
    """Remove a read watchpoint."""
    return _remove(session, WatchKind.READ, address, length)


@TABLE.packet("Z4,{address:hex},{length:hex};{parameters:rest}", needs=Conditions)
@TABLE.packet("Z4,{address:hex},{length:hex}", needs=Watchpoints)
def insert_access_watchpoint(
    session: Session[Watchpoints], address: int, length: int, parameters: bytes = b""
) -> bytes:
    """Stop after reads of and writes to a range."""
    return _insert(session, (WatchKind.ACCESS, address, length), parameters)


@TABLE.packet("z4,{address:hex},{length:hex}", needs=Watchpoints)
def remove_access_watchpoint(session: Session[Watchpoints], address: int, length: int) -> bytes:
    """Remove an access watchpoint."""
    return _remove(session, WatchKind.ACCESS, address, length)


def _break(
    session: Session[Breakpoints], table: dict[int, Breakpoint], address: int, kind: int, parameters: bytes
) -> bytes:
    session.points.insert(session.target, table, address, kind, parse_parameters(parameters))
    return OK


def _insert(session: Session[Watchpoints], watchpoint: Watchpoint, parameters: bytes) -> bytes:
    if not watchpoint[2]:
        raise TargetError(errno.EINVAL, "a watchpoint of no bytes")
    session.points.watch(session.target, watchpoint, parse_parameters(parameters))
    return OK


def _remove(session: Session[Watchpoints], kind: WatchKind, address: int, length: int) -> bytes:
    session.points.unwatch(session.target, (kind, address, length))
    return OK

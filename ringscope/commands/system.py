"""System tables: what gdb's `info os` shows, and the command that prints the same."""

from __future__ import annotations

from machine.machine import Machine
from machine.msrs import read_msrs
from machine.tallies import Tallies
from machine.x86.pagemap import Truncated, mappings
from machine.x86.vectors import vector_name
from machine.x86.walkreport import size_text
from ringscope.arguments import Rest
from ringscope.command import Lines, command
from ringscope.debuggee import Devices, PhysicalMemory, Refused, paging_state
from ringscope.ostables import TABLES, Rows, os_table
from ringscope.processor import Physical
from ringscope.render import hexadecimal, table
from ringscope.session import Session


@command("os")
def show_table(session: Session, name: Rest = "") -> Lines:
    """Print a table of the system as gdb's `info os NAME` does, or without NAME the list of the tables."""
    if not name:
        yield from table("Name Lists", ((each.name, each.description) for each in TABLES))
        return
    found = TABLES.find(name)
    yield from table(found.titles, list(found.function(session)))


@os_table("msr", "MSRs", "Number Name Value Bits Meaning")
def msrs(session: Session) -> Rows:
    """Model-specific registers, read without executing anything in the guest."""
    for msr, value in read_msrs(_machine(session, "its model-specific registers").cpu):
        bits = f"[{msr.layout.format(value)}]" if msr.layout else session.symbol(value) if value >> 12 else ""
        yield f"{msr.number:#010x}", msr.name, hexadecimal(value), bits, msr.meaning


@os_table("exceptions", "Exceptions seen", "Vector Event Source >Count >From_outside")
def exceptions(session: Session) -> Rows:
    """Exceptions and interrupts delivered since the machine was made, and how many of them from an outer ring."""
    for found in _tallies(session).deliveries():
        name = vector_name(found.vector)
        yield f"{found.vector:#04x}", name, found.source.value, str(found.times), str(found.crossed)


@os_table("rings", "Ring transitions", "Direction Way >Count")
def rings(session: Session) -> Rows:
    """Ways into ring 0 taken since the machine was made; returns and call gates are not seen, so not counted."""
    total = 0
    for way, count in _tallies(session).ways_in():
        total += count
        yield "to ring 0", way, str(count)
    yield "to ring 0", "all of these", str(total)


def _tallies(session: Session) -> Tallies:
    return _machine(session, "what it has delivered").cpu.progress.tallies


def _machine(session: Session, what: str) -> Machine:
    if not isinstance(session.debuggee, Devices):
        raise Refused(f"{session.debuggee.name} does not tell {what}")
    return session.debuggee.machine


@os_table("pagemap", "Page tables", "First Last Physical >Length Page Rights")
def pagemap(session: Session) -> Rows:
    """Linear memory that the current page tables map, with the rights that all levels leave."""
    if not isinstance(session.debuggee, PhysicalMemory):
        raise Refused(f"{session.debuggee.name} does not give physical memory")
    read = Physical(session.debuggee).read
    for found in mappings(read, session.debuggee.read_register("cr3"), paging_state(session.debuggee)):
        if isinstance(found, Truncated):
            yield hexadecimal(found.address), "and what follows is left out: there are too many tables"
            return
        yield (
            hexadecimal(found.first),
            hexadecimal(found.last),
            f"{found.physical:#x}",
            f"{found.last + 1 - found.first:#x}",
            size_text(found.page_size),
            str(found.rights),
        )

"""Catches: stops at events of the processor, and why it stopped."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from machine.catch import Catch
from machine.catch import Kind as What
from machine.catches import Catches
from machine.devices.interruptlines import WINDOWS
from machine.errors import Error
from machine.stop import Access, Caught, Stop
from machine.x86.msrs import BY_NAME
from ringscope.arguments import Kind, Rest, VectorNumber, choice
from ringscope.command import Lines, command
from ringscope.commands.running import describe_stop
from ringscope.debuggee import Devices
from ringscope.processor import linear_pc
from ringscope.render import table
from ringscope.session import CommandError, Session

Range = tuple[int, int]
Rings = tuple[int | None, int | None]

_RINGS = re.compile(r"(any|[0-3])(?:->|-)(any|[0-3])")
_ACCESS = {"read": Access.READ, "write": Access.WRITE, "access": Access.ANY}


def _rings(_session: Session, text: str) -> Rings:
    match = _RINGS.fullmatch(text)
    if match is None:
        raise CommandError(f"{text!r} is no change of ring: 3-0, 0-3, any-0 or the like")
    before, after = (None if word == "any" else int(word) for word in match.groups())
    return before, after


def _range(session: Session, text: str) -> Range:
    first_text, dash, last_text = text.partition("-")
    first = session.evaluate(first_text)
    last = session.evaluate(last_text) if dash else first
    if last < first:
        raise CommandError(f"{text!r} is no range: {last:#x} is below {first:#x}")
    return first, last


def _range_to(most: int, what: str) -> Callable[[Session, str], Range]:
    """Reads a range that ends at ``most``."""

    def read(session: Session, text: str) -> Range:
        first, last = _range(session, text)
        if last > most:
            raise CommandError(f"{text!r} goes to {last:#x}; {what} end at {most:#x}")
        return first, last

    return read


_msr_numbers = _range_to((1 << 32) - 1, "MSRs")


def _msr(session: Session, text: str) -> Range:
    named = BY_NAME.get(text.upper())
    return (named.number, named.number) if named else _msr_numbers(session, text)


def _control_register(session: Session, text: str) -> Range:
    number = session.evaluate(text.removeprefix("$").removeprefix("cr"))
    if number not in (0, 2, 3, 4, 8):
        raise CommandError(f"{text!r} is no control register: there are 0, 2, 3, 4 and 8")
    return number, number


Ports = Annotated[Range, Kind(_range_to(0xFFFF, "ports"))]
PhysicalAddresses = Annotated[Range, Kind(_range_to((1 << 52) - 1, "physical addresses"))]
AccessTo = Annotated[str, choice("read", "write", "access")]


@command("catch ring", needs=Devices)
def catch_ring(session: Session, change: Annotated[Rings, Kind(_rings)] = (None, None)) -> Lines:
    """Stop in the new ring when the privilege level changes, or at one CHANGE alone: 3-0, 0-3, any-0."""
    yield from _insert(session, Catch(What.RING, rings=change))


@command("catch exception", needs=Devices)
def catch_exception(session: Session, vector: VectorNumber | None = None) -> Lines:
    """Stop before an exception is delivered, at the instruction that raises it; VECTOR is a number or a name (pf).

    INT3 and INT n below 32 count too. A debug exception (#DB) is a trap: that stop is at its handler."""
    yield from _insert(session, _vector_catch(What.EXCEPTION, vector))


@command("catch interrupt", needs=Devices)
def catch_interrupt(session: Session, vector: VectorNumber | None = None) -> Lines:
    """Stop at the handler's first instruction when an interrupt came from outside, and before INT n from 32 on."""
    yield from _insert(session, _vector_catch(What.INTERRUPT, vector))


@command("catch cr3", needs=Devices)
def catch_switch(session: Session) -> Lines:
    """Stop before an instruction that gives CR3 another value."""
    yield from _insert(session, Catch(What.CR3))


@command("catch cr", needs=Devices)
def catch_control(session: Session, register: Annotated[Range | None, Kind(_control_register)] = None) -> Lines:
    """Stop before a write to a control REGISTER (cr0, 4), or to any."""
    yield from _insert(session, _ranged(What.CONTROL, register))


@command("catch msr", needs=Devices)
def catch_msr(session: Session, number: Annotated[Range | None, Kind(_msr)] = None) -> Lines:
    """Stop before WRMSR; NUMBER is a name (lstar), a number or FIRST-LAST. SWAPGS and WRFSBASE are not WRMSR."""
    yield from _insert(session, _ranged(What.MSR, number))


@command("catch port", needs=Devices)
def catch_port(session: Session, ports: Ports | None = None, access: AccessTo = "access") -> Lines:
    """Stop before IN, OUT, INS and OUTS; PORTS is a number or FIRST-LAST."""
    yield from _insert(session, _ranged(What.PORT, ports, _ACCESS[access]))


@command("catch mmio", needs=Devices)
def catch_mmio(session: Session, addresses: PhysicalAddresses | None = None, access: AccessTo = "access") -> Lines:
    """Stop behind an access to physical ADDRESSES (FIRST-LAST), device or RAM; else to any device in memory."""
    ranges = [addresses] if addresses else [(first, first + size - 1) for first, size in WINDOWS]
    for each in ranges:
        yield from _insert(session, _ranged(What.MMIO, each, _ACCESS[access]))


@command("catch hlt", needs=Devices)
def catch_halt(session: Session) -> Lines:
    """Stop before HLT in ring 0."""
    yield from _insert(session, Catch(What.HLT))


@command("catch triple-fault", needs=Devices)
def catch_triple_fault(session: Session) -> Lines:
    """Stop before the first fault of a chain that ends in shutdown, with the reason of each failed delivery."""
    yield from _insert(session, Catch(What.TRIPLE_FAULT))


@command("catch list", needs=Devices)
def list_catches(session: Session) -> Lines:
    """List the catches."""
    wanted = _catches(session).wanted()
    if not wanted:
        yield "There are no catches."
        return
    yield from table(">Number Catch", ((str(number), catch.text) for number, catch in wanted.items()))


@command("catch delete", needs=Devices)
def delete_catches(session: Session, numbers: Rest = "") -> Lines:
    """Delete catches by their NUMBERS, or all of them."""
    catches = _catches(session)
    words = numbers.split() or [str(number) for number in catches.wanted()]
    if not words:
        yield "There are no catches."
    for word in dict.fromkeys(words):
        if not word.isdecimal():
            raise CommandError(f"{word!r} is no number of a catch")
        try:
            yield f"Deleted catch {word}: {catches.remove(int(word)).text}"
        except Error as error:
            raise CommandError(str(error)) from None


@command("why", needs=Devices)
def tell_why(session: Session) -> Lines:
    """Tell in a line why the machine last stopped, and where it is."""
    assert isinstance(session.debuggee, Devices), "the registry has checked it"
    yield why(session, session.debuggee.machine.last)


def why(session: Session, stopped: Stop | None) -> str:
    """A stop as one line with its place."""
    if stopped is None:
        return "It has not run yet."
    where = session.address_text(linear_pc(session.debuggee))
    if isinstance(stopped, Caught):
        return f"{describe_stop(session, stopped)}, at {where}"
    return f"{describe_stop(session, stopped) or 'A step'}; it is at {where}"


def _vector_catch(what: What, vector: int | None) -> Catch:
    return Catch(what) if vector is None else Catch(what, vector, vector)


def _ranged(what: What, numbers: Range | None, access: Access = Access.ANY) -> Catch:
    return Catch(what, access=access) if numbers is None else Catch(what, *numbers, access=access)


def _insert(session: Session, catch: Catch) -> Lines:
    try:
        number = _catches(session).insert(catch)
    except Error as error:
        raise CommandError(str(error)) from None
    yield f"Catch {number}: {catch.text}"


def _catches(session: Session) -> Catches:
    assert isinstance(session.debuggee, Devices), "the registry has checked it"
    return session.debuggee.machine.cpu.catches

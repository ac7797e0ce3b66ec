"""Registers: general and system registers, flags by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from machine.x86.mode import ACCESS_RIGHTS, explain
from machine.x86.registers import LAYOUTS, RFLAGS
from ringscope import processor
from ringscope.arguments import Completion, Expression, Kind, Option, RegisterName
from ringscope.command import Lines, command
from ringscope.debuggee import Refused
from ringscope.expressions import full_name
from ringscope.ostables import Rows, os_table
from ringscope.render import bits_of, hexadecimal, table
from ringscope.session import CommandError, Session

GENERAL = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"),
    *(f"r{number}" for number in range(8, 16)),
    *("rip", "eflags", "cs", "ss", "ds", "es", "fs", "gs"),
)

SYSTEM = (
    *("cr0", "cr2", "cr3", "cr4", "cr8", "efer", "gdtr_base", "gdtr_limit", "idtr_base", "idtr_limit"),
    *("ldtr", "ldtr_base", "ldtr_limit", "tr", "tr_base", "tr_limit"),
    *("cs_base", "cs_access", "fs_base", "gs_base", "k_gs_base"),
    *("star", "lstar", "cstar", "fmask", "sysenter_cs", "sysenter_esp", "sysenter_eip"),
    *("dr0", "dr1", "dr2", "dr3", "dr6", "dr7", "cpl", "priv"),
)
_LAYOUTS = LAYOUTS | {"cs_access": ACCESS_RIGHTS}
_CONTROL = ("cr0", "cr2", "cr3", "cr4", "cr8", "efer")
_CONTROL_TITLES = "Register Value Bits"
_GROUPS = {"general": GENERAL, "system": SYSTEM, "all": ()}


def _group_or_register(session: Session, text: str) -> str:
    fitting = [group for group in _GROUPS if group.startswith(text)]
    if text and len(fitting) == 1 and text not in session.debuggee.register_names():
        return fitting[0]
    try:
        return full_name(session.debuggee, text.lstrip("$"))
    except Refused:
        raise CommandError(f"{text!r} is no register of {session.debuggee.name}, nor general, system or all") from None


@command("regs", "r")
def show_registers(
    session: Session,
    which: Annotated[str, Kind(_group_or_register, completion=Completion.REGISTER)] = "general",
) -> Lines:
    """Print registers: the general ones, the `system` ones, `all`, or one by name.

    Flags stand by name, addresses with their symbols."""
    if which not in _GROUPS:
        yield from _one(session, which)
        return
    names = _GROUPS[which] or session.debuggee.register_names()
    found = [(name, value) for name in names if (value := session.find_register(name)) is not None]
    if not found:
        raise CommandError(f"{session.debuggee.name} gives no {which} registers")
    if which == "general":
        yield from _grid(session, found)
    else:
        yield from table(
            "Register Value Meaning",
            ((name, _value(session, name, value), _meaning(session, name, value)) for name, value in found),
        )


@command("set", instead="type `set $REGISTER = VALUE` in gdb, which then knows of the change")
def set_register(session: Session, register: RegisterName, value: Expression) -> Lines:
    """Set a register to the value of an expression."""
    bits = session.debuggee.register_bits(register)
    if value >> bits and value >> bits != (1 << 64 - bits) - 1:  # a negative number of that width is welcome
        raise CommandError(f"{value:#x} does not fit in the {bits} bits of {register}")
    session.debuggee.write_register(register, value & (1 << bits) - 1)
    yield from _one(session, register)


@command("cr")
def control_registers(session: Session, verbose: Option = False) -> Lines:
    """Print the control registers and EFER with their bits by name, and the mode they make.

    -v explains every bit."""
    found = {name: value for name in _CONTROL if (value := session.find_register(name)) is not None}
    if not found:
        raise CommandError(f"{session.debuggee.name} gives no control registers")
    yield from table(_CONTROL_TITLES, _control_rows(session, found))
    for name, value in found.items() if verbose else ():
        layout = _LAYOUTS.get(name)
        if layout is not None:
            yield from bits_of(f"{name} {hexadecimal(value)}", layout, value)
    yield processor.describe(session)
    missing = [name for name in _CONTROL if name not in found]
    if missing:
        yield f"Not given by {session.debuggee.name}: {' '.join(missing)}."


def _control_rows(session: Session, found: dict[str, int]) -> Rows:
    for name, value in found.items():
        yield name, hexadecimal(value), _meaning(session, name, value)


@os_table("cr", "Control registers", _CONTROL_TITLES)
def control_table(session: Session) -> Rows:
    """Control registers and EFER, with their bits by name."""
    return _control_rows(session, {name: session.debuggee.read_register(name) for name in _CONTROL})


@command("mode")
def show_mode(session: Session) -> Lines:
    """Tell the operating mode, ring, kind of paging and CS:IP, and the bits that make them so."""
    yield from table("_ Now Because", explain(processor.read_processor(session)))


def _one(session: Session, name: str) -> Iterator[str]:
    value = session.debuggee.read_register(name)
    yield f"{name}  {_value(session, name, value)}  {value}  {_meaning(session, name, value)}".rstrip()
    layout = _LAYOUTS.get(name)
    if layout is not None:
        yield from bits_of(layout.name, layout, value)


def _grid(session: Session, found: list[tuple[str, int]]) -> Iterator[str]:
    values = dict(found)
    wide = [(name, value) for name, value in found if session.debuggee.register_bits(name) == 64 and name != "rip"]
    for start in range(0, len(wide), 4):
        yield "  ".join(f"{name:<3} {value:016x}" for name, value in wide[start : start + 4])
    if "rip" in values:
        pc = processor.linear_pc(session.debuggee)
        yield f"rip {values['rip']:016x}  {session.symbol(pc)}".rstrip()
    if "eflags" in values:
        yield f"eflags {values['eflags']:#x}  [{RFLAGS.format(values['eflags'])}]"
    yield "  ".join(f"{name} {values[name]:#06x}" for name in GENERAL[-6:] if name in values)
    yield processor.describe(session)


def _value(session: Session, name: str, value: int) -> str:
    return hexadecimal(value, session.debuggee.register_bits(name) // 4 if name in _names(session) else 16)


def _names(session: Session) -> frozenset[str]:
    return frozenset(session.debuggee.register_names())


def _meaning(session: Session, name: str, value: int) -> str:
    layout = _LAYOUTS.get(name)
    if layout is not None:
        return f"[{layout.format(value)}]"
    return session.symbol(value) if value >= 1 << 12 else ""

"""x86 cr and error, and the convenience function $cpl()."""

from __future__ import annotations

from collections.abc import Iterator

import gdb

from machine.x86 import control
from machine.x86.bits import Layout
from machine.x86.errorcodes import explain
from machine.x86.mode import operating_mode
from machine.x86.paging import PagingState, paging_mode
from machine.x86.registers import LAYOUTS
from machine.x86.vectors import BY_MNEMONIC

from . import state
from .columns import hexadecimal, table
from .command import Arguments, Lines, command, evaluate

_REGISTERS = (
    *("cr0", "cr2", "cr3", "cr4", "cr8", "efer", "xcr0", "dr6", "dr7", "eflags"),
    *("star", "lstar", "cstar", "fmask", "sysenter_cs", "sysenter_esp", "sysenter_eip"),
    *("fs_base", "gs_base", "k_gs_base"),
)


@command("x86 cr")
def control_registers(arguments: Arguments) -> Lines:
    """Print the control registers and system-call registers with their flags by name, and the mode.
    Usage: x86 cr [-v]

    -v explains every bit. Registers that the target does not give are named at the end."""
    arguments.check("x86 cr [-v]", options="-v")
    found = {name: state.find_register(name) for name in _REGISTERS}
    layouts = dict(LAYOUTS)
    if (found["cr4"] or 0) & control.CR4.mask("PCIDE"):
        layouts["cr3"] = control.CR3_PCID
    given = [(name, layouts.get(name), value) for name, value in found.items() if value is not None]
    if not given:
        raise state.missing("The target gives no system registers.")
    rows = ((name, hexadecimal(value), _text(name, layout, value)) for name, layout, value in given)
    yield from table("Register Value Flags", rows)
    if "-v" in arguments.options:
        for name, layout, value in given:
            if layout is not None:
                yield from _bits(name, layout, value)
    yield from _mode(found)
    missing = [name for name, value in found.items() if value is None]
    if missing:
        yield f"Not given by the target: {' '.join(missing)}."


@command("x86 error")
def error_code(arguments: Arguments) -> Lines:
    """Explain the error code of an exception.
    Usage: x86 error CODE [EXCEPTION]

    EXCEPTION is a vector or a name such as pf or gp; without it, both readings are printed."""
    arguments.check("x86 error CODE [EXCEPTION]", least=1, most=2)
    vector = _vector(arguments.words[1]) if len(arguments.words) > 1 else None
    try:
        yield from explain(arguments.number(0), vector)
    except ValueError as error:
        raise gdb.GdbError(f"{error}.") from None


class CurrentPrivilegeLevel(gdb.Function):
    """$cpl(): the ring that the selected processor runs in.

    Where the target has a register of that name, gdb takes `$cpl` for the register: use it without parentheses."""

    def __init__(self) -> None:
        super().__init__("cpl")

    def invoke(self) -> int:
        return state.current_privilege_level()


def _text(name: str, layout: Layout | None, value: int) -> str:
    if layout is None:
        return state.symbol(value)
    return f"{_top_table(value)} {layout.format(value, skip=('frame',))}" if name == "cr3" else layout.format(value)


def _top_table(cr3: int) -> str:
    """Where CR3 points in the paging mode in force; nothing while paging is off or the mode is unknown."""
    try:
        mode = paging_mode(state.paging_state())
    except gdb.GdbError:
        return ""
    return f"top table at {cr3 & mode.cr3_mask:#x}" if mode.levels else ""


def _bits(name: str, layout: Layout, value: int) -> Iterator[str]:
    yield f"{name} {hexadecimal(value)}"
    rows = (("", row.name, row.bits, row.text, row.meaning) for row in layout.rows(value))
    yield from table("_ Field >Bits >Value Meaning", rows)


def _mode(found: dict[str, int | None]) -> Iterator[str]:
    if None in (found["cr0"], found["cr4"], found["efer"]):
        return
    paging = paging_mode(PagingState(found["cr0"], found["cr4"], found["efer"])).name
    mode = operating_mode(found["cr0"], found["efer"], state.flags(), state.code_segment().width).name
    yield f"{mode} mode, {paging}, ring {state.current_privilege_level()}"


def _vector(word: str) -> int:
    mnemonic = BY_MNEMONIC.get(f"#{word.lstrip('#').upper()}")
    if mnemonic is not None:
        return mnemonic.number
    vector = evaluate(word)
    if vector > 255:
        raise gdb.GdbError(f"{vector:#x} is no vector: there are 256.")
    return vector

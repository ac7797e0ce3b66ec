"""The processor's state, read from whatever the target gives.

System registers are looked up by name; a table's base and limit that are no registers come from the text of
`monitor info registers`, which QEMU's stub prints. What is in neither is missing, and said so.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import gdb

from machine.x86.control import CR0, EFER
from machine.x86.descriptors import SegmentDescriptor
from machine.x86.descriptortables import find_descriptor
from machine.x86.mode import CodeSegment, cached_segment, likely_segment
from machine.x86.paging import PagingState
from machine.x86.registers import RFLAGS

from .memory import LinearMemory

_SELECTORS = frozenset(("cs", "ss", "ds", "es", "fs", "gs", "ldtr", "tr"))
_CPU = re.compile(r"^CPU#(\d+)\s*$", re.MULTILINE)
_TABLE_LINE = re.compile(r"^(?:GDT|IDT)=\s+([0-9a-f]+) ([0-9a-f]+)", re.MULTILINE)
_SEGMENT_LINE = re.compile(r"^(?:LDT|TR )=([0-9a-f]{4}) ([0-9a-f]+) ([0-9a-f]+)", re.MULTILINE)


class Table(NamedTuple):
    """A descriptor table or system segment: linear base and limit in bytes."""

    base: int
    limit: int


def find_register(name: str) -> int | None:
    """A register of the selected thread as an unsigned number, or None if the target does not give it."""
    if gdb.selected_thread() is None:
        return None
    try:
        value = gdb.newest_frame().read_register(name)
        width = 16 if name in _SELECTORS else 8 * value.type.sizeof
        return int(value) & (1 << width) - 1
    except ValueError:
        return None
    except gdb.error as error:
        if "unavailable" in str(error) or "not saved" in str(error):
            return None
        raise gdb.GdbError(f"{name}: {error}") from None


def register(name: str) -> int:
    """A register that the command cannot do without; GdbError if the target does not give it."""
    value = find_register(name)
    if value is None:
        raise missing(f"The target does not give the register {name}.")
    return value


def missing(sentence: str) -> gdb.GdbError:
    """The error for what the target does not give, or for having no target at all."""
    if gdb.selected_thread() is None:
        return gdb.GdbError("There is no target: connect to one first, as in `target remote :1234`.")
    return gdb.GdbError(sentence)


def flags() -> int:
    """RFLAGS, whatever gdb calls it."""
    value = find_register("eflags")
    return register("rflags") if value is None else value


def descriptor_table(name: str) -> Table:
    """The GDT or IDT (`name` in lower case); GdbError saying what is missing and what to type instead."""
    base, limit = find_register(f"{name}r_base"), find_register(f"{name}r_limit")
    if base is not None and limit is not None:
        return Table(base, limit)
    for line in _TABLE_LINE.finditer(_monitor_registers()):
        if line[0].startswith(name.upper()):
            return Table(int(line[1], 16), int(line[2], 16))
    raise missing(
        f"The target does not give {name}r_base and {name}r_limit: pass them, as in `x86 {name} BASE [LIMIT]`."
    )


def system_segment(name: str) -> tuple[int, Table]:
    """Selector, base and limit of `tr` or `ldtr`; GdbError as in `descriptor_table`."""
    selector, base, limit = (find_register(part) for part in (name, f"{name}_base", f"{name}_limit"))
    if selector is not None and base is not None and limit is not None:
        return selector, Table(base, limit)
    for line in _SEGMENT_LINE.finditer(_monitor_registers()):
        if line[0].startswith(name[:2].upper()):
            return int(line[1], 16), Table(int(line[2], 16), int(line[3], 16))
    what = "tss" if name == "tr" else "ldt"
    raise missing(f"The target does not give {name}_base and {name}_limit: pass them, as in `x86 {what} BASE [LIMIT]`.")


def find_table(name: str) -> Table | None:
    """`gdt` or `ldtr` if the target gives it."""
    try:
        return system_segment(name)[1] if name == "ldtr" else descriptor_table(name)
    except gdb.GdbError:
        return None


def loaded_selectors() -> dict[str, int]:
    """The segment registers, LDTR and TR by name, as far as the target gives them."""
    found = {name: find_register(name) for name in ("cs", "ss", "ds", "es", "fs", "gs")}
    for name in ("tr", "ldtr"):
        try:
            found[name] = system_segment(name)[0]
        except gdb.GdbError:
            continue
    return {name: value for name, value in found.items() if value is not None}


def long_mode() -> bool:
    """EFER.LMA, and so 16-byte gates and system descriptors; without EFER, 64-bit registers or no target."""
    efer = find_register("efer")
    if efer is not None:
        return bool(efer & EFER.mask("LMA"))
    return gdb.selected_thread() is None or find_register("r15") is not None


def real_mode() -> bool:
    """CR0.PE is clear; without CR0 or a target, no."""
    cr0 = find_register("cr0")
    return cr0 is not None and not cr0 & CR0.mask("PE")


def code_segment() -> CodeSegment:
    """CS as the processor has it cached, where the target tells; else by what CS names in memory."""
    cr0, efer, selector = register("cr0"), find_register("efer") or 0, register("cs")
    base, access = find_register("cs_base"), find_register("cs_access")
    if base is not None and access is not None:
        return cached_segment(base, access, efer)
    return likely_segment(cr0, efer, flags(), selector, _code_descriptor)


def _code_descriptor(selector: int) -> SegmentDescriptor | None:
    where = find_table("ldtr" if selector & 4 else "gdt")
    if where is None:
        return None
    entry = find_descriptor(LinearMemory().read, selector, where.base, where.limit, long_mode=long_mode())
    found = entry.descriptor if entry is not None else None
    return found if isinstance(found, SegmentDescriptor) and found.s else None


def paging_state() -> PagingState:
    """CR0, CR4 and EFER; GdbError if the target lacks one."""
    return PagingState(register("cr0"), register("cr4"), register("efer"))


def current_privilege_level() -> int:
    """The ring: the stub's own register, else 0 in real mode, 3 in virtual-8086 mode, CS's RPL otherwise."""
    for name in ("priv", "cpl"):
        level = find_register(name)
        if level is not None:
            return level
    if real_mode():
        return 0
    return 3 if flags() & RFLAGS.mask("VM") else register("cs") & 3


def symbol(address: int) -> str:
    """`<name+offset>` as gdb prints it, or nothing."""
    _, _, name = gdb.format_address(address).partition(" ")
    return name


def _monitor_registers() -> str:
    """What QEMU prints for the selected thread, which is the processor of that number less one."""
    thread = gdb.selected_thread()
    try:
        text = gdb.execute("monitor info registers -a", to_string=True)
    except gdb.error:
        return ""  # no monitor command of that name: the register is missing
    _, *parts = _CPU.split(text)
    blocks = dict(zip(parts[::2], parts[1::2], strict=True))
    return blocks.get(str(thread.ptid[1] - 1), "") if thread is not None else ""

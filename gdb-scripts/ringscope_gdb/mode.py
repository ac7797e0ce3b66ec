"""x86 mode, disassemble and break: code at CS:IP in the mode it runs in.

gdb takes $pc for a linear address and disassembles by its architecture alone; outside 64-bit mode neither need be so.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import gdb

from machine.x86.mode import Processor, explain, linear_address, operating_mode

from . import state
from .columns import paint, table
from .command import Arguments, Lines, command, evaluate

_ARCHITECTURES = {16: "i8086", 32: "i386", 64: "i386:x86-64"}
_MOST = 1 << 16


@command("x86 mode")
def show_mode(arguments: Arguments) -> Lines:
    """Tell the operating mode, ring, kind of paging and CS:IP, and the bits that make them so.
    Usage: x86 mode"""
    arguments.check("x86 mode")
    yield from table("_ Now Because", explain(_processor()))


@command("x86 disassemble")
def disassemble(arguments: Arguments) -> Lines:
    """Disassemble at CS:IP, or at a linear address, in the mode that the processor is in.
    Usage: x86 disassemble [COUNT [ADDRESS]]

    COUNT is 8 if not given. gdb's own x/i and disassemble decode as 64-bit code, at $pc without CS's base."""
    arguments.check("x86 disassemble [COUNT [ADDRESS]]", most=2)
    count = arguments.number(0, 8)
    if not 1 <= count <= _MOST:
        raise gdb.GdbError(f"{count} is not a count from 1 to {_MOST}.")
    yield from instructions(arguments.number(1, linear_pc()), count)


def linear_pc() -> int:
    """Linear address of the next instruction."""
    return linear_address(state.code_segment(), state.register("rip"))


def instructions(address: int, count: int) -> Iterator[str]:
    """Instructions from a linear address on, as gdb prints them; an arrow marks the next one."""
    following = linear_pc()
    architecture = _architecture(state.code_segment().width)
    for _ in range(count):
        try:
            (found,) = architecture.disassemble(address)
        except gdb.MemoryError as error:
            raise gdb.GdbError(f"{address:#x}: {error}") from None
        mark = "=> " if address == following else "   "
        yield paint(mark, "mark") + f"{address:#x} {state.symbol(address)}".rstrip() + f":\t{found['asm']}"
        address += found["length"]


@cache
def _architecture(width: int) -> gdb.Architecture:
    """gdb's architecture for code of a width: made in an inferior of its own, as the target's must not change."""
    mine = gdb.selected_inferior()
    thread, frame = gdb.selected_thread(), gdb.selected_frame()
    chosen, silent = gdb.parameter("architecture"), gdb.parameter("suppress-cli-notifications")
    gdb.execute("set suppress-cli-notifications on")
    gdb.execute("add-inferior -no-connection", to_string=True)
    other = max(gdb.inferiors(), key=lambda inferior: inferior.num)
    try:
        gdb.execute(f"inferior {other.num}", to_string=True)
        gdb.execute(f"set architecture {_ARCHITECTURES[width]}", to_string=True)
        return other.architecture()
    finally:
        gdb.execute(f"inferior {mine.num}", to_string=True)
        gdb.execute(f"remove-inferiors {other.num}", to_string=True)
        if gdb.parameter("architecture") != chosen:
            gdb.execute(f"set architecture {chosen}", to_string=True)
        thread.switch()
        frame.select()
        gdb.execute(f"set suppress-cli-notifications {'on' if silent else 'off'}")


def _processor() -> Processor:
    names = ("cr0", "cr4", "efer")
    cr0, cr4, efer = map(state.register, names)
    cs, rip = state.register("cs"), state.register("rip")
    return Processor(cr0, cr4, efer, state.flags(), cs, rip, state.current_privilege_level(), state.code_segment())


# Breakpoints at SEG:OFF


class RealModeBreakpoint(gdb.Breakpoint):
    """Stops at SEG:OFF.

    gdb looks for its breakpoint at $pc, which is the offset alone, while the machine stops at the linear address. So
    there are two: this one at the offset, for gdb to find, and a hidden one at the linear address.
    """

    def __init__(self, segment: int, offset: int) -> None:
        self.linear = (segment << 4) + offset
        self._twin = _Twin(self.linear) if self.linear != offset else None
        super().__init__(f"*{offset:#x}", gdb.BP_HARDWARE_BREAKPOINT)
        gdb.events.breakpoint_deleted.connect(self._deleted)

    def stop(self) -> bool:
        """Only at the linear address: at the offset itself there may be other code."""
        return linear_pc() == self.linear

    def _deleted(self, gone: gdb.Breakpoint) -> None:
        if gone is self:
            gdb.events.breakpoint_deleted.disconnect(self._deleted)
            if self._twin is not None and self._twin.is_valid():
                self._twin.delete()


class _Twin(gdb.Breakpoint):
    """Makes the machine stop at the linear address; gdb never finds it but where CS.base is 0."""

    def __init__(self, linear: int) -> None:
        super().__init__(f"*{linear:#x}", gdb.BP_HARDWARE_BREAKPOINT, internal=True)
        self.silent = True

    def stop(self) -> bool:
        return False


@command("x86 break")
def break_at(arguments: Arguments) -> Lines:
    """Set a breakpoint at a real-mode address.
    Usage: x86 break SEGMENT:OFFSET

    Both are expressions: x86 break 0x9020:0x83, x86 break $cs:0x83. It is hit in real and virtual-8086 mode, where CS's
    base is 16 times the selector. `info breakpoints` shows it at its offset; `delete` removes it."""
    arguments.check("x86 break SEGMENT:OFFSET", least=1, most=1)
    segment_text, colon, offset_text = arguments.words[0].rpartition(":")
    if not colon or not segment_text or not offset_text:
        raise gdb.GdbError(f"{arguments.words[0]} is no SEGMENT:OFFSET.")
    segment, offset = evaluate(segment_text), evaluate(offset_text)
    for name, value in (("segment", segment), ("offset", offset)):
        if value > 0xFFFF:
            raise gdb.GdbError(f"The {name} {value:#x} has more than 16 bits.")
    point = RealModeBreakpoint(segment, offset)
    yield f"It is at {segment:04x}:{offset:04x}, linear {point.linear:#x}."


# Stops


def tell_stop(event: gdb.StopEvent) -> None:
    """Print CS:IP and the next instruction where gdb's own line has only the offset: where CS has a base."""
    cr0 = state.find_register("cr0")
    if cr0 is None or state.find_register("rip") is None:
        return
    code = state.code_segment()
    if code.width == 64 or (code.width == 32 and not code.base):
        return
    mode = operating_mode(cr0, state.find_register("efer") or 0, state.flags(), code.width)
    address = linear_address(code, state.register("rip"))
    gdb.write(f"{mode.name} mode, {state.register('cs'):04x}:{state.register('rip'):04x}\n")
    try:
        for line in instructions(address, 1):
            gdb.write(line + "\n")
    except gdb.GdbError as error:
        gdb.write(f"=> {error}\n")

"""Stacks of 16- and 32-bit handlers: a segment with a limit, and words pushed into it one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from machine.delivery.event import RSP, SS_FAULT, GuestFault
from machine.delivery.segments import DESC_B
from machine.delivery.supervisor import write_supervisor, write_user
from machine.engine.state import HF_CPL, SS

if TYPE_CHECKING:
    from machine.cpu import Cpu

_EXPAND_DOWN, _CODE = 1 << 10, 1 << 11
_MASK_16, _MASK_32 = 0xFFFF, 0xFFFFFFFF


class Stack(NamedTuple):
    """A stack segment's hidden part, its selector, and the stack pointer, all before a frame is pushed."""

    selector: int
    base: int
    limit: int
    flags: int
    pointer: int

    @property
    def mask(self) -> int:
        """The bits of the stack pointer that count: B of the segment decides."""
        return _MASK_32 if self.flags & DESC_B else _MASK_16

    def holds(self, offset: int, length: int) -> bool:
        """Whether ``length`` bytes at ``offset`` are within the segment's limit (SDM 3A 5.3)."""
        last = offset + length - 1
        if self.flags & (_EXPAND_DOWN | _CODE) == _EXPAND_DOWN:
            return self.limit < offset and last <= self.mask
        return last <= self.limit


def current_stack(cpu: Cpu) -> Stack:
    """The stack in SS:ESP of the loaded state view."""
    segment = cpu.state.front.segs[SS]
    pointer = cpu.state.front.regs[RSP] & _MASK_32
    return Stack(segment.selector, segment.base, segment.limit, segment.flags, pointer)


def push(cpu: Cpu, stack: Stack, words: Iterable[int], size: int, ring: int, error_code: int | None) -> int:
    """Push words of ``size`` bytes, first to last, as code of ``ring``; returns the stack pointer below them.

    Raises `GuestFault` #SS(``error_code``) before anything is written if the segment has no room.
    """
    pointer, stores = stack.pointer, []
    for word in words:
        offset = (pointer - size) & stack.mask
        if not stack.holds(offset, size):
            reason = f"a frame does not fit the stack {stack.selector:#x}:{stack.pointer:#x}, limit {stack.limit:#x}"
            raise GuestFault(SS_FAULT, error_code, reason)
        stores.append(((stack.base + offset) & _MASK_32, word & (1 << 8 * size) - 1))
        pointer = pointer & ~stack.mask | offset
    write = write_user if ring == HF_CPL else write_supervisor
    for address, word in stores:
        write(cpu, address, word.to_bytes(size, "little"))
    return pointer

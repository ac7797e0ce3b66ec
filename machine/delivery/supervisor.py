"""Memory as delivery reaches it: implicit accesses to descriptor tables, TSS and frames (SDM 3A 4.6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.delivery.event import GP, PF, GuestFault
from machine.errors import MemoryFault
from machine.walk import (
    ACCESSED,
    CR0_WP,
    CR4_SMAP,
    DIRTY,
    USER,
    WRITABLE,
    NotMapped,
    Paging,
    Translation,
    translate,
)

if TYPE_CHECKING:
    from machine.cpu import Cpu


def read_supervisor(cpu: Cpu, address: int, length: int) -> bytes:
    """An implicit supervisor read (descriptor tables, TSS) at a linear address; sets A bits as hardware does."""
    ram = cpu.memory.ram
    return b"".join(bytes(ram[at : at + count]) for at, count in _runs(cpu, address, length, write=False))


def write_supervisor(cpu: Cpu, address: int, data: bytes) -> None:
    """An implicit supervisor write (a frame) at a linear address; sets A and D bits as hardware does."""
    _write(cpu, address, data, user=False)


def write_user(cpu: Cpu, address: int, data: bytes) -> None:
    """A write of delivery that stays in ring 3: the frame of a handler in ring 3 itself."""
    _write(cpu, address, data, user=True)


def _write(cpu: Cpu, address: int, data: bytes, *, user: bool) -> None:
    ram, done = cpu.memory.ram, 0
    for at, count in _runs(cpu, address, len(data), write=True, user=user):
        if at + count <= cpu.memory.size:
            ram[at : at + count] = data[done : done + count]
        done += count


def _runs(cpu: Cpu, address: int, length: int, *, write: bool, user: bool = False) -> list[tuple[int, int]]:
    # All pages first, so that a fault leaves nothing half written.
    paging = cpu.paging()
    runs = []
    while length:
        count = min(length, 4096 - (address & 4095))
        runs.append((_physical(cpu, paging, address, write, user), count))
        address, length = (address + count) & 0xFFFFFFFFFFFFFFFF, length - count
    return runs


def _physical(cpu: Cpu, paging: Paging, address: int, write: bool, user: bool) -> int:
    code = (2 if write else 0) | (4 if user else 0)
    try:
        found = translate(cpu.memory, paging, address)
    except NotMapped as fault:
        if fault.reserved:
            code |= 9
        raise GuestFault(PF, code, f"page fault at {address:#x}: {fault.reason}", cr2=address) from None
    except MemoryFault as fault:
        raise GuestFault(GP, 0, f"{address:#x}: {fault.reason}") from None
    refusal = _refusal(paging, found, write, user)
    if refusal:
        raise GuestFault(PF, code | 1, f"page fault at {address:#x}: {refusal}", cr2=address)
    for at in found.entries:
        wanted = ACCESSED | (DIRTY if write and at == found.entries[-1] else 0)
        if at < cpu.memory.size and cpu.memory.ram[at] & wanted != wanted:
            cpu.memory.ram[at] |= wanted
    return found.physical


def _refusal(paging: Paging, found: Translation, write: bool, user: bool) -> str:
    """Why a mapped page does not take the access; empty if it does (SDM 3A 4.6.1)."""
    if not found.entries:  # paging is off
        return ""
    if user and not found.rights & USER:
        return "a supervisor page, and the handler runs in ring 3"
    if write and not found.rights & WRITABLE and (user or paging.cr0 & CR0_WP):
        return "the page is read-only"
    if not user and found.rights & USER and paging.cr4 & CR4_SMAP:
        return "a user page, and SMAP is on"
    return ""

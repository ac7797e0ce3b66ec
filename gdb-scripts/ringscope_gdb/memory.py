"""Linear memory that degrades instead of failing, and physical memory by the ways a target may offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import gdb

from machine.x86.paging import PagingState, Translation, paging_mode, translate

_PAGE = 0x1000
_PAGE_OFFSET = 0xFFFF_8880_0000_0000  # Linux: Documentation/arch/x86/x86_64/mm.rst, without KASLR
_PACKET = "qemu.PhyMemMode"

Read = Callable[[int, int], bytes]


class LinearMemory:
    """Reads linear memory page by page and remembers the pages; what is unreadable comes back short."""

    def __init__(self) -> None:
        self._pages: dict[int, bytes] = {}

    def read(self, address: int, length: int) -> bytes:
        """The bytes at `address`, fewer than `length` from the first unreadable page on."""
        data = b""
        while len(data) < length:
            at = address + len(data)
            offset = at % _PAGE
            page = self._page(at - offset)
            if not page:
                break
            data += page[offset : offset + length - len(data)]
        return data

    def _page(self, address: int) -> bytes:
        if address not in self._pages:
            self._pages[address] = read_or_empty(address, _PAGE)
        return self._pages[address]


def read_or_empty(address: int, length: int) -> bytes:
    """Memory as gdb reads it, or nothing if any of it is unreadable."""
    try:
        return bytes(gdb.selected_inferior().read_memory(address, length))
    except (gdb.MemoryError, OverflowError):
        return b""


@contextmanager
def physical_memory(cr3: int, state: PagingState) -> Iterator[Read]:
    """A reader of physical memory by the first way that the target offers; GdbError naming all if none does."""
    for way in WAYS:
        with way(cr3, state) as read:
            if read is not None:
                yield read
                return
    raise gdb.GdbError(
        "Physical memory cannot be read: the target has neither the packet Qqemu.PhyMemMode "
        "nor a direct map of it at page_offset_base."
    )


@contextmanager
def by_packet(cr3: int, state: PagingState) -> Iterator[Read | None]:
    """QEMU's packet that makes memory packets physical; the mode found is put back."""
    before = _packet(f"q{_PACKET}")
    if _packet(f"Q{_PACKET}:1") != "OK":
        yield None
        return
    try:
        yield read_or_empty
    finally:
        _packet(f"Q{_PACKET}:{before if before in ('0', '1') else '0'}")


@contextmanager
def by_direct_map(cr3: int, state: PagingState) -> Iterator[Read | None]:
    """Linux's map of all physical memory, believed only if it translates the top page table to itself."""
    base = _page_offset_base()

    def read(address: int, length: int) -> bytes:
        return read_or_empty(base + address, length)

    top = cr3 & paging_mode(state).cr3_mask
    found = translate(read, cr3, base + top, state)
    yield read if isinstance(found, Translation) and found.physical == top else None


WAYS: tuple[Callable[[int, PagingState], AbstractContextManager[Read | None]], ...] = (
    by_packet,
    by_direct_map,
)


def _packet(text: str) -> str | None:
    """The target's reply to a packet; None if it is no remote target."""
    try:
        output = gdb.execute(f"maint packet {text}", to_string=True)
    except gdb.error:
        return None
    _, _, reply = output.partition('received: "')
    return reply.rpartition('"')[0]


def _page_offset_base() -> int:
    """The variable that Linux keeps for KASLR and five levels, else the fixed base."""
    try:
        address = int(gdb.parse_and_eval("(unsigned long)&page_offset_base"))
    except gdb.error:
        return _PAGE_OFFSET
    data = read_or_empty(address, 8)
    return int.from_bytes(data, "little") if data else _PAGE_OFFSET

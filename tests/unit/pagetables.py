"""Page tables in a sparse memory, and states of the processor that walks them."""

from machine.x86 import entries
from machine.x86.paging import PagingState, paging_mode, translate

PG_PE_WP = 0x80010001
PAE, PSE, LA57, SMEP, SMAP, PKE, PKS = (1 << n for n in (5, 4, 12, 20, 21, 22, 24))
LME_LMA, NXE = 0x500, 0x800
FOUR = PagingState(PG_PE_WP, PAE, LME_LMA | NXE)
FIVE = FOUR._replace(cr4=PAE | LA57)
PAE_MODE = PagingState(PG_PE_WP, PAE, NXE)
LEGACY = PagingState(PG_PE_WP, PSE, 0)
MODES = {"4-level": FOUR, "5-level": FIVE, "PAE": PAE_MODE, "32-bit": LEGACY}
XD = 1 << 63


class Tables:
    """Sparse physical memory holding page tables; a read outside what was written is zero below 1 GiB."""

    def __init__(self):
        self.bytes = {}
        self.next = 0x1000

    def read(self, address, length):
        if address >= 1 << 30:
            return b""
        return bytes(self.bytes.get(address + n, 0) for n in range(length))

    def put(self, address, value, size):
        for n, byte in enumerate(value.to_bytes(size, "little")):
            self.bytes[address + n] = byte

    def map(self, state, address, leaf, *, depth, rights=None):
        """Enter `leaf` for `address` at level `depth`; `rights` are the low bits above it. Gives CR3."""
        mode = paging_mode(state)
        table = cr3 = self.allocate()
        for number, level in enumerate(mode.levels[: depth + 1]):
            index = address >> level.shift & level.index_mask
            if number == depth:
                self.put(table + index * mode.entry_size, leaf, mode.entry_size)
            else:
                child = self.allocate()
                low = rights[number] if rights else 7
                if level.table is entries.PAE_PDPTE:
                    low &= 1
                self.put(table + index * mode.entry_size, child | low, mode.entry_size)
                table = child
        return cr3

    def allocate(self):
        self.next += 0x1000
        return self.next


def mapped(state, address, leaf, *, depth=None, rights=None):
    tables = Tables()
    depth = len(paging_mode(state).levels) - 1 if depth is None else depth
    cr3 = tables.map(state, address, leaf, depth=depth, rights=rights)
    return translate(tables.read, cr3, address, state)

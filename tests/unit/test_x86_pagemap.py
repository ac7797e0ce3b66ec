"""What a set of page tables maps, against the walk of single addresses, in every paging mode."""

from hypothesis import given
from hypothesis import strategies as st

from machine.x86.pagemap import MOST_TABLES, Truncated, mappings
from machine.x86.paging import PagingState, Translation, translate

LONG = PagingState(cr0=0x8001_0001, cr4=0x20, efer=0xD00)
FIVE = LONG._replace(cr4=0x1020)
PAE = PagingState(cr0=0x8001_0001, cr4=0x20, efer=0)
LEGACY = PagingState(cr0=0x8001_0001, cr4=0x10, efer=0)
OFF = PagingState(cr0=1, cr4=0, efer=0)
MODES = {"4 levels": LONG, "5 levels": FIVE, "PAE": PAE, "32-bit": LEGACY}
TABLES = 8
SIZE = TABLES * 0x1000


def reader(memory):
    return lambda address, length: memory[address : address + length] if address < len(memory) else b""


def flags():
    return st.sampled_from((0, 1, 3, 7, 0x87, 0x83, 7 | 1 << 63, 1 << 62 | 1))


@st.composite
def tables(draw, size):
    """Eight pages of sparse entries that point to each other, to pages, and to nothing."""
    memory = bytearray(SIZE)
    for _ in range(draw(st.integers(1, 24))):
        at = draw(st.integers(0, TABLES - 1)) * 0x1000 + draw(st.sampled_from((0, 1, 2, 3, 255, 256, 511))) * size
        entry = draw(st.integers(0, TABLES)) << 12 | draw(flags())
        memory[at : at + size] = (entry & (1 << 8 * size) - 1).to_bytes(size, "little")
    return bytes(memory)


def check(memory, state):
    last, read = -1, reader(memory)
    for found in mappings(read, 0, state):
        if isinstance(found, Truncated):
            return
        assert found.first > last
        for address in (found.first, found.last, found.last - found.page_size + 1):
            outcome = translate(read, 0, address, state)
            assert isinstance(outcome, Translation), (hex(address), outcome)
            assert outcome.physical == found.physical + address - found.first
            assert outcome.rights == str(found.rights)
            assert outcome.page_size == found.page_size
        last = found.last


@given(st.sampled_from((LONG, FIVE, PAE)), tables(8))
def test_what_is_listed_is_mapped(state, memory):
    check(memory, state)


@given(tables(4))
def test_what_is_listed_is_mapped_in_32_bit_paging(memory):
    check(memory, LEGACY)


@given(tables(8), st.integers(0, 1 << 48))
def test_what_is_mapped_is_listed(memory, address):
    address = address | 0xFFFF << 48 if address >> 47 else address
    found = list(mappings(reader(memory), 0, LONG))
    if isinstance(found[-1] if found else None, Truncated):
        return
    listed = any(each.first <= address <= each.last for each in found)
    assert listed == isinstance(translate(reader(memory), 0, address, LONG), Translation)


def test_neighbours_are_joined():
    memory = bytearray(SIZE)
    for table, entry in ((0, 0x1007), (1, 0x2007), (2, 0x3007)):
        memory[table * 0x1000 : table * 0x1000 + 8] = entry.to_bytes(8, "little")
    for index in range(5):
        entry = 0x8000 + index * 0x1000 | (7 if index < 3 else 5)
        memory[0x3000 + 8 * index : 0x3008 + 8 * index] = entry.to_bytes(8, "little")
    found = list(mappings(reader(bytes(memory)), 0, LONG))
    assert [(each.first, each.last, each.physical, str(each.rights)) for each in found] == [
        (0, 0x2FFF, 0x8000, "rwx user"),
        (0x3000, 0x4FFF, 0xB000, "r-x user"),
    ]


def test_without_paging_all_is_itself():
    (found,) = mappings(reader(b""), 0, OFF)
    assert (found.first, found.last, found.physical) == (0, 0xFFFF_FFFF, 0)


def test_tables_that_point_to_themselves_have_an_end():
    memory = b"".join((0 | 7).to_bytes(8, "little") for _ in range(512))
    reads = []

    def read(address, length):
        reads.append(address)
        return memory[address : address + length]

    *_, last = mappings(read, 0, LONG)
    assert isinstance(last, Truncated) and len(reads) <= MOST_TABLES

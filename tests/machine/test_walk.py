"""The short walk against the explained one, and against what the engine itself does."""

import random

import pytest

from machine.errors import MemoryFault
from machine.memory import PHYSICAL_BITS, Memory
from machine.walk import USER, WRITABLE, NotMapped, Paging, translate
from machine.x86 import paging as rules
from tests.machine.bare import KERNEL, USER_DATA, Bare, P, U, W

PG, PSE, PAE, LA57, LMA, NXE = 1 << 31, 1 << 4, 1 << 5, 1 << 12, 1 << 10, 1 << 11
SIZE = 1 << 20
MODES = {
    "off": (0, 0, 0),
    "32-bit": (PG, 0, 0),
    "32-bit PSE": (PG, PSE, 0),
    "PAE": (PG, PAE, 0),
    "PAE NXE": (PG, PAE, NXE),
    "4-level": (PG, PAE, LMA),
    "4-level NXE": (PG, PAE, LMA | NXE),
    "5-level": (PG, PAE | LA57, LMA | NXE),
}


def random_tables(choice, entry_size):
    """RAM full of entries, most of which lead somewhere."""
    memory = Memory(SIZE)
    entries = bytearray()
    while len(entries) < SIZE:
        entry = choice.randrange(SIZE) & ~0xFFF | choice.choice((1, 7, 3, 0x67, 0x87, 0x81))
        if choice.random() < 0.1:
            entry |= 1 << choice.randrange(entry_size * 8)
        if choice.random() < 0.05:
            entry &= ~1
        entries += entry.to_bytes(entry_size, "little")
    memory.write(0, bytes(entries[:SIZE]))
    if entry_size == 8:  # PAE's four top entries have no rights bits
        for index in range(4):
            memory.write(0x1000 + 8 * index, (choice.randrange(SIZE) & ~0xFFF | 1).to_bytes(8, "little"))
    return memory


@pytest.mark.parametrize("mode", MODES)
def test_both_walks_agree(mode):
    cr0, cr4, efer = MODES[mode]
    choice = random.Random(mode)
    memory = random_tables(choice, 8 if cr4 & PAE else 4)
    paging = Paging(cr0, 0x1000, cr4, efer)
    kinds = set()
    for _ in range(3000):
        address = choice.randrange(1 << choice.choice((32, 47, 57, 64)))
        expected = rules.translate(lambda at, n: bytes(memory.ram[at : at + n]), 0x1000, address, paging.state)
        kinds.add(type(expected).__name__)
        try:
            found = translate(memory, paging, address)
        except NotMapped as fault:
            assert isinstance(expected, rules.NotPresent | rules.ReservedBit | rules.Unreadable)
            assert fault.reserved == (not isinstance(expected, rules.NotPresent))
        except MemoryFault:
            assert isinstance(expected, rules.NonCanonical)
        else:
            assert found.physical == expected.physical
            assert found.page_size == expected.page_size
            assert bool(found.rights & WRITABLE) == expected.writable
            assert bool(found.rights & USER) == expected.user
            assert list(found.entries) == [level.entry_address for level in expected.levels]
    assert "Translation" in kinds


@pytest.mark.parametrize(
    ("flags", "vector", "code"),
    [
        (0, 14, 0),
        (P | W, None, None),
        (P, 14, 3),
        (P | W | 1 << PHYSICAL_BITS, 14, 0xB),
        (P | W | 1 << 51, 14, 0xB),
        (P | W | 1 << 52, None, None),
        (P | W | U, None, None),
    ],
)
def test_the_engine_faults_where_the_rules_say(flags, vector, code):
    """A ring-0 store with CR0.WP, by the engine and by the tables."""
    guest = Bare().kernel(f"movq $1, {USER_DATA:#x}; hlt")
    guest.cpu.write_register("cr0", guest.reg("cr0") | 1 << 16)
    guest.map(USER_DATA, flags)
    guest.gate(14, KERNEL + 0x800)
    guest.cpu.breakpoints.insert(KERNEL + 0x800)
    guest.machine.run(1000)
    if vector is None:
        assert guest.cpu.halted
    else:
        assert guest.stack(1) == [code | (0 if code else 2)]


def test_a_debugger_read_sets_no_bit_and_leaves_cr2():
    guest = Bare().kernel("1: jmp 1b")
    before = bytes(guest.machine.memory.ram)
    guest.machine.read_linear(USER_DATA, 8192)
    with pytest.raises(MemoryFault, match="0x800000: not mapped: PMD entry 0x0 is not present"):
        guest.machine.read_linear(0x800000 - 4, 8)
    assert bytes(guest.machine.memory.ram) == before
    assert guest.reg("cr2") == 0


def test_memory_of_another_address_space():
    guest = Bare()
    guest.machine.memory.write(0xC00000, guest.machine.memory.read(0x1000, 0x7000))
    for offset, target in ((0, 0xC01000), (0x1000, 0xC02000), (0x2000, 0xC03000)):
        guest.poke(0xC00000 + offset, target | P | W | U)
    guest.poke(0xC03000 + (USER_DATA >> 12) * 8 % 4096, USER_DATA + 0x1000 | P)
    guest.poke(0xC02000 + (USER_DATA >> 21) * 8, 0xC03000 | P | W | U)
    guest.machine.memory.write(USER_DATA + 0x1000, b"elsewhere")
    assert guest.machine.read_linear(USER_DATA, 9, cr3=0xC00000) == b"elsewhere"


def test_writing_nothing_if_any_byte_cannot_be():
    guest = Bare()
    guest.map(USER_DATA + 0x1000, 0)
    with pytest.raises(MemoryFault):
        guest.machine.write_linear(USER_DATA + 0xFFC, b"12345678")
    assert guest.peek(USER_DATA + 0xFFC, 4) == 0

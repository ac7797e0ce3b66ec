"""Walks of every paging mode, reserved bits, and verdicts per ring and access."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.x86 import entries, paging
from machine.x86.paging import (
    Level,
    NonCanonical,
    NotPresent,
    PagingState,
    ReservedBit,
    Translation,
    Unreadable,
    is_canonical,
    paging_mode,
    translate,
    walk,
)
from tests.unit.pagetables import (
    FIVE,
    FOUR,
    LEGACY,
    LME_LMA,
    MODES,
    PAE_MODE,
    XD,
    Tables,
    mapped,
)


def linear_addresses(state):
    bits = paging_mode(state).linear_bits
    return st.integers(0, (1 << bits) - 1).map(
        lambda address: address if bits == 32 else paging.canonical(address, bits)
    )


# ---- translation


@pytest.mark.parametrize("name", MODES)
@given(data=st.data())
def test_an_address_is_found_where_it_was_mapped(name, data):
    state = MODES[name]
    mode = paging_mode(state)
    address = data.draw(linear_addresses(state))
    depth = data.draw(st.sampled_from([n for n, level in enumerate(mode.levels) if level.page]))
    level = mode.levels[depth]
    frame = data.draw(st.integers(0, level.page["frame"].maximum))
    large = {"large": 1} if "large" in level.page else {}
    leaf = level.page.build(present=1, writable=1, user=1, frame=frame, **large)
    found = mapped(state, address, leaf, depth=depth)
    assert isinstance(found, Translation)
    assert found.physical == frame << level.shift | address & level.page_size - 1
    assert found.page == frame << level.shift
    assert found.page_size == level.page_size
    assert (found.writable, found.user, found.no_execute) == (True, True, False)
    assert [step.name for step in found.levels] == [one.name for one in mode.levels[: depth + 1]]


@pytest.mark.parametrize("name", MODES)
@given(data=st.data())
def test_rights_are_what_all_levels_allow(name, data):
    state = MODES[name]
    count = len(paging_mode(state).levels)
    rights = data.draw(st.lists(st.integers(0, 3).map(lambda n: n << 1 | 1), min_size=count, max_size=count))
    found = mapped(state, 0x1234567, 0x5000 | rights[-1], rights=rights)
    counted = rights[1:] if name == "PAE" else rights
    assert found.writable == all(low & 2 for low in counted)
    assert found.user == all(low & 4 for low in counted)


def test_linux_text_is_a_2m_page():
    leaf = 0x10001E1  # a text page: large, global, dirty, accessed, not writable
    found = mapped(FOUR, 0xFFFFFFFF81000123, leaf, depth=2)
    assert (found.physical, found.page_size, found.rights) == (0x1000123, 1 << 21, "r-x supervisor")
    last = found.levels[-1]
    assert last.describe() == "present accessed dirty large global_page"
    assert last.layout is entries.PMD_2M
    assert last.format.intel == "PD"


def test_a_1g_page_of_the_direct_map():
    leaf = 0x80000000_400001E3
    found = mapped(FOUR, 0xFFFF888040001234, leaf, depth=1)
    assert (found.physical, found.page_size) == (0x40001234, 1 << 30)
    assert found.rights == "rw- supervisor"


def test_pat_lies_elsewhere_in_large_pages():
    assert entries.PTE["pat"].bits == "7"
    assert entries.PMD_2M["pat"].bits == entries.PUD_1G["pat"].bits == entries.PDE_32_4M["pat"].bits == "12"


def test_pse36_puts_high_address_bits_low_in_the_entry():
    found = mapped(LEGACY, 0x00400000 + 0x321, 0x12 << 13 | 0x00C00083, depth=0)
    assert found.physical == 0x12_00C00321


def test_a_walk_yields_levels_then_the_outcome():
    tables = Tables()
    address = 0x7FFFF7FE1000
    cr3 = tables.map(FOUR, address, 0x80000000_12345067, depth=3)
    *levels, last = walk(tables.read, cr3, address, FOUR)
    assert all(isinstance(level, Level) for level in levels)
    assert [level.name for level in levels] == ["PGD", "PUD", "PMD", "PTE"]
    assert [level.format.intel for level in levels] == ["PML4", "PDPT", "PD", "PT"]
    assert [level.index for level in levels] == [0xFF, 0x1FF, 0x1BF, 0x1E1]
    assert levels[0].table == cr3
    assert levels[1].entry_address == (levels[0].raw & ~0xFFF) + 0x1FF * 8
    assert levels[3].fields["frame"] == 0x12345
    assert (last.physical, last.rights) == (0x12345000, "rw- user")


def test_names_of_five_levels():
    levels = paging_mode(FIVE).levels
    assert [level.name for level in levels] == ["PGD", "P4D", "PUD", "PMD", "PTE"]
    assert [level.intel for level in levels] == ["PML5", "PML4", "PDPT", "PD", "PT"]


def test_paging_off_is_the_identity():
    found = translate(Tables().read, 0, 0x1_1234_5678, PagingState(0x11, 0, 0))
    assert (found.physical, found.levels, found.rights) == (0x12345678, (), "rwx user")


def test_flags_in_cr3_are_not_address_bits():
    tables = Tables()
    cr3 = tables.map(FOUR, 0x1000, 0x2067, depth=3)
    assert translate(tables.read, cr3 | 0x18 | 1 << 62, 0x1000, FOUR).physical == 0x2000


# ---- ends without a page


@pytest.mark.parametrize("depth", range(4))
def test_not_present_names_the_level(depth):
    outcome = mapped(FOUR, 0x401000, 0xFFFFFFFF_FFFFFFFE, depth=depth)
    assert isinstance(outcome, NotPresent)
    assert len(outcome.levels) == depth + 1
    assert outcome.levels[-1].describe() == "not present"


@pytest.mark.parametrize(
    ("state", "depth", "bits"),
    [
        (FOUR, 0, 1 << 7),
        (FOUR, 1, 1 << 13 | 0x80),
        (FOUR, 2, 1 << 20 | 0x80),
        (FOUR._replace(physical_bits=40), 3, 1 << 40),
        (FOUR._replace(physical_bits=40), 2, 1 << 51 | 0x80),
        (FOUR._replace(efer=LME_LMA), 3, XD),
        (FOUR._replace(gigabyte_pages=False), 1, 0x80),
        (FIVE, 1, 1 << 7),
        (PAE_MODE, 0, 1 << 1),
        (PAE_MODE, 0, 1 << 63),
        (PAE_MODE, 1, 1 << 52),
        (PAE_MODE, 2, 1 << 62),
        (LEGACY, 0, 1 << 21 | 0x80),
        (LEGACY._replace(physical_bits=36), 0, 1 << 17 | 0x80),
    ],
)
def test_reserved_bits_are_found(state, depth, bits):
    outcome = mapped(state, 0x401000, 1 | bits, depth=depth)
    assert isinstance(outcome, ReservedBit)
    size = paging_mode(state).levels[depth].page and bits & 0x80
    assert outcome.bits == (bits & ~0x80 if size else bits)


@pytest.mark.parametrize(
    ("state", "depth", "bits"),
    [
        (FOUR, 3, XD | 0x7FF << 52 | 0xE00),
        (FOUR, 3, 1 << 51),
        (LEGACY._replace(physical_bits=36), 0, 1 << 16 | 0x80),
    ],
)
def test_bits_that_are_not_reserved(state, depth, bits):
    assert isinstance(mapped(state, 0x401000, 1 | bits, depth=depth), Translation)


def test_without_pse_bit_7_of_a_pde_means_nothing():
    tables = Tables()
    state = LEGACY._replace(cr4=0)
    cr3 = tables.map(state, 0x401000, 0x5007, depth=1, rights=[0x87])
    assert translate(tables.read, cr3, 0x401000, state).physical == 0x5000


@pytest.mark.parametrize(("bits", "state"), [(48, FOUR), (57, FIVE)])
def test_non_canonical(bits, state):
    address = 1 << bits - 1
    assert not is_canonical(address, bits)
    assert is_canonical(address - 1, bits)
    assert translate(Tables().read, 0x1000, address, state) == NonCanonical(address, bits)
    assert is_canonical(paging.canonical(address, bits), bits)


def test_tables_outside_memory():
    tables = Tables()
    cr3 = tables.map(FOUR, 0x1000, 1 << 40 | 7, depth=1)
    outcome = translate(tables.read, cr3, 0x1000, FOUR)
    assert isinstance(outcome, Unreadable)
    assert (outcome.format.name, outcome.entry_address, len(outcome.levels)) == ("PMD", 1 << 40, 2)


def test_linear_addresses_wrap_outside_long_mode():
    tables = Tables()
    cr3 = tables.map(LEGACY, 0x401000, 0x5007, depth=1)
    assert translate(tables.read, cr3, 0xFFFFFFFF_00401000, LEGACY).physical == 0x5000

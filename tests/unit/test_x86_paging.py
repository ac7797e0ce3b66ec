"""Walks of every paging mode, reserved bits, and verdicts per ring and access."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.x86 import entries, paging
from machine.x86.access import Access, KeyRights, verdict
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


# ---- verdicts

USER_PAGE = mapped(FOUR, 0x401000, 0x5067)
USER_READ_ONLY = mapped(FOUR, 0x401000, 0x5065)
KERNEL_PAGE = mapped(FOUR, 0x401000, 0x5063, rights=[7, 3, 7])
KERNEL_READ_ONLY = mapped(FOUR, 0x401000, 0x5061, rights=[7, 7, 5])
NO_EXECUTE = mapped(FOUR, 0x401000, 0x5067 | XD)
ABSENT = mapped(FOUR, 0x401000, 0, depth=2)
RESERVED = mapped(FOUR, 0x401000, 1 << 7 | 1, depth=0)
R, W, X = Access.READ, Access.WRITE, Access.EXECUTE
STRICT = FOUR._replace(cr4=PAE | SMEP | SMAP)
NO_WP = FOUR._replace(cr0=0x80000001)


@pytest.mark.parametrize(
    ("outcome", "access", "cpl", "state", "level", "code"),
    [
        # allowed
        (USER_PAGE, R, 3, FOUR, None, None),
        (USER_PAGE, W, 3, FOUR, None, None),
        (USER_PAGE, X, 3, FOUR, None, None),
        (USER_PAGE, W, 0, FOUR, None, None),
        (USER_PAGE, X, 0, FOUR, None, None),
        (USER_PAGE, X, 3, STRICT, None, None),
        (KERNEL_PAGE, W, 0, STRICT, None, None),
        (KERNEL_PAGE, X, 0, STRICT, None, None),
        (KERNEL_READ_ONLY, W, 0, NO_WP, None, None),
        (USER_READ_ONLY, W, 0, NO_WP, None, None),
        # refused
        (USER_READ_ONLY, W, 3, FOUR, "PTE", 7),
        (USER_READ_ONLY, W, 3, NO_WP, "PTE", 7),
        (USER_READ_ONLY, W, 0, FOUR, "PTE", 3),
        (KERNEL_PAGE, R, 3, FOUR, "PUD", 5),
        (KERNEL_PAGE, W, 3, FOUR, "PUD", 7),
        (KERNEL_PAGE, X, 3, FOUR, "PUD", 0x15),
        (KERNEL_PAGE, R, 2, FOUR, None, None),
        (KERNEL_READ_ONLY, W, 0, FOUR, "PMD", 3),
        (NO_EXECUTE, X, 3, FOUR, "PTE", 0x15),
        (NO_EXECUTE, X, 0, FOUR, "PTE", 0x11),
        (USER_PAGE, X, 0, STRICT, "PTE", 0x11),
        (USER_PAGE, R, 0, STRICT, "PTE", 1),
        (USER_PAGE, W, 1, STRICT, "PTE", 3),
        (ABSENT, R, 0, FOUR, "PMD", 0),
        (ABSENT, W, 3, FOUR, "PMD", 6),
        (ABSENT, X, 3, FOUR, "PMD", 0x14),
        (RESERVED, W, 0, FOUR, "PGD", 0xB),
    ],
)
def test_verdicts(outcome, access, cpl, state, level, code):
    found = verdict(outcome, access, cpl, state)
    assert found.allowed == (code is None)
    assert (found.level.name if found.level else None) == level
    assert found.error_code == code
    assert found.vector == (None if code is None else 14)
    assert found.reason


def test_reasons_name_register_and_entry():
    assert verdict(KERNEL_PAGE, "read", 3, FOUR).reason == "PUD entry is supervisor (U/S=0)"
    assert verdict(USER_PAGE, "execute", 0, STRICT).reason.startswith("CR4.SMEP=1")
    assert verdict(USER_PAGE, "write", 0, STRICT, ac=True).reason == "RFLAGS.AC=1 suspends SMAP"
    assert verdict(KERNEL_READ_ONLY, "write", 0, NO_WP).reason.startswith("CR0.WP=0")
    assert verdict(USER_PAGE, "write", 3, FOUR).reason == "user and writable at every level"


def test_ac_suspends_smap_for_explicit_accesses():
    assert verdict(USER_PAGE, R, 0, STRICT, ac=True).allowed
    assert not verdict(USER_PAGE, X, 0, STRICT, ac=True).allowed


def test_no_fetch_bit_without_nx_and_smep():
    state = FOUR._replace(efer=LME_LMA)
    assert verdict(KERNEL_PAGE, X, 3, state).error_code == 5
    assert verdict(KERNEL_PAGE, X, 3, state._replace(cr4=PAE | SMEP)).error_code == 0x15


def test_no_execute_means_nothing_to_rights_without_nxe():
    state = FOUR._replace(efer=LME_LMA)
    assert isinstance(mapped(state, 0x401000, 0x5067 | XD), ReservedBit)


def test_non_canonical_is_a_general_protection_fault():
    found = verdict(NonCanonical(1 << 47, 48), R, 0, FOUR)
    assert (found.allowed, found.vector, found.error_code) == (False, 13, 0)


def test_unreadable_tables_give_no_error_code():
    found = verdict(Unreadable(0, paging_mode(FOUR).levels[0], 0x5000, ()), R, 0, FOUR)
    assert (found.allowed, found.vector, found.error_code) == (False, None, None)
    assert found.reason == "PGD entry at 0x5000 is not readable"


def test_paging_off_allows_all():
    off = PagingState(0x11, 0, 0)
    assert verdict(translate(Tables().read, 0, 0x1000, off), W, 0, off).reason == "paging is off"


@pytest.mark.parametrize(
    ("access", "cpl", "state", "keys", "code"),
    [
        (R, 3, PKE, KeyRights(pkru=1 << 10), 0x25),
        (R, 0, PKE, KeyRights(pkru=1 << 10), 0x21),
        (W, 3, PKE, KeyRights(pkru=2 << 10), 0x27),
        (W, 0, PKE, KeyRights(pkru=2 << 10), 0x23),
        (R, 3, PKE, KeyRights(pkru=2 << 10), None),
        (X, 3, PKE, KeyRights(pkru=3 << 10), None),
        (R, 3, PKE, KeyRights(pkru=3 << 8), None),
        (R, 3, 0, KeyRights(pkru=3 << 10), None),
        (R, 3, PKS, KeyRights(pkrs=3 << 10), None),
    ],
)
def test_protection_keys_of_user_pages(access, cpl, state, keys, code):
    state = FOUR._replace(cr4=PAE | state)
    found = mapped(state, 0x401000, 0x5067 | 5 << 59)
    assert verdict(found, access, cpl, state, keys=keys).error_code == code


def test_protection_keys_of_supervisor_pages():
    state = FOUR._replace(cr4=PAE | PKS)
    found = mapped(state, 0x401000, 0x5063 | 5 << 59)
    assert verdict(found, R, 0, state, keys=KeyRights(pkrs=1 << 10)).error_code == 0x21
    assert verdict(found, W, 0, state, keys=KeyRights(pkrs=2 << 10)).error_code == 0x23
    assert verdict(found, W, 0, state._replace(cr0=0x80000001), keys=KeyRights(pkrs=2 << 10)).allowed


def test_an_unknown_access_is_refused():
    with pytest.raises(ValueError, match="jump"):
        verdict(USER_PAGE, "jump", 0, FOUR)


@given(
    st.sampled_from(list(Access)),
    st.sampled_from((0, 3)),
    st.integers(0, 7),
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
    st.booleans(),
)
def test_verdicts_agree_with_the_manual_s_sentences(access, cpl, switches, rights, ac):
    """SDM 3A 4.6.1, said once more as one boolean expression."""
    wp, smep, smap = (bool(switches >> n & 1) for n in range(3))
    state = PagingState(0x80000001 | wp << 16, PAE | smep << 20 | smap << 21, LME_LMA | NXE)
    low = [right << 1 | 1 for right in rights]
    found = mapped(state, 0x401000, 0x5000 | low[3], rights=low)
    user = all(right & 2 for right in rights)
    writable = all(right & 1 for right in rights)
    if cpl == 3:
        allowed = user and (writable or access is not W)
    elif access is X:
        allowed = not (user and smep)
    else:
        allowed = not (user and smap and not ac) and (access is R or writable or not wp)
    assert verdict(found, access, cpl, state, ac=ac).allowed == allowed

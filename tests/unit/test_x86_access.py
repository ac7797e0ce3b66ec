"""Verdicts: what a ring may do at an address, and what stands in the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.x86.access import Access, KeyRights, verdict
from machine.x86.paging import (
    NonCanonical,
    PagingState,
    ReservedBit,
    Unreadable,
    paging_mode,
    translate,
)
from tests.unit.pagetables import (
    FOUR,
    LME_LMA,
    NXE,
    PAE,
    PKE,
    PKS,
    SMAP,
    SMEP,
    XD,
    Tables,
    mapped,
)

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

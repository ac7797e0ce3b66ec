"""Entries that are not present: what Linux means by them."""

import pytest

from machine.x86.absent import linux_meaning


def entry(kind, offset):
    """As Linux makes it (__swp_entry)."""
    return (~offset << 14 & (1 << 64) - 1) >> 5 | kind << 59


@pytest.mark.parametrize(("kind", "offset"), [(0, 1), (1, 8191), (23, (1 << 40) - 1)])
def test_a_swap_entry(kind, offset):
    assert [*linux_meaning(entry(kind, offset))] == [f"Of Linux's last level: page {offset} of swap area {kind}."]


def test_a_closed_page():
    assert [*linux_meaning(0x1234160)] == ["Of Linux's last level: a page that PROT_NONE closes."]


@pytest.mark.parametrize("raw", [0, 0xFE, 0x1000, entry(24, 1), entry(0, 1 << 40)])
def test_anything_else(raw):
    assert [*linux_meaning(raw)] == []

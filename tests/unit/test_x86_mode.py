"""Operating modes: what the bits make, and where CS:IP lies."""

import pytest

from machine.x86 import mode
from machine.x86.descriptors import decode_segment

PE, PG, PAE, LA57, LMA, VM = 1, 1 << 31, 1 << 5, 1 << 12, 1 << 10, 1 << 17
L, D = 1 << 13, 1 << 14
REAL, PROTECTED, PAGED = 0x10, PE, PE | PG

# fmt: off
MODES = [
    # cr0      cr4         efer rflags width  name                 paging             because
    (REAL,      0,          0,   2,  16, "real",             "paging off",      "CR0.PE=0, CS.D=0"),
    (REAL,      0,          0,   2,  32, "real",             "paging off",      "CR0.PE=0, CS.D=1"),
    (PROTECTED, 0,          0,   2,  16, "16-bit protected", "paging off",      "CS.D=0"),
    (PROTECTED, 0,          0,   2,  32, "32-bit protected", "paging off",      "EFER.LMA=0"),
    (PAGED,     0,          0,   VM, 16, "virtual-8086",     "32-bit paging",   "EFLAGS.VM=1"),
    (PAGED,     PAE,        0,   2,  32, "32-bit protected", "PAE paging",      "CS.D=1"),
    (PAGED,     PAE,        LMA, 2,  32, "compatibility",    "4-level paging",  "CS.L=0, CS.D=1"),
    (PAGED,     PAE,        LMA, 2,  16, "compatibility",    "4-level paging",  "CS.L=0, CS.D=0"),
    (PAGED,     PAE,        LMA, 2,  64, "64-bit",           "4-level paging",  "CS.L=1"),
    (PAGED,     PAE | LA57, LMA, 2,  64, "64-bit",           "5-level paging",  "CS.L=1"),
]
# fmt: on


@pytest.mark.parametrize(("cr0", "cr4", "efer", "rflags", "width", "name", "paging", "because"), MODES)
def test_modes_and_why(cr0, cr4, efer, rflags, width, name, paging, because):
    found = mode.operating_mode(cr0, efer, rflags, width)
    assert (found.name, found.width) == (name, width) and because in found.because
    code = mode.CodeSegment(0x1000, width)
    rows = {what: (now, why) for what, now, why in mode.explain(mode.Processor(cr0, cr4, efer, rflags, 8, 4, 0, code))}
    assert rows["mode"][0].startswith(f"{name} mode") and f"{width}-bit" in rows["mode"][0]
    assert rows["paging"][0] == paging
    assert rows["next"][0].endswith("linear 0x4" if width == 64 else "linear 0x1004")


def test_the_hidden_part_of_cs_decides():
    assert mode.cached_segment(0xFFFF0000, 0x9B, 0) == (0xFFFF0000, 16)
    assert mode.cached_segment(0, 0x9B | D, 0) == (0, 32)
    assert mode.cached_segment(0, 0x9B | L, 0) == (0, 16), "L means nothing outside long mode"
    assert mode.cached_segment(7, 0x9B | L, LMA) == (0, 64)


@pytest.mark.parametrize(
    ("cr0", "efer", "rflags", "descriptor", "expected"),
    [
        (REAL, 0, 2, None, (0x9020_0, 16)),
        (PAGED, 0, VM, None, (0x9020_0, 16)),
        (PROTECTED, 0, 2, 0x00CF9B000000FFFF, (0, 32)),
        (PROTECTED, 0, 2, 0x12009B345678FFFF, (0x12345678, 16)),
        (PROTECTED, 0, 2, 0x00CF93000000FFFF, (0, 32)),
        (PAGED, LMA, 2, 0x00AF9B000000FFFF, (0, 64)),
        (PAGED, LMA, 2, 0x00CF9B000000FFFF, (0, 32)),
        (PAGED, LMA, 2, None, (0, 64)),
    ],
)
def test_without_the_hidden_part_the_descriptor_is_asked(cr0, efer, rflags, descriptor, expected):
    def find(selector):
        return decode_segment(descriptor) if descriptor else None

    assert mode.likely_segment(cr0, efer, rflags, 0x9020, find) == expected


def test_offsets_wrap_at_4_gib_outside_64_bit_mode():
    assert mode.linear_address(mode.CodeSegment(0xFFFF0000, 16), 0xFFF0) == 0xFFFFFFF0
    assert mode.linear_address(mode.CodeSegment(0xFFFFFFF0, 32), 0x20) == 0x10
    assert mode.linear_address(mode.CodeSegment(0, 64), 1 << 63) == 1 << 63

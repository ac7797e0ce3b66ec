"""Every layout decodes, builds, prints and round-trips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.x86 import control, descriptors, entries, errorcodes, msrs, registers, tss
from machine.x86.bits import Layout, Structure, flag_fields, sign_extend

MODULES = (control, descriptors, entries, errorcodes, msrs, registers, tss)


def found(kind):
    return sorted(
        {value for module in MODULES for value in vars(module).values() if isinstance(value, kind)},
        key=lambda layout: layout.name,
    )


LAYOUTS = found(Layout)
STRUCTURES = found(Structure)
each_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
each_structure = pytest.mark.parametrize("structure", STRUCTURES, ids=lambda structure: structure.name)


def test_the_tables_are_all_here():
    assert len(LAYOUTS) >= 30
    assert len(STRUCTURES) == 6


@each_layout
@given(data=st.data())
def test_build_of_decode_is_the_word_without_reserved_bits(layout, data):
    word = data.draw(st.integers(0, (1 << layout.width) - 1))
    assert layout.build(**layout.decode(word)) == word & ~layout.reserved | layout.fixed


@each_layout
@given(data=st.data())
def test_decode_of_build_is_the_fields(layout, data):
    fields = {field.name: data.draw(st.integers(0, field.maximum)) for field in layout}
    word = layout.build(**fields)
    assert layout.decode(word) == fields
    assert layout.values(word) == [layout.get(word, name) for name in fields]
    assert layout.reserved_bits(word) == 0


@each_layout
@given(data=st.data())
def test_every_set_bit_is_a_field_fixed_or_reserved(layout, data):
    word = data.draw(st.integers(0, (1 << layout.width) - 1))
    named = layout.mask(*(field.name for field in layout))
    assert named | layout.fixed | layout.reserved == (1 << layout.width) - 1
    assert not named & layout.reserved
    assert layout.reserved_bits(word) == word & layout.reserved


@each_layout
@given(data=st.data())
def test_what_is_printed_names_exactly_what_is_set(layout, data):
    word = data.draw(st.integers(0, (1 << layout.width) - 1))
    printed = {part.split("=")[0] for part in layout.format(word).split() if not part.startswith(":")}
    expected = {field.name for field in layout if field.get(word)}
    assert expected <= printed
    assert {row.name for row in layout.rows(word) if row.value} == expected


@each_layout
def test_flag_fields_cover_the_layout_once(layout):
    covered = 0
    for _, low, high in flag_fields(layout):
        bits = (1 << high + 1) - (1 << low)
        assert not covered & bits
        covered |= bits
    assert covered == layout.mask(*(field.name for field in layout))
    names = [name for name, _, _ in flag_fields(layout)]
    assert len(names) == len(set(names))


@each_structure
@given(data=st.data())
def test_structures_round_trip(structure, data):
    members = {m.name: data.draw(st.integers(0, (1 << 8 * m.size) - 1)) for m in structure}
    assert structure.decode(structure.build(**members)) == members
    assert len(structure.build(**members)) == structure.size


def test_a_word_as_flag_names():
    assert control.CR0.format(0x80050033) == "PE MP ET NE WP AM PG"
    assert control.CR4.format(0x3006F0) == "PSE PAE MCE PGE OSFXSR OSXMMEXCPT SMEP SMAP"
    assert control.EFER.format(0xD01) == "SCE LME LMA NXE"
    assert registers.RFLAGS.format(0x3246) == "PF ZF IF IOPL=3"
    assert registers.RFLAGS.build(IF=1) == 0x202
    assert control.DR6.build() | control.DR6.mask("no_BLD", "no_RTM") == 0xFFFF0FF0
    assert control.DR7.format(0xD0402) == "G0 RW0=write LEN0=4"


def test_star_of_linux():
    star = msrs.STAR.decode(0x0023_0010_0000_0000)
    assert (star["syscall_cs"], star["sysret_cs"] + 16) == (0x10, 0x33)


def test_pat_of_linux():
    pat = 0x0407050600070106
    assert msrs.PAT.format(pat).startswith("PA0=WB PA1=WC PA2=UC- PA4=WB PA5=WP PA6=UC- PA7=WT")


def test_msr_numbers_and_names_are_unique():
    assert len(msrs.BY_NUMBER) == len(msrs.BY_NAME) == len(msrs.MSRS)
    assert msrs.msr_name(0xC0000082) == "LSTAR"
    assert msrs.msr_name(0xC0000102) == "KERNEL_GS_BASE"
    assert msrs.BY_NAME["MTRR_FIX4K_F8000"].number == 0x26F
    assert msrs.BY_NAME["MTRR_PHYSMASK7"].number == 0x20F
    assert msrs.msr_name(0x123) == "MSR 0x123"


def test_a_row_for_a_table():
    row = next(row for row in registers.RFLAGS.rows(0x3202) if row.name == "IOPL")
    assert (row.bits, row.value, row.text) == ("13:12", 3, "3")
    assert descriptors.SEGMENT["base"].bits == "63:56,39:16"


@pytest.mark.parametrize(
    "rows",
    [
        (("a", 0, 3, ""), ("b", 3, 4, "")),
        (("a", 0, 8, ""),),
        (("a", 5, 4, ""),),
        (("a", -1, 0, ""),),
    ],
)
def test_a_wrong_table_is_refused(rows):
    with pytest.raises(ValueError, match="overlap or leave"):
        Layout("wrong", 8, *rows)


def test_a_wrong_structure_is_refused():
    with pytest.raises(ValueError, match="overlaps or leaves"):
        Structure("wrong", 8, ("a", 0, 4, ""), ("b", 2, 4, ""))
    with pytest.raises(ValueError, match="overlaps or leaves"):
        Structure("wrong", 8, ("a", 4, 8, ""))


def test_errors_name_the_value():
    with pytest.raises(ValueError, match="IOPL: 0x4 does not fit in 2 bits"):
        registers.RFLAGS.build(IOPL=4)
    with pytest.raises(KeyError, match="RFLAGS has no field 'XX'"):
        registers.RFLAGS.build(XX=1)
    with pytest.raises(ValueError, match="rsp0: 0x10000000000000000 does not fit in 8 bytes"):
        tss.TSS64.build(rsp0=1 << 64)
    with pytest.raises(KeyError, match="64-bit TSS has no member 'esp0'"):
        tss.TSS64["esp0"]
    with pytest.raises(ValueError, match="64-bit TSS: 3 bytes of 104"):
        tss.TSS64.decode(b"abc")


@given(st.integers(0, (1 << 64) - 1), st.sampled_from((48, 57)))
def test_sign_extension_keeps_the_low_bits(value, bits):
    extended = sign_extend(value, bits)
    assert extended & (1 << bits) - 1 == value & (1 << bits) - 1
    assert extended >> bits - 1 in (0, (1 << 65 - bits) - 1)

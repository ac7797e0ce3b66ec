"""Selectors, descriptors, gates, hidden parts, tables, TSS: against Linux's and the manual's own values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.x86 import descriptors as d
from machine.x86 import tss
from machine.x86.descriptortables import find_descriptor, read_idt, read_table, runs

LINUX_GDT = [
    # selector, entry (arch/x86/kernel/cpu/common.c), type, dpl, limit, long, db
    (0x08, 0x00CF9B000000FFFF, "Execute/Read, accessed", 0, 0xFFFFFFFF, 0, 1),
    (0x10, 0x00AF9B000000FFFF, "Execute/Read, accessed", 0, 0xFFFFFFFF, 1, 0),
    (0x18, 0x00CF93000000FFFF, "Read/Write, accessed", 0, 0xFFFFFFFF, 0, 1),
    (0x23, 0x00CFFB000000FFFF, "Execute/Read, accessed", 3, 0xFFFFFFFF, 0, 1),
    (0x2B, 0x00CFF3000000FFFF, "Read/Write, accessed", 3, 0xFFFFFFFF, 0, 1),
    (0x33, 0x00AFFB000000FFFF, "Execute/Read, accessed", 3, 0xFFFFFFFF, 1, 0),
]
TSS_BASE = 0xFFFFFE0000003000
TSS_RAW = 0x00000000_FFFFFE00_00008B00_30004087
# asm_exc_page_fault at 0xffffffff81a00b60, and the double fault's gate on IST 1
PAGE_FAULT_GATE = 0x00000000_FFFFFFFF_81A08E00_00100B60
DOUBLE_FAULT_GATE = 0x00000000_FFFFFFFF_81A08E01_00100BC0


@pytest.mark.parametrize(("selector", "raw", "name", "dpl", "limit", "long", "db"), LINUX_GDT)
def test_linux_segments(selector, raw, name, dpl, limit, long, db):
    segment = d.decode(raw)
    assert isinstance(segment, d.SegmentDescriptor)
    assert d.type_name(segment) == name
    assert (segment.base, segment.limit, segment.dpl, segment.long, segment.db) == (0, limit, dpl, long, db)
    assert segment.present
    assert segment.build() == raw
    assert segment.is_code == name.startswith("Execute")
    assert segment.is_data == name.startswith("Read")


def test_linux_tss():
    segment = d.decode(TSS_RAW)
    assert d.descriptor_size(TSS_RAW & (1 << 64) - 1) == 16
    assert (segment.base, segment.limit) == (TSS_BASE, 0x4087)
    assert d.type_name(segment) == "64-bit TSS (Busy)"
    assert d.type_name(segment, long_mode=False) == "32-bit TSS (Busy)"
    assert segment.build(wide=True) == TSS_RAW


def test_linux_gates():
    gate = d.decode_gate(PAGE_FAULT_GATE)
    assert (gate.offset, gate.selector, gate.ist, gate.dpl) == (0xFFFFFFFF81A00B60, 0x10, 0, 0)
    assert gate.is_interrupt
    assert not gate.is_trap
    assert d.type_name(gate) == "64-bit Interrupt Gate"
    assert d.decode_gate(DOUBLE_FAULT_GATE).ist == 1
    assert gate.build(wide=True) == PAGE_FAULT_GATE


def test_legacy_gates():
    call = d.decode(0x0012_EC03_0008_3456, long_mode=False)
    assert (call.offset, call.selector, call.parameters, call.dpl) == (0x123456, 8, 3, 3)
    assert call.build() == 0x0012_EC03_0008_3456
    task = d.decode(0x0000_8500_0028_0000, long_mode=False)
    assert task.is_task
    assert task.selector == 0x28
    assert d.type_name(task, long_mode=False) == "Task Gate"
    assert d.type_name(task, long_mode=True) == "Reserved"
    sixteen = d.decode_gate(0xFFFF_8600_0008_1234, wide=False)
    assert sixteen.offset == 0x1234
    assert d.decode_gate(0x0000_8F00_0008_1234, wide=False).is_trap


@pytest.mark.parametrize("kind", range(16))
def test_types_have_the_manual_s_names(kind):
    code_or_data = d.decode_segment(kind << 40 | 1 << 44)
    assert d.type_name(code_or_data) == d.CODE_DATA_TYPES[kind]
    assert code_or_data.is_code == (kind >= 8)
    assert code_or_data.is_conforming == ("conforming" in d.CODE_DATA_TYPES[kind])
    assert code_or_data.is_writable == ("Write" in d.CODE_DATA_TYPES[kind])
    system = d.decode(kind << 40, long_mode=False)
    assert d.type_name(system, long_mode=False) == d.SYSTEM_TYPES[kind][0]
    assert isinstance(system, d.Gate) == ("Gate" in d.SYSTEM_TYPES[kind][0])
    assert (d.descriptor_size(kind << 40) == 16) == (d.SYSTEM_TYPES[kind][1] != "Reserved")


def test_limits_in_bytes():
    assert d.decode_segment(0x0000_9300_0000_FFFF).limit == 0xFFFF
    assert d.decode_segment(0x0080_9300_0000_0000).limit == 0xFFF
    assert d.decode_segment(0x008F_9300_0000_FFFF).limit == 0xFFFFFFFF


@given(st.integers(0, (1 << 64) - 1))
def test_any_eight_bytes_survive_decode_and_build(raw):
    descriptor = d.decode(raw, long_mode=False)
    rebuilt = descriptor.build()
    if isinstance(descriptor, d.Gate) and descriptor.type in (4, 6, 7):
        raw &= (1 << 48) - 1
    reserved = d.GATE.reserved if isinstance(descriptor, d.Gate) else 0
    assert rebuilt == raw & ~reserved


@given(st.integers(0, (1 << 128) - 1))
def test_any_sixteen_bytes_survive_decode_and_build(raw):
    assert d.decode_system_segment(raw).build(wide=True) == raw & ~d.SYSTEM_SEGMENT_64.reserved
    assert d.decode_gate(raw).build(wide=True) == raw & ~d.GATE_64.reserved


def test_a_gate_refuses_what_its_size_lacks():
    with pytest.raises(ValueError, match="8-byte gate has no ist"):
        d.decode_gate(DOUBLE_FAULT_GATE).build()
    with pytest.raises(ValueError, match="16-byte gate has no parameters"):
        d.decode_gate(0x0012_EC03_0008_3456, wide=False).build(wide=True)


def test_selectors():
    user = d.decode_selector(0x33)
    assert (user.index, user.table, user.rpl, user.offset, user.value) == (6, "GDT", 3, 0x30, 0x33)
    assert d.decode_selector(0x0F).table == "LDT"
    assert d.decode_selector(3).is_null
    assert not d.decode_selector(4).is_null


@given(st.integers(0, 0xFFFF))
def test_any_selector_round_trips(value):
    selector = d.decode_selector(value)
    assert selector.value == value == d.SELECTOR.build(**selector._asdict())


def test_hidden_parts_of_linux_segments():
    assert d.hidden_part(0x00AF9B000000FFFF) == (0, 0xFFFFFFFF, 0xA09B00)
    assert d.hidden_part(0x00CF93000000FFFF) == (0, 0xFFFFFFFF, 0xC09300)
    assert d.hidden_part(TSS_RAW) == (TSS_BASE, 0x4087, 0x8B00)


@given(st.integers(0, (1 << 64) - 1))
def test_the_hidden_part_is_the_decoded_segments(raw):
    segment = d.decode_segment(raw)
    flags = d.hidden_flags(segment)
    assert d.hidden_part(raw, long_mode=False) == (segment.base, segment.limit, flags)


def memory(contents, start=0):
    """A reader over `contents` at linear `start`: short or empty outside."""

    def read(address, length):
        return contents[max(0, address - start) : address - start + length] if address >= start else b""

    return read


def linux_gdt():
    table = bytearray(0x80)
    for selector, raw, *_ in LINUX_GDT:
        table[selector & ~7 : (selector & ~7) + 8] = raw.to_bytes(8, "little")
    table[0x40:0x50] = TSS_RAW.to_bytes(16, "little")
    return bytes(table)


def test_a_gdt_is_walked_with_wide_descriptors_joined():
    entries = list(read_table(memory(linux_gdt(), 0x1000), 0x1000, 0x7F))
    assert [entry.index for entry in entries] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15]
    assert entries[8].descriptor.base == TSS_BASE
    assert entries[8].address == 0x1040
    assert len(list(read_table(memory(linux_gdt(), 0x1000), 0x1000, 0x7F, long_mode=False))) == 16


def test_unreadable_entries_are_entries():
    entries = list(read_table(memory(linux_gdt()[:0x48], 0), 0, 0x7F))
    assert [entry.descriptor is None for entry in entries[:8]] == [False] * 8
    assert all(entry.descriptor is None for entry in entries[8:])


def test_a_limit_that_cuts_a_wide_descriptor():
    *_, last = read_table(memory(linux_gdt()), 0, 0x47)
    assert (last.index, last.size, last.descriptor) == (8, 8, None)


def test_an_idt_is_walked_up_to_its_limit():
    table = PAGE_FAULT_GATE.to_bytes(16, "little") * 3
    gates = list(read_idt(memory(table), 0, 0xFFF))
    assert len(gates) == 256
    assert [gate.descriptor is not None for gate in gates[:4]] == [True, True, True, False]
    assert len(list(read_idt(memory(table), 0, 0x2F))) == 3
    assert len(list(read_idt(memory(table), 0, 0x7FF, long_mode=False))) == 256


def test_a_selector_finds_its_descriptor():
    read = memory(linux_gdt())
    assert find_descriptor(read, 0x33, 0, 0x7F).descriptor.dpl == 3
    assert find_descriptor(read, 0x40, 0, 0x7F).descriptor.base == TSS_BASE
    assert find_descriptor(read, 0x40, 0, 0x47) is None
    assert find_descriptor(read, 0x80, 0, 0x7F) is None


def test_runs_of_empty_and_of_unreadable_entries_are_told_once():
    entries = read_table(memory(linux_gdt()[:0x58]), 0, 0x7F)
    told = [(first.index, last.index, note) for first, last, note in runs(entries) if note]
    assert told == [(0, 0, "empty"), (7, 7, "empty"), (10, 10, "empty"), (11, 15, "unreadable")]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (0x00AFFB000000FFFF, "64-bit code of ring 3"),
        (0x00CF9B000000FFFF, "32-bit code of ring 0"),
        (0x000F9E000000FFFF, "16-bit conforming code of ring 0"),
        (0x00CFF3000000FFFF, "data of ring 3"),
        (0x00CF73000000FFFF, "data of ring 3, not present"),
        (TSS_RAW, "64-bit TSS (Busy), DPL 0"),
        (PAGE_FAULT_GATE, "64-bit Interrupt Gate, DPL 0"),
    ],
)
def test_a_descriptor_in_words(raw, words):
    assert d.describe(d.decode(raw)) == words


def test_tss_offsets():
    assert [tss.stack_offset(ring) for ring in range(3)] == [4, 12, 20]
    assert [tss.ist_offset(ist) for ist in range(1, 8)] == [36, 44, 52, 60, 68, 76, 84]
    with pytest.raises(KeyError, match="rsp3"):
        tss.stack_offset(3)


def tss_with_bitmap(bitmap):
    return tss.TSS64.build(iomap=104) + bitmap


def test_io_permission():
    open_port = tss_with_bitmap(bytes([0xFF] * 0x70 + [0b1011_1111] + [0xFF] * 0x20))
    limit = len(open_port) - 1
    assert tss.io_permitted(memory(open_port), 0, limit, 0x386)
    assert not tss.io_permitted(memory(open_port), 0, limit, 0x387)
    assert not tss.io_permitted(memory(open_port), 0, limit, 0x386, 2)
    assert not tss.io_permitted(memory(open_port), 0, 104 + 0x70, 0x386), "second byte beyond the limit"
    assert tss.io_permitted(memory(open_port), 0, 104 + 0x71, 0x386)
    assert not tss.io_permitted(memory(open_port), 0, 102, 0x386), "no room for the bitmap's offset"


def test_io_permission_across_a_byte():
    data = tss_with_bitmap(bytes([0b0111_1111, 0b1111_1110, 0xFF]))
    assert tss.io_permitted(memory(data), 0, len(data) - 1, 7, 2)
    assert not tss.io_permitted(memory(data), 0, len(data) - 1, 6, 2)
    assert not tss.io_permitted(memory(data[:104]), 0, len(data) - 1, 7, 2), "bitmap unreadable"


@given(st.binary(max_size=40))
def test_permitted_ports_are_the_clear_bits(bitmap):
    ports = [port for first, last in tss.permitted_ports(bitmap) for port in range(first, last + 1)]
    assert ports == [port for port in range(len(bitmap) * 8) if not bitmap[port // 8] >> port % 8 & 1]

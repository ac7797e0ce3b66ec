"""Vectors and error codes."""

import pytest

from machine.x86 import errorcodes
from machine.x86.vectors import (
    BY_MNEMONIC,
    VECTORS,
    DoubleFaultClass,
    Nested,
    nested,
    pushes_error_code,
    vector_name,
)


def test_rows_stand_at_their_numbers():
    assert [vector.number for vector in VECTORS] == list(range(32))
    assert BY_MNEMONIC["#PF"].number == 14


def test_error_codes_are_pushed_by_the_manual_s_vectors():
    assert [n for n in range(28) if pushes_error_code(n)] == [8, 10, 11, 12, 13, 14, 17, 21]
    assert not pushes_error_code(0x80)


def test_contributory_vectors():
    intel = [v.number for v in VECTORS[:22] if v.double_fault_class is DoubleFaultClass.CONTRIBUTORY]
    assert intel == [0, 10, 11, 12, 13, 21]


def test_names():
    assert vector_name(14) == "#PF Page Fault"
    assert vector_name(0x80) == "interrupt 0x80"
    with pytest.raises(ValueError, match="vector 256"):
        vector_name(256)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (3, 13, Nested.SERIAL),
        (0x80, 14, Nested.SERIAL),
        (13, 13, Nested.DOUBLE_FAULT),
        (13, 14, Nested.SERIAL),
        (0, 11, Nested.DOUBLE_FAULT),
        (14, 14, Nested.DOUBLE_FAULT),
        (14, 13, Nested.DOUBLE_FAULT),
        (14, 1, Nested.SERIAL),
        (8, 13, Nested.SHUTDOWN),
        (8, 14, Nested.SHUTDOWN),
        (8, 3, Nested.SERIAL),
    ],
)
def test_nested_exceptions(first, second, expected):
    assert nested(first, second) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0x0, "supervisor read: page not present"),
        (0x2, "supervisor write: page not present"),
        (0x7, "user write: protection violation"),
        (0x15, "user instruction fetch: protection violation"),
        (0x9, "supervisor read: a reserved bit is set in an entry"),
        (0x25, "user read: a protection key forbids it"),
    ],
)
def test_page_fault_codes(code, expected):
    assert errorcodes.describe_page_fault(code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0x30, "GDT selector 0x0030 (index 6)"),
        (0x0C, "LDT selector 0x000c (index 1)"),
        (0x402, "IDT gate 0x80 (interrupt 0x80)"),
        (0x6A, "IDT gate 0xd (#GP General Protection)"),
        (0, "no selector"),
        (1, "no selector, while an external event or an earlier exception was delivered"),
    ],
)
def test_selector_codes(code, expected):
    assert errorcodes.describe_selector(code) == expected


def test_selector_codes_are_built():
    assert errorcodes.selector_code(0x33) == 0x30
    assert errorcodes.selector_code(0x0F, external=True) == 0x0D
    assert errorcodes.vector_code(0x80) == 0x402
    assert errorcodes.describe_selector(errorcodes.vector_code(14)) == "IDT gate 0xe (#PF Page Fault)"

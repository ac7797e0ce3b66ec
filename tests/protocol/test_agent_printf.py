"""The agent's printf against C's own, and the formats that it refuses."""

import ctypes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdbstub.agent.printf import FormatError, parse_format
from tests.protocol.test_agent_differential import numbers

LIBC = ctypes.CDLL(None)
SIZES = {"hh": ctypes.c_int, "h": ctypes.c_int, "": ctypes.c_int}


def c_printf(text, size, value):
    buffer = ctypes.create_string_buffer(9000)
    argument = SIZES.get(size, ctypes.c_longlong)(value)
    LIBC.snprintf(buffer, 9000, text.encode(), argument)
    return buffer.value


@settings(max_examples=800, deadline=None)
@given(
    st.text("-+ #0", max_size=3),
    st.one_of(st.just(""), st.integers(1, 30).map(str)),
    st.one_of(st.just(""), st.just("."), st.integers(0, 25).map(".{}".format)),
    st.sampled_from(["hh", "h", "", "l", "ll", "z", "j", "t"]),
    st.sampled_from("diouxX"),
    numbers,
)
def test_numbers_print_as_in_c(flags, width, precision, size, letter, value):
    text = f"%{flags}{width}{precision}{size}{letter}"
    assert parse_format(text.encode()).print([value], lambda address, most: b"") == c_printf(text, size, value)


@pytest.mark.parametrize(
    ("text", "value", "printed"),
    [
        (r"a\tb\n\x"[:-2], None, b"a\tb\n"),
        (r"\101\0\\\"%%", None, b'A\0\\"%'),
        ("%p|", 0xFFFF, b"0xffff|"),
        ("%20p|", 0xFFFF, b"              0xffff|"),
        ("%c|%%", 0x141, b"A|%"),
        ("%-3c|", 0x41, b"A  |"),
        ("%s|", 0x10, b"string|"),
        ("%.3s|", 0x10, b"str|"),
        ("%.0s|", 0x10, b"|"),
        ("%8s|", 0x10, b"  string|"),
        ("%-8s|", 0x10, b"string  |"),
    ],
)
def test_other_conversions(text, value, printed):
    format = parse_format(text.encode())
    arguments = [] if value is None else [value]
    assert format.print(arguments, lambda address, most: b"string"[:most]) == printed


@pytest.mark.parametrize("text", ["%", "%*d", "%n", "%f", "%ls", "%lc", "%5000d", "%.5000d", "\\q", "\\", "%Lf"])
def test_formats_that_cannot_be_printed(text):
    with pytest.raises(FormatError):
        parse_format(text.encode())

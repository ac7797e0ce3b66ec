"""The pattern language, thread ids and the packet table."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbstub.errors import MalformedPacket, TableError
from gdbstub.pattern import Pattern
from gdbstub.protocol import TABLE, TOPICS
from gdbstub.registry import PacketTable
from gdbstub.target import Breakpoints
from gdbstub.threadid import ThreadId, format_id, parse_thread_id

WORD = (1 << 64) - 1


@pytest.mark.parametrize(
    ("pattern", "packet", "values"),
    [
        ("m{a:hex},{b:hex}", b"m1000,4", [0x1000, 4]),
        ("m{a:hex},{b:hex}", b"mFFFFFFFFFFFFFFFF,0", [WORD, 0]),
        ("m{a:hex},{b:hex}", b"m00000000000000000000ff,4", [0xFF, 4]),
        ("m{a:hex},{b:hex}", b"m1ffffffffffffffff,4", None),
        ("m{a:hex},{b:hex}", b"m1000", None),
        ("m{a:hex},{b:hex}", b"m1000,4,", None),
        ("m{a:hex},{b:hex}", b"m-1,4", None),
        ("m{a:hex},{b:hex}", b"m 1,4", None),
        ("m{a:hex},{b:hex}", b"m0x1,4", None),
        ("Hg{t:thread}", b"Hg-1", [ThreadId(-1)]),
        ("Hc{t:thread}", b"Hc0", [ThreadId(0)]),
        ("T{t:thread}", b"Tp1.2", [ThreadId(2, 1)]),
        ("T{t:thread}", b"Tp1.-1", [ThreadId(-1, 1)]),
        ("T{t:thread}", b"Tp-1", [ThreadId(-1, -1)]),
        ("T{t:thread}", b"T", None),
        ("T{t:thread}", b"Tx", None),
        ("X{a:hex}:{data:rest}", b"X0:\n:#\xff\0", [0, b"\n:#\xff\0"]),
        ("P{n:hex}={v:hexbytes}", b"P1=00fF", [1, b"\0\xff"]),
        ("P{n:hex}={v:hexbytes}", b"P1=0", None),
        ("P{n:hex}={v:hexbytes}", b"P1=", [1, b""]),
        ("q:{a:text}:{n:hex},{m:hex}", b"q:target.xml:0,ffb", ["target.xml", 0, 0xFFB]),
        ("q:{a:text}:{n:hex},{m:hex}", b"q::0,1", ["", 0, 1]),
        ("qC", b"qC", []),
        ("qC", b"qC1", None),
        ("qC", b"qC\n", None),
    ],
)
def test_match(pattern, packet, values):
    assert Pattern(pattern).match(packet) == values


@given(st.integers(0, WORD), st.integers(0, WORD))
def test_numbers_round_trip(a, b):
    assert Pattern("m{a:hex},{b:hex}").match(b"m%x,%X" % (a, b)) == [a, b]


@given(st.binary(max_size=60))
def test_any_bytes_match_or_do_not(packet):
    for row in TABLE.rows:
        with contextlib.suppress(MalformedPacket):
            row.pattern.match(packet)


@given(st.sampled_from(TABLE.rows), st.text("0123456789abcdefgGpP:;,=-.", max_size=20))
def test_whatever_does_not_match_is_complained_of(row, text):
    packet = row.pattern.prefix + text.encode()
    with contextlib.suppress(MalformedPacket):
        if row.pattern.match(packet) is None and row.pattern.names:
            agrees, complaint = row.pattern.complain(packet)
            assert len(row.pattern.prefix) <= agrees <= len(packet)
            assert any(f"{name} " in complaint for name in row.pattern.names)


@pytest.mark.parametrize("pattern", ["m{a:hexx}", "m{a", "m{a:hex},{a:hex}", "m{a:hex}{b:hex}", "m}", "{a:hex}"])
def test_bad_patterns_are_refused(pattern):
    with pytest.raises(TableError):
        PacketTable().packet(pattern)(lambda session, a: b"")


@given(st.integers(-1, (1 << 63) - 1), st.none() | st.integers(-1, (1 << 63) - 1))
def test_thread_ids_round_trip(thread, process):
    identifier = ThreadId(thread, process)
    assert parse_thread_id(str(identifier).encode()) == identifier


@pytest.mark.parametrize("text", [b"", b"-2", b"--1", b"p", b"p.", b"p1.", b"1.2", b"g", b"p-2.1", b"f" * 17])
def test_bad_thread_ids_are_refused(text):
    with pytest.raises(MalformedPacket):
        parse_thread_id(text)


def test_all_threads_are_minus_one():
    assert (format_id(-1), format_id(0x1F)) == ("-1", "1f")


def handle(session, address=0):
    """Do something. And more."""
    return b"%x" % address


def test_fields_must_fit_the_handler():
    with pytest.raises(TableError, match="takes"):
        PacketTable().packet("m{length:hex}")(handle)


def test_a_pattern_has_one_row():
    table = PacketTable()
    table.packet("m{address:hex}")(handle)
    with pytest.raises(TableError, match="two rows"):
        table.packet("m{address:hex}")(handle)


def test_longest_prefix_wins_in_any_order():
    table = PacketTable()

    def long(session, address):
        return b"long"

    table.packet("v{address:hex}")(handle)
    table.packet("vab:{address:hex}")(long)
    table.packet("vab")(handle)
    find = table.for_target(object()).find
    assert find(b"vab:1") == (long, [1])
    assert find(b"vab") == (handle, [])
    assert find(b"va") == (handle, [0xA])
    assert find(b"w1") == (None, [])
    assert find(b"") == (None, [])
    with pytest.raises(MalformedPacket):
        find(b"vab:zz")


def test_rows_need_powers():
    table = PacketTable()
    table.packet("Z{address:hex}", needs=Breakpoints, feature="swbreak+")(handle)
    table.announce("a+", offered="b")
    assert table.for_target(object()).find(b"Z1") == (None, [])
    assert table.for_target(object()).features({}) == []
    assert table.for_target(object()).features({"b": "+"}) == ["a+"]


def test_description_names_every_row():
    rows = list(TABLE.describe())
    assert len(rows) == len(TABLE.rows)
    assert all(row.meaning.endswith(".") for row in rows)
    assert {row.topic for row in rows} == {topic.__name__.rpartition(".")[2] for topic in TOPICS}
    insert = next(row for row in rows if row.pattern.startswith("Z0"))
    assert (insert.needs, insert.feature) == ("Breakpoints", "swbreak+")

"""The wire codec: framing, escapes, run lengths, acknowledgements; under any chunking and any damage."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gdbstub.errors import MalformedPacket
from gdbstub.link import MOST_RETRIES, Link
from gdbstub.wire import (
    Decoder,
    Mark,
    Notification,
    checksum,
    compress,
    escape,
    expand,
    frame,
    notification,
    repeat,
    unescape,
)

payloads = st.binary(max_size=400) | st.lists(
    st.tuples(st.sampled_from([b"0", b"f", b"\0", b"x", b"}", b"*", b"a"]), st.integers(1, 300)), max_size=5
).map(lambda runs: b"".join(byte * count for byte, count in runs))


def decode(data, *, cuts=(), run_lengths=True, limit=1 << 16):
    decoder, events, start = Decoder(limit, run_lengths=run_lengths), [], 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        events += decoder.feed(data[start:cut])
        start = max(start, cut)
    return events


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"$qC#b4", [b"qC"]),
        (b"$#00", [b""]),
        (b"$m0,4#fd", [b"m0,4"]),
        (b"$qC#B4", [b"qC"]),
        (b"$#", []),
        (b"$a", []),
        (b"+-\x03", [Mark.ACK, Mark.NAK, Mark.INTERRUPT]),
        (b"+$qC#b4\x03", [Mark.ACK, b"qC", Mark.INTERRUPT]),
        (b"$qC#b5", [Mark.CORRUPT]),
        (b"$qC#zz", [Mark.CORRUPT]),
        (b"$qC#\x00\x00$qC#b4", [Mark.CORRUPT, b"qC"]),
        (b"$qC#$qC#b4", [Mark.CORRUPT, b"qC"]),  # the checksum was lost
        (b"$m12$qC#b4", [b"qC"]),  # the sender began anew
        (b"junk\r\n#00 ~$qC#b4junk", [b"qC"]),
        (b"50% $qC#b4", [b"qC"]),
        (b"%Stop:T05#99", [Notification(b"Stop:T05")]),
        (b"$a}\x03b#43", [b"a#b"]),  # within a packet 0x03 is data
        (b"$a}]#3b", [b"a}"]),
    ],
)
def test_stream(stream, events):
    assert decode(stream, run_lengths=False) == events
    assert decode(stream, cuts=range(len(stream)), run_lengths=False) == events


@given(payloads)
def test_checksum_is_the_sum(data):
    assert checksum(data) == sum(data) % 256


@pytest.mark.parametrize("length", [255, 256, 257, 511, 512, 513, 70_000])
@pytest.mark.parametrize("byte", [0x00, 0x7F, 0x80, 0xFF])
def test_checksum_of_extremes(byte, length):
    assert checksum(bytes((byte,)) * length) == byte * length % 256


@given(st.binary(max_size=300))
@example(b"}]\x03")
@example(b"}}##$$**")
def test_escape_round_trip(data):
    escaped = escape(data)
    assert unescape(escaped) == data
    assert not set(b"#$*") & set(escaped)


def test_unescape_takes_any_escaped_byte():
    assert unescape(b"a}Ab}}c}") == b"aab]c}"


@given(st.sampled_from([b"0", b"f"]), st.integers(0, 1000))
def test_repeat_round_trip(byte, count):
    encoded = repeat(byte, count)
    assert expand(encoded) == byte * count
    assert b"#" not in encoded and b"$" not in encoded
    assert all(c <= 126 for c in encoded)


@pytest.mark.parametrize(
    ("count", "encoded"), [(3, b"000"), (4, b"0* "), (7, b'0*"0'), (8, b'0*"00'), (9, b"0*%"), (98, b"0*~")]
)
def test_repeat_as_in_the_manual(count, encoded):
    assert repeat(b"0", count) == encoded


@given(payloads)
@example(b"0" * 92 + b"x" * 40)  # the count of the first run is an x
@example(b"f" * 40 + b"0" * 40 + b"f" * 40)
def test_compress_round_trip(data):
    escaped = escape(data)
    packed = compress(escaped)
    assert expand(packed) == escaped
    assert len(packed) <= len(escaped)


def test_compress_wins_on_empty_memory():
    assert len(frame(b"00" * 4096)) < 300


@pytest.mark.parametrize("data", [b"*", b"*!", b"0*", b"0*\x1f", b"0*\x7f", b"0*\xff"])
def test_expand_rejects(data):
    with pytest.raises(MalformedPacket):
        expand(data)


@given(st.lists(payloads, max_size=5), st.lists(st.integers(0, 5000), max_size=20))
def test_round_trip_in_any_pieces(packets, cuts):
    stream = b"".join(b"+" + frame(packet) for packet in packets)
    assert [e for e in decode(stream, cuts=cuts) if e is not Mark.ACK] == packets


@given(st.lists(payloads, max_size=5), st.lists(st.integers(0, 5000), max_size=20))
def test_requests_round_trip_in_any_pieces(packets, cuts):
    stream = b"\x03".join(frame(packet, run_lengths=False) for packet in packets)
    events = decode(stream, cuts=cuts, run_lengths=False)
    assert [e for e in events if e is not Mark.INTERRUPT] == packets


@given(payloads.filter(bool), st.data())
def test_damage_is_noticed(payload, data):
    packet = bytearray(frame(payload))
    index = data.draw(st.integers(1, len(packet) - 4))
    packet[index] ^= data.draw(st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128]))
    assert payload not in decode(bytes(packet))


@given(st.binary(max_size=600), st.lists(st.integers(0, 600), max_size=10), st.booleans())
def test_garbage_never_raises(data, cuts, run_lengths):
    decoder = Decoder(64, run_lengths=run_lengths)
    start = 0
    for cut in [*sorted(cuts), len(data)]:
        decoder.feed(data[start:cut])
        start = max(start, cut)
    decoder.feed(b"#00#00")  # ends whatever was open
    assert decoder.feed(b"$qC#b4")[-1] == b"qC"


@given(payloads)
def test_notifications(payload):
    assert decode(notification(payload)) == [Notification(payload)]


@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_oversize_is_refused_without_being_kept(chunk):
    decoder = Decoder(1000)
    stream = b"$" + b"A" * 100_000 + b"#00$qC#b4"
    events = []
    for start in range(0, len(stream), chunk):
        events += decoder.feed(stream[start : start + chunk])
        assert len(decoder._buffer) <= 1000 + chunk
    assert events == [Mark.OVERSIZE, b"qC"]


def test_limit_is_exact():
    assert decode(frame(b"A" * 1000), limit=1000) == [b"A" * 1000]
    assert decode(frame(b"A" * 1001), limit=1000) == [Mark.OVERSIZE]


def link(*, client=False):
    sent = []
    return Link(sent.append, limit=1000, client=client), sent


def test_packets_are_acknowledged_with_the_reply():
    server, sent = link()
    assert server.receive(b"$qC#b4") == [b"qC"]
    server.send(b"QC1")
    assert sent == [b"+$QC1#c5"]
    server.flush()
    assert len(sent) == 1


def test_damage_is_refused():
    server, sent = link()
    assert server.receive(b"$qC#b5") == []
    server.flush()
    assert sent == [b"-"]


def test_damage_without_acknowledgements_is_told():
    server, _ = link()
    server.acknowledge = False
    assert server.receive(b"$qC#b5") == [Mark.CORRUPT]


def test_refused_packets_are_sent_again_but_not_for_ever():
    server, sent = link()
    server.send(b"OK")
    for _ in range(MOST_RETRIES + 5):
        server.receive(b"-")
    assert sent == [b"$OK#9a"] * (MOST_RETRIES + 1)


def test_each_acknowledgement_settles_the_oldest():
    server, sent = link()
    server.send(b"O41")
    server.send(b"OK")
    server.receive(b"+-")
    assert sent[2:] == [b"$OK#9a"]
    server.receive(b"+-")
    assert len(sent) == 3


def test_stray_acknowledgements_do_nothing():
    server, sent = link()
    assert server.receive(b"++--") == []
    assert sent == []


def test_a_client_sends_no_run_lengths():
    client, sent = link(client=True)
    client.send(b"0" * 100)
    assert sent[0][1:-3] == b"0" * 100


def test_trace_shows_both_directions():
    lines = []
    server = Link(lambda data: None, limit=100, trace=lambda direction, data: lines.append((direction, data)))
    server.receive(b"+$qC#b4")
    server.send(b"QC1")
    assert lines == [("<-", b"(ack)"), ("<-", b"qC"), ("->", b"QC1")]

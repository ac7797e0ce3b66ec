"""Tracepoints on the toy: defined, hit without a stop, looked at frame by frame, read back, and ended in every way."""

import struct
from xml.etree import ElementTree

import pytest

from gdbstub.resident import Resident
from gdbstub.target import CONTINUE
from gdbstub.trace.frames import Buffer, Frame
from tests.protocol.expressions import RAX_IS, STORE, expression, printed, printing
from tests.protocol.toy import RAX, REGISTERS, Conversation

RAX_HEX = slice(0, 16)


def define(talk, number=1, address=STORE, *, steps=0, passes=0, condition=b"", actions=(), step_actions=()):
    head = b"QTDP:%x:%x:E:%x:%x%s" % (number, address, steps, passes, b":" + condition if condition else b"")
    place = b"QTDP:-%x:%x:" % (number, address)
    more = [place + action for action in actions] + [
        place + (b"S" if not index else b"") + action for index, action in enumerate(step_actions)
    ]
    for packet in [head, *more]:
        assert talk(packet + (b"-" if packet is not ([head, *more])[-1] else b"")) == b"OK"


def run_to(talk, value, at=0x1007):
    """Let the first processor run until its store of a value is done."""
    assert talk(b"Z0,%x,1;%s" % (at, expression(RAX_IS.format(value)))) == b"OK"
    replies = talk.all(b"vCont;c:1")
    assert replies[-1][:3] == b"T05"
    assert talk(b"z0,%x,1" % at) == b"OK"
    return replies


def trace(talk, value, **definition):
    """Trace until a value is stored."""
    assert talk(b"QTinit") == b"OK"
    define(talk, **definition)
    assert talk(b"QTStart") == b"OK"
    return run_to(talk, value)


def status(talk):
    words = talk(b"qTStatus").decode().split(";")
    return words[0], words[1], dict(word.split(":", 1) for word in words[2:])


def rax_of_frame(talk):
    return int.from_bytes(bytes.fromhex(talk(b"p0").decode()), "little")


def test_registers_are_collected_at_each_hit_without_a_stop(talk, target):
    replies = trace(talk, 5, actions=[b"R03"])
    assert len(replies) == 1, "the breakpoint's stop alone"
    assert status(talk)[0] == "T1" and status(talk)[2]["tframes"] == "5"
    assert talk(b"qTP:1:%x" % STORE).startswith(b"V5:")
    assert talk(b"QTStop") == b"OK"
    for number in range(5):
        assert talk(b"QTFrame:%x" % number) == b"F%xT1" % number
        assert rax_of_frame(talk) == number + 1
        assert len(talk(b"g")) == 2 * REGISTERS.length
        assert talk(b"p10") == STORE.to_bytes(8, "little").hex().encode()
    assert talk(b"QTFrame:5") == b"F-1"
    assert talk(b"QTFrame:ffffffff") == b"OK"
    assert rax_of_frame(talk) == target.get(1, RAX) == 5
    assert not target.breakpoints and not target.questions


def test_memory_is_collected_by_range_and_by_register(talk):
    trace(talk, 2, actions=[b"M-1,2000,10MFFFFFFFF,2100,4", b"M5,8,2M5,-4,2"])
    assert talk(b"QTFrame:1") == b"F1T1"
    assert talk(b"m2008,1") == b"01" and talk(b"x2008,1") == b"b\x01"
    assert talk(b"m2000,40") == b"00" * 8 + b"01" + b"00" * 9, "two pieces side by side read as one"
    assert talk(b"m2100,10") == b"00000000"
    assert talk(b"m1000,4") == b"E0e"
    assert talk(b"g")[: 2 * 16 * 8] == b"xx" * 128
    assert talk(b"p10") == STORE.to_bytes(8, "little").hex().encode(), "the program counter is always known"
    assert talk(b"p0") == b"xx" * 8


def test_memory_that_cannot_be_read_is_left_out(talk):
    trace(talk, 1, actions=[b"M-1,0,10M-1,2f00,4000M-1,2008,1"])
    assert talk(b"QTFrame:0") == b"F0T1"
    assert talk(b"m0,1") == b"E0e"
    assert len(talk(b"m2f00,1000")) == 2 * 0x100
    assert talk(b"m2008,1") == b"00"


def test_read_only_ranges_come_from_the_target(talk):
    trace(talk, 1)
    talk(b"QTro:1000,1004:1100,1101")
    talk(b"QTFrame:0")
    assert talk(b"m1000,10") == b"909048ff"
    assert talk(b"m1004,1") == b"E0e"


def test_expressions_collect_and_count(talk):
    code = [
        "232008 0d01 29 2e0007 27",  # trace_quick 1 byte; tracev 7
        "2c0007 2201 02 2d0007 29 27",  # $7 += 1
        "231000 2204 0c 27",
        "231100 2240 2f 27",  # tracenz: int3, then zeros
    ]
    talk(b"QTinit")
    assert talk(b"QTDV:7:000000000000000a:0:636f756e74") == b"OK"
    define(talk, actions=[expression(text) for text in code])
    talk(b"QTStart")
    run_to(talk, 3)
    talk(b"QTFrame:2")
    assert talk(b"qTV:7") == b"Vc" and talk(b"qTV:8") == b"U"
    assert (talk(b"m2008,1"), talk(b"m1000,8"), talk(b"m1100,8")) == (b"02", b"909048ff", b"cc00")
    document = talk(b"qXfer:traceframe-info:read::0,1000")
    root = ElementTree.fromstring(
        document[1:].decode().partition("<!DOCTYPE")[0] + document.decode().partition('dtd">')[2]
    )
    assert [(memory.get("start"), memory.get("length")) for memory in root.iter("memory")] == [
        *(("0x2008", "0x1"), ("0x1000", "0x4"), ("0x1100", "0x2"))
    ]
    assert [variable.get("id") for variable in root.iter("tvar")] == ["7"]
    talk(b"QTFrame:-1")
    assert talk(b"qTV:7") == b"Vd"
    assert talk(b"qXfer:traceframe-info:read::0,1000") == b"E02"


def test_a_condition_chooses_the_hits(talk):
    trace(talk, 9, condition=expression("260000 2201 0f 27"), actions=[b"R1"])
    assert status(talk)[2]["tframes"] == "5"
    talk(b"QTFrame:1")
    assert rax_of_frame(talk) == 3


def test_a_disabled_tracepoint_collects_nothing(talk):
    talk(b"QTinit")
    define(talk, actions=[b"R1"])
    assert talk(b"QTDisable:1:%x" % STORE) == b"OK"
    talk(b"QTStart")
    run_to(talk, 3)
    assert status(talk)[2]["tframes"] == "0"
    assert talk(b"QTEnable:1:%x" % STORE) == b"OK"
    run_to(talk, 5)
    assert status(talk)[2]["tframes"] == "2"


def test_stepping_collects_after_each_instruction(talk, target):
    trace(talk, 2, steps=3, actions=[b"R1"], step_actions=[b"R1M-1,2008,1"])
    frames = []
    while talk(b"QTFrame:%x" % len(frames)) != b"F-1":
        frames.append((int.from_bytes(bytes.fromhex(talk(b"p10").decode()), "little"), talk(b"m2008,1")))
    assert frames[:5] == [(STORE, b"E0e"), (0x1007, b"01"), (0x1009, b"01"), (0x1000, b"01"), (STORE, b"E0e")]
    assert target.get(1, RAX) == 2


def test_a_breakpoint_on_the_way_of_steps_stops(talk):
    talk(b"qSupported:swbreak+")
    talk(b"QTinit")
    define(talk, steps=5, step_actions=[b"R1"])
    talk(b"QTStart")
    talk(b"Z0,1009,1")
    assert b"swbreak" in talk(b"vCont;c:1")
    assert status(talk)[2]["tframes"] == "3"
    talk(b"z0,1009,1")
    run_to(talk, 2, at=0x1002)
    assert status(talk)[2]["tframes"] == "c", "the three steps that were left, and a hit with its five"


def test_a_breakpoint_at_a_tracepoint_stops_and_collects(talk):
    talk(b"qSupported:swbreak+")
    talk(b"QTinit")
    define(talk, actions=[b"R1"])
    talk(b"QTStart")
    talk(b"Z0,%x,1" % STORE)
    for hits in (1, 2):
        assert b"swbreak" in talk(b"vCont;c:1")
        assert status(talk)[2]["tframes"] == str(hits)


def test_a_step_onto_a_tracepoint_collects(talk):
    talk(b"QTinit")
    define(talk, actions=[b"R1"])
    talk(b"QTStart")
    for _ in range(4):
        talk(b"vCont;s:1")
    assert status(talk)[2]["tframes"] == "1"


def test_passes_end_tracing(talk, target):
    trace(talk, 6, passes=3, actions=[b"R1"])
    running, why, figures = status(talk)
    assert (running, why, figures["tframes"]) == ("T0", "tpasscount:1", "3")
    assert not target.breakpoints


def test_a_full_buffer_ends_tracing(talk):
    talk(b"QTinit")
    talk(b"QTBuffer:size:%x" % (2 * (REGISTERS.length + 7) + 5))
    define(talk, actions=[b"R1"])
    talk(b"QTStart")
    run_to(talk, 6)
    running, why, figures = status(talk)
    assert (running, why, figures["tframes"], figures["tfree"]) == ("T0", "tfull:0", "2", "5")


def test_a_circular_buffer_keeps_the_newest(talk):
    talk(b"QTinit")
    talk(b"QTBuffer:size:%x" % (2 * (REGISTERS.length + 7)))
    talk(b"QTBuffer:circular:1")
    define(talk, actions=[b"R1"])
    talk(b"QTStart")
    run_to(talk, 6)
    figures = status(talk)[2]
    assert (figures["tframes"], figures["tcreated"], figures["circular"]) == ("2", "6", "1")
    talk(b"QTFrame:0")
    assert rax_of_frame(talk) == 5


def test_an_error_ends_tracing_and_is_told(talk):
    trace(talk, 6, actions=[b"R1", expression("2201 2200 06 29 27")])
    running, why, figures = status(talk)
    word, text, number = why.split(":")
    assert (running, word, bytes.fromhex(text), number) == ("T0", "terror", b"division by zero", "1")
    assert figures["tframes"] == "1", "what was collected before stays"
    trace(talk, 12, condition=expression("2210 19 27"))
    assert status(talk)[1].startswith("terror:")


def test_frames_are_found_by_every_form(talk):
    talk(b"QTinit")
    define(talk, 1, STORE)
    define(talk, 0x2A, 0x1000)
    talk(b"QTStart")
    run_to(talk, 4)
    assert status(talk)[2]["tframes"] == "7"
    assert [talk(b"QTFrame:tdp:2a") for _ in range(3)] == [b"F1T2a", b"F3T2a", b"F5T2a"]
    talk(b"QTFrame:ffffffff")
    assert [talk(b"QTFrame:pc:%x" % STORE) for _ in range(2)] == [b"F0T1", b"F2T1"]
    assert talk(b"QTFrame:range:1001:1005") == b"F4T1"
    assert talk(b"QTFrame:outside:1001:1005") == b"F5T2a"
    assert talk(b"QTFrame:range:5000:6000") == b"F-1"
    assert talk(b"QTFrame:tdp:2a") == b"F-1", "the frame before stays selected"


def test_a_selected_frame_cannot_be_changed_and_ends_with_a_resumption(talk):
    trace(talk, 2, actions=[b"R1"])
    talk(b"QTFrame:0")
    for packet in (b"P0=8877665544332211", b"M2000,1:00", b"X2000,1:a", b"G" + b"00" * REGISTERS.length):
        assert talk(packet) == b"E1e"
    talk(b"vCont;s:1")
    assert rax_of_frame(talk) == 2


def test_definitions_are_read_back(talk):
    talk(b"QTinit")
    condition = expression("260000 27")
    define(talk, 3, STORE, steps=2, passes=9, condition=condition, actions=[b"R1", b"M-1,2000,4"], step_actions=[b"R1"])
    assert talk(b"QTDPsrc:3:1005:cmd:0:4:636f6c") == b"OK"
    assert talk(b"QTDPsrc:3:1005:cmd:3:4:6c") == b"OK"
    talk(b"QTDV:2:fffffffffffffffb:0:6e")
    pieces = [talk(b"qTfP")]
    while pieces[-1] != b"l":
        pieces.append(talk(b"qTsP"))
    assert pieces == [
        *(b"T3:1005:E:2:9:" + condition, b"A3:1005:R1", b"A3:1005:M-1,2000,4", b"S3:1005:R1"),
        *(b"Z3:1005:cmd:0:4:636f6c6c", b"l"),
    ]
    assert [talk(b"qTfV"), talk(b"qTsV")] == [b"2:fffffffffffffffb:0:6e", b"l"]


def test_the_buffer_has_the_format_of_trace_files(talk):
    trace(talk, 2, actions=[b"RffM-1,2008,1"])
    data, offset = b"", 0
    while (piece := talk(b"qTBuffer:%x,70" % offset)) != b"l":
        data += bytes.fromhex(piece.decode())
        offset = len(data)
    for value in (1, 2):
        number, length = struct.unpack_from("<HI", data)
        block, data = data[6 : 6 + length], data[6 + length :]
        assert (number, block[:1], block[1]) == (1, b"R", value)
        assert block[1 + REGISTERS.length :] == struct.pack("<cQHB", b"M", 0x2008, 1, value - 1)
    assert data == b""


def test_a_tracepoint_defined_while_tracing_runs_collects(talk):
    talk(b"QTinit")
    talk(b"QTStart")
    define(talk, actions=[b"R1"])
    run_to(talk, 3)
    assert status(talk)[2]["tframes"] == "3"


@pytest.mark.parametrize(("stays", "running"), [(0, "T0"), (1, "T1")])
def test_when_the_client_goes_tracing_ends_unless_it_shall_stay(target, stays, running):
    resident = Resident(target)
    first = Conversation(target, resident=resident)
    first(b"QTinit")
    define(first, actions=[b"R1"])
    first(b"QTDisconnected:%d" % stays)
    first(b"QTNotes:user:6d65;notes:616e64;tstop:;")
    first(b"QTStart")
    first.session.disarm()
    target.resume({1: CONTINUE})
    assert resident.run_slice() is None
    target.interrupt()
    second = Conversation(target, resident=resident)
    state, why, figures = status(second)
    assert state == running and (figures["username"], figures["disconn"]) == ("6d65", str(stays))
    assert (int(figures["tframes"], 16) > 10) == bool(stays)
    assert why == ("tnotrun:0" if stays else "tdisconnected:0")


def test_a_stop_is_told_with_its_note(talk):
    talk(b"QTStart")
    talk(b"QTNotes:tstop:656e6f756768")
    talk(b"QTStop")
    assert status(talk)[1] == "tstop:656e6f756768:0"


def test_commands_beside_tracepoints_print(talk):
    talk(b"QTinit")
    define(talk, actions=[b"R1"])
    talk(b"QTStart")
    talk(b"Z1,%x,1;cmds:0,%s" % (STORE, printing("%d ", 0)))
    assert printed(run_to(talk, 3)) == b"1 2 3 "
    assert status(talk)[2]["tframes"] == "3"


# fmt: off
REFUSED = [
    (b"QTDP:1:1000:E:0:0:F5",             "fast and static tracepoints change the guest"),
    (b"QTDP:1:1000:E:0:0:S",              "fast and static tracepoints change the guest"),
    (b"QTDP:1:1000:E:0:0:X2,3127",        "there is no opcode 0x31"),
    (b"QTDP:-9:1000:R1",                  "there is no tracepoint 9 at 0x1000"),
    (b"QTDP:-1:1005:X2,3127",             "there is no opcode 0x31"),
    (b"QTDPsrc:9:1000:at:0:0:",           "there is no tracepoint 9"),
    (b"QTEnable:9:1000",                  "there is no tracepoint 9"),
    (b"qTP:9:1000",                       "there is no tracepoint 9"),
    (b"QTSave:/etc/passwd",               "files of the host are out of reach"),
    (b"qTMinFTPILen",                     "there are no fast tracepoints"),
    (b"QTBuffer:size:fffffffff",          "a trace buffer of 68719476735 bytes"),
]
# fmt: on


@pytest.mark.parametrize(("packet", "text"), REFUSED, ids=lambda value: repr(value)[2:22])
def test_refused_in_words(talk, packet, text):
    talk(b"qSupported:error-message+")
    define(talk)
    assert text in talk(packet).decode()


@pytest.mark.parametrize(
    "packet",
    [b"QTDP:", b"QTDP:1:1000:E", b"QTDP:1:1000:Q:0:0", b"QTDP:-1:1005:Q1", b"QTDP:-1:1005:M1", b"QTFrame:x",
     b"QTDP:-1:1005:X3,2701", b"QTFrame:pc:", b"QTBuffer:size:x", b"QTro:1", b"QTNotes:other:00", b"QTDV:1"],
)  # fmt: skip
def test_packets_that_cannot_be_read(talk, packet):
    define(talk)
    assert talk(packet) == b"E16"


def test_a_buffer_of_many_frames_reads_by_pieces():
    buffer, frames = Buffer(), [Frame(number, 0x1000, None, [(number, bytes(number))]) for number in range(50)]
    assert all(buffer.add(frame) for frame in frames)
    whole = b"".join(frame.encode("<") for frame in frames)
    assert buffer.used == len(whole)
    assert b"".join(buffer.read(at, 37, "<") for at in range(0, len(whole), 37)) == whole
    assert buffer.read(len(whole), 10, "<") == b""


def test_more_than_the_buffer_holds_is_never_collected(talk):
    many = b"M-1,2000,ffffffff" * 50
    trace(talk, 3, actions=[many])
    assert status(talk)[1] == "tfull:0" and status(talk)[2]["tframes"] == "0"
    trace(talk, 6, actions=[b"M-1,0,3fffff"])
    assert status(talk)[2]["tframes"] == "3", "what cannot be read takes room while it is tried, not afterwards"


def test_definitions_are_bounded(talk):
    talk(b"qSupported:error-message+")
    define(talk)
    reply = b"OK"
    for _ in range(40):
        reply = talk(b"QTDP:-1:%x:" % STORE + b"M-1,2000,4" * 5000)
    assert b"more than 1048576 bytes" in reply
    assert b"more than 1048576 bytes" in talk(b"QTDPsrc:1:%x:cmd:0:1:" % STORE + b"61" * 60000)

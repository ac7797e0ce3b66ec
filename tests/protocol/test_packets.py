"""A row per packet: what is sent, what must come back."""

import errno
import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from gdbstub.errors import TargetError, plain
from gdbstub.protocol import TABLE
from gdbstub.stopreply import Exited, Noted, Stopped, Terminated, WatchKind, WatchpointHit
from gdbstub.target import CONTINUE, STEP, Action
from gdbstub.values import Offsets, ThreadInfo
from gdbstub.wire import frame
from tests.protocol.test_branches import ROWS as BRANCH_ROWS
from tests.protocol.test_files import ROWS as FILE_ROWS
from tests.protocol.test_programs import ROWS as PROGRAM_ROWS
from tests.protocol.test_signals import ROWS as SIGNAL_ROWS
from tests.protocol.test_systemcalls import ROWS as CALL_ROWS
from tests.protocol.toy import BASE, LENGTH, REGISTERS, BareTarget, Conversation, ToyTarget

HERE = b"10:0010000000000000;07:0000000000000000;06:0000000000000000;12:10000000;11:00000000;"
STOP = b"T05thread:1;core:0;" + HERE
STEPPED = STOP.replace(b"10:00", b"10:01")
REGISTER_DIGITS = 2 * REGISTERS.length
LAST = BASE + LENGTH - 2
TRIPLE = b"x86_64-toy".hex().encode()
CORE_SET = b"encoding:uint;format:hex;set:org.gnu.gdb.i386.core;"


def crc32(data):
    """gdb's CRC (libiberty/crc32.c), bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


# fmt: off
ROWS = [
    # why it stopped, going on
    (b"?",                        STOP),
    (b"s",                        STEPPED),
    (b"s1007",                    STOP.replace(b"10:00", b"10:09")),
    (b"S05",                      STEPPED),
    (b"S05;1007",                 STOP.replace(b"10:00", b"10:09")),
    (b"S1ff",                     b"E16"),
    (b"c1100",                    STOP.replace(b"10:0010", b"10:0111")),
    (b"C05;1100",                 STOP.replace(b"10:0010", b"10:0111")),
    (b"c1200",                    b"W00"),
    (b"c9000",                    STOP.replace(b"T05", b"T0b").replace(b"10:0010", b"10:0090")),
    (b"cx",                       b"E16"),
    (b"S",                        b"E16"),
    (b"vCont?",                   b"vCont;c;C;s;S;t;r"),
    (b"vCont;s",                  STEPPED),
    (b"vCont;s:1",                STEPPED),
    (b"vCont;S05:1;c",            STEPPED),
    (b"vCont;s:p1.1;c:p1.-1",     STEPPED),
    (b"vCont;s:0",                STEPPED),
    (b"vCont;r1000,1005:1",       STOP.replace(b"10:00", b"10:05")),
    (b"vCont;r1000,1001:1;c",     STEPPED),
    (b"vCont;r0,0",               STEPPED),
    (b"vCont;s:7",                b"E03"),
    (b"vCont;t",                  b"E16"),
    (b"vCont;",                   b"E16"),
    (b"vCont;s:",                 STEPPED),
    (b"vCont;r1000:1",            b"E16"),
    (b"vCont",                    b""),
    (b"vCtrlC",                   b"OK"),
    # physical memory
    (b"qqemu.PhyMemMode",         b"0"),
    (b"Qqemu.PhyMemMode:1",       b"OK"),
    (b"Qqemu.PhyMemMode:0",       b"OK"),
    (b"Qqemu.PhyMemMode:2",       b"E16"),
    (b"qqemu.sstepbits",          b"ENABLE=1,NOIRQ=0,NOTIMER=0"),
    (b"Qqemu.sstepbits",          b"ENABLE=1,NOIRQ=0,NOTIMER=0"),
    # registers
    (b"p10",                      b"0010000000000000"),
    (b"p12",                      b"10000000"),
    (b"p27",                      b"xxxxxxxx"),
    (b"p999",                     b"E16"),
    (b"p",                        b"E16"),
    (b"P0=8877665544332211",      b"OK"),
    (b"P0=00",                    b"E16"),
    (b"P27=00000000",             b"E01"),
    (b"P999=00",                  b"E16"),
    (b"P0",                       b"E16"),
    (b"G00",                      b"E16"),
    (b"G" + b"0" * REGISTER_DIGITS,       b"OK"),
    (b"G" + b"0" * (REGISTER_DIGITS + 2), b"E16"),
    (b"G" + b"z" * REGISTER_DIGITS,       b"E16"),
    # memory
    (b"m1000,4",                  b"909048ff"),
    (b"m1000,0",                  b""),
    (b"m%x,10" % LAST,            b"0000"),
    (b"m2000000,4",               b"E0e"),
    (b"mffffffffffffffff,ffff",   b"E0e"),
    (b"m0,4",                     b"E0e"),
    (b"m1000",                    b"E16"),
    (b"m1000,4,4",                b"E16"),
    (b"mzz,4",                    b"E16"),
    (b"x1000,4",                  b"b\x90\x90\x48\xff"),
    (b"x%x,10" % LAST,            b"b\0\0"),
    (b"x1000,0",                  b"b"),
    (b"x0,0",                     b""),
    (b"x0,4",                     b"E0e"),
    (b"M2000,2:abcd",             b"OK"),
    (b"M2000,3:abcd",             b"E16"),
    (b"M2000,0:",                 b"OK"),
    (b"M2000,1:a",                b"E16"),
    (b"M%x,4:00000000" % LAST,    b"E0e"),
    (b"X2000,4:}#$*",             b"OK"),
    (b"X2000,0:",                 b"OK"),
    (b"X2000,3:abcd",             b"E16"),
    (b"X0,1:a",                   b"E0e"),
    (b"X2000",                    b"E16"),
    # breakpoints and watchpoints
    (b"Z0,1000,1",                b"OK"),
    (b"Z0,ffffffffffffffff,1",    b"OK"),
    (b"Z1,1000,1",                b"OK"),
    (b"Z2,2000,8",                b"OK"),
    (b"Z3,2000,8",                b"OK"),
    (b"Z4,2000,8",                b"OK"),
    (b"Z2,2000,0",                b"E16"),
    (b"z0,1000,1",                b"OK"),
    (b"z1,1000,1",                b"OK"),
    (b"z2,2000,8",                b"OK"),
    (b"z3,2000,8",                b"OK"),
    (b"z4,2000,8",                b"OK"),
    (b"Z0,1000",                  b"E16"),
    (b"Z0,1000,1;X3,220127",      b"OK"),
    (b"Z1,1000,1;X3,220127",      b"OK"),
    (b"Z2,2000,8;X3,220127",      b"OK"),
    (b"Z3,2000,8;X3,220127",      b"OK"),
    (b"Z4,2000,8;cmds:0,X1,27",   b"OK"),
    (b"Z0,1000,1;X2,2300",        b"E16"),
    (b"Z5,1000,1",                b""),
    (b"Z",                        b""),
    # tracepoints
    (b"QTinit",                   b"OK"),
    (b"QTDP:1:1000:E:0:0",        b"OK"),
    (b"QTDPsrc:1:1000:at:0:0:",   b"E02"),
    (b"QTDV:1:0:0:61",            b"OK"),
    (b"QTEnable:1:1000",          b"E02"),
    (b"QTDisable:1:1000",         b"E02"),
    (b"QTro:1000,2000",           b"OK"),
    (b"QTStart",                  b"OK"),
    (b"QTStop",                   b"OK"),
    (b"QTDisconnected:1",         b"OK"),
    (b"QTBuffer:circular:1",      b"OK"),
    (b"QTBuffer:size:-1",         b"OK"),
    (b"QTNotes:user:61;notes:;",  b"OK"),
    (b"qTStatus",                 b"T0;tnotrun:0;tframes:0;tcreated:0;tfree:400000;tsize:400000;circular:0;disconn:0;"
                                  b"starttime:0;stoptime:0;username:;notes::"),
    (b"qTP:1:1000",               b"E02"),
    (b"qTV:1",                    b"U"),
    (b"qTfP",                     b"l"),
    (b"qTsP",                     b"l"),
    (b"qTfV",                     b"l"),
    (b"qTsV",                     b"l"),
    (b"qTBuffer:0,100",           b"l"),
    (b"QTSave:61",                b"E01"),
    (b"qTMinFTPILen",             b"E5f"),
    (b"QTFrame:0",                b"F-1"),
    (b"QTFrame:ffffffff",         b"OK"),
    (b"qXfer:traceframe-info:read::0,100", b"E02"),
    # threads
    (b"Hg0",                      b"OK"),
    (b"Hg1",                      b"OK"),
    (b"Hg-1",                     b"OK"),
    (b"Hgp1.1",                   b"OK"),
    (b"Hc-1",                     b"OK"),
    (b"Hc2",                      b"OK"),
    (b"Hg9",                      b"E03"),
    (b"Hcx",                      b"E16"),
    (b"Hz1",                      b""),
    (b"T1",                       b"OK"),
    (b"T9",                       b"E03"),
    (b"T0",                       b"E03"),
    (b"T",                        b"E16"),
    (b"qC",                       b"QC1"),
    (b"qfThreadInfo",             b"m1,2"),
    (b"qsThreadInfo",             b"l"),
    (b"qThreadExtraInfo,1",       b"CPU 0 running <init>".hex().encode()),
    (b"qThreadExtraInfo,2",       b"CPU 1".hex().encode()),
    (b"qThreadExtraInfo,9",       b"E03"),
    # documents
    (b"qXfer:features:read:nosuch.xml:0,100",        b"E02"),
    (b"qXfer:features:read:target.xml:0,6",          b"m<?xml "),
    (b"qXfer:features:read:target.xml:fffff,6",      b"l"),
    (b"qXfer:features:read:target.xml",              b"E16"),
    (b"qXfer:features:write:target.xml:0:00",        b""),
    (b"qXfer:threads:read::0,15",                    b'm<?xml version="1.0"?>'),
    (b"qXfer:memory-map:read::0,15",                 b'm<?xml version="1.0"?>'),
    (b"qXfer:siginfo:read::0,100",                   b"lsignal }"),
    (b"qXfer:siginfo:read::0,4",                     b"msign"),
    (b"qXfer:osdata:read::0,15",                     b'm<?xml version="1.0"?>'),
    (b"qXfer:osdata:read:ports:0,15",                b'm<?xml version="1.0"?>'),
    (b"qXfer:osdata:read:nosuch:0,100",              b"E02"),
    (b"qXfer:osdata:write:ports:0:00",               b""),
    (b"qXfer:nosuch:read::0,100",                    b""),
    # looking through memory
    (b"qSearch:memory:1000;100;\x48\xff", b"1,1002"),
    (b"qSearch:memory:1000;3;\x48\xff", b"0"),
    (b"qSearch:memory:1000;2000;nothing", b"0"),
    (b"qSearch:memory:1000;100;",   b"E16"),
    (b"qSearch:memory:0;100;x",     b"E0e"),
    (b"qSearch:memory:2f00;200;x",  b"E0e"),
    (b"qSearch:memory:1000;ffffffffffffffff;x", b"E07"),
    (b"qCRC:1000,9",                b"C%x" % crc32(bytes.fromhex("90 90 48ffc0 8807 8a07"))),
    (b"qCRC:1000,0",                b"Cffffffff"),
    (b"qCRC:0,10",                  b"E0e"),
    (b"qCRC:1000,fffffffff",        b"E07"),
    # LLDB
    (b"qHostInfo",                  b"triple:%s;ptrsize:8;endian:little;" % TRIPLE),
    (b"qProcessInfo",               b"pid:1;triple:%s;ptrsize:8;endian:little;ostype:toy;" % TRIPLE),
    (b"qRegisterInfo0",             b"name:rax;bitsize:64;offset:0;" + CORE_SET),
    (b"qRegisterInfo10",            b"name:rip;bitsize:64;offset:128;" + CORE_SET + b"generic:pc;"),
    (b"qRegisterInfofff",           b"E16"),
    (b"qMemoryRegionInfo:1234",     b"start:1000;size:2000;permissions:rwx;"),
    (b"qMemoryRegionInfo:0",        b"start:0;size:1000;"),
    (b"qMemoryRegionInfo:fffffffffffffff0", b"start:3000;size:ffffffffffffcfff;"),
    (b"qWatchpointSupportInfo:",    b"num:65535;"),
    (b"QThreadSuffixSupported",     b""),
    # the rest
    (b"qAttached",                b"1"),
    (b"qAttached:1",              b"1"),
    (b"qSymbol::",                b"OK"),
    (b"qOffsets",                 b""),
    (b"qGDBServerVersion",        b"name:gdbstub;version:1.0;"),
    (b"QStartNoAckMode",          b"OK"),
    (b"vMustReplyEmpty",          b""),
    (b"vNoSuchPacket;1",          b""),
    (b"qRcmd,68656c6c",           b"O" + b"there is no command 'hell', see #1\n".hex().encode() + b"+OK"),
    (b"qRcmd,68656c6c6f",         b"O" + b"hello, ".hex().encode() + b"+O" + b"world\n".hex().encode() + b"+OK"),
    (b"qRcmd,xyz",                b"E16"),
    (b"qRcmd,6",                  b"E16"),
    (b"!",                        b"OK"),
    (b"D",                        b"OK"),
    (b"D;1",                      b"OK"),
    (b"D;zz",                     b"E16"),
    (b"vKill;1",                  b"OK"),
    (b"vKill;x",                  b"E16"),
    (b"vKill",                    b""),
    (b"QNonStop:0",               b"OK"),
    (b"QNonStop:1",               b"OK"),
    (b"QNonStop:2",               b"E16"),
    (b"vStopped",                 b"OK"),
    (b"QThreadEvents:1",          b""),
    (b"bs",                       b""),
    (b"bc",                       b""),
    (b"vFile:open:2f,0,0",        b""),
    (b"g1",                       b""),
    (b"",                         b""),
    (b"\xff\0\x80",               b""),
]
# fmt: on


@pytest.mark.parametrize(("packet", "reply"), ROWS, ids=lambda value: repr(value)[2:30])
def test_reply(talk, packet, reply):
    assert b"+".join(talk.all(packet)) == reply


def test_every_row_of_the_table_is_tried():
    tried = (
        {packet for packet, _ in (*ROWS, *FILE_ROWS, *BRANCH_ROWS)}
        | {packet for packet, *_ in (*CALL_ROWS, *PROGRAM_ROWS, *SIGNAL_ROWS)}
        | {
            b"qSupported",
            b"qSupported:x",
            b"g",
            b"jThreadsInfo",
            b"c",
            b"C05",
            b"k",
            b"R00",
            b"QThreadEvents:1",
        }
    )
    untried = [row.pattern.text for row in TABLE.rows if not any(matches(row, packet) for packet in tried)]
    assert not untried


def matches(row, packet):
    return packet.startswith(row.pattern.prefix) and row.pattern.match(packet) is not None


def test_long_reads_are_cut_to_a_packet(talk, target):
    target.read_memory = lambda address, length: bytes(length)
    assert len(talk(b"m1000,ffffffffffffffff")) == 0x20000
    assert len(talk(b"x1000,ffffffffffffffff")) == 0x10001


def test_the_features_are_those_of_the_table(talk):
    features = talk(b"qSupported").split(b";")
    assert features == [
        *(b"swbreak+", b"ConditionalBreakpoints+", b"hwbreak+", b"binary-upload+", b"QNonStop+"),
        *(b"QEnvironmentHexEncoded+", b"QEnvironmentUnset+", b"QEnvironmentReset+", b"QSetWorkingDir+"),
        *(b"QDisableRandomization+", b"QStartNoAckMode+"),
        *(b"vContSupported+", b"ConditionalTracepoints+", b"TracepointSource+", b"EnableDisableTracepoints+"),
        *(b"DisconnectedTracing+", b"QTBuffer:size+", b"qXfer:features:read+", b"qXfer:threads:read+"),
        *(b"qXfer:memory-map:read+", b"qXfer:osdata:read+", b"qXfer:traceframe-info:read+"),
        b"qXfer:siginfo:read+",
        *(b"BreakpointCommands+", b"PacketSize=20000", b"tracenz+", b"InstallInTrace+"),
    ]
    assert b"error-message+" in talk(b"qSupported:swbreak+;error-message+;x=1").split(b";")


@pytest.mark.parametrize("features", [b"", b";;;", b"+", b"=", b"a", b"a=b=c;\xff+", b"," * 9])
def test_strange_features_are_taken(talk, features):
    assert talk(b"qSupported:" + features).startswith(b"swbreak+")
    assert talk(b"qC") == b"QC1"


def test_g_and_G_are_inverse(talk, target):
    target.blocks[1][:] = bytes(index * 7 % 256 for index in range(REGISTERS.length))
    block = talk(b"g")
    assert bytes.fromhex(block.decode()) == target.blocks[1]
    assert talk(b"G" + block) == b"OK"
    assert talk(b"g") == block


def test_p_and_P_agree_with_g(talk, target):
    for slot in REGISTERS.slots[:40]:
        if target.read_register(1, slot.number) is None:
            continue
        value = bytes(range(1, slot.length + 1)).hex().encode()
        assert talk(b"P%x=%s" % (slot.number, value)) == b"OK"
        assert talk(b"p%x" % slot.number) == value
        assert talk(b"g")[2 * slot.offset : 2 * (slot.offset + slot.length)] == value


def test_writes_arrive(talk, target):
    assert talk(b"X2000,4:}#$*") == b"OK"
    assert talk(b"m2000,4") == b"7d23242a"
    assert talk(b"M2001,2:0102") == b"OK"
    assert talk(b"x2000,4") == b"b}\x01\x02*"


def test_threads_have_their_own_registers(talk, target):
    assert talk(b"Hg2") == b"OK"
    assert talk(b"P0=0200000000000000") == b"OK"
    assert talk(b"qC") == b"QC2"
    assert talk(b"Hg1") == b"OK"
    assert talk(b"p0") == b"0000000000000000"
    del target.blocks[2]
    assert talk(b"Hg2") == b"E03"


def test_a_selected_thread_may_die(talk, target):
    talk(b"Hg2")
    del target.blocks[2]
    assert talk(b"g") == b"E03"
    assert talk(b"Hg0") == b"OK"
    assert len(talk(b"g")) == REGISTER_DIGITS


def test_memory_and_commands_are_those_of_the_selected_thread(talk, target):
    target.read_memory = lambda address, length: bytes((target.selected,)) * length
    assert talk(b"m1000,2") == b"0101"
    talk(b"Hg2")
    assert talk(b"x1000,2") == b"b\2\2"
    for packet in (b"qRcmd," + b"hello".hex().encode(), b"X2000,1:a"):
        target.selected = None
        talk.all(packet)
        assert target.selected == 2
    del target.blocks[2]
    assert talk(b"m1000,2") == b"E03"


def test_a_thread_may_be_called_anything(talk, target):
    target.thread_info = lambda thread: ThreadInfo(thread, '\0"<&\ud800\U0001f4a5', None, "\x1b]]>&")
    names = [element.get("name") for element in ElementTree.fromstring(talk(b"qXfer:threads:read::0,1000")[1:])]
    assert names == ['?"<&?\U0001f4a5'] * 2
    assert b"<" in bytes.fromhex(talk(b"qThreadExtraInfo,1").decode())


def test_tables_of_the_system_are_documents(talk):
    types, ports = (
        ElementTree.fromstring(talk(b"qXfer:osdata:read:%s:0,1000" % annex)[1:]) for annex in (b"", b"ports")
    )
    assert (types.tag, types.get("type"), ports.get("type")) == ("osdata", "types", "ports")
    assert [[(cell.get("name"), cell.text) for cell in row] for row in types] == [
        [("Type", "ports"), ("Description", "I/O ports <of the toy>"), ("Title", "Ports")]
    ]
    assert [[cell.text for cell in row] for row in ports] == [["0x3f8", "serial & co"], ["0x60", "?"]]


def test_a_search_finds_what_lies_across_pieces(talk, target):
    memory = bytearray(3 << 16)
    memory[(1 << 16) - 2 : (1 << 16) + 2] = b"abcd"
    target.read_memory = lambda address, length: bytes(memory[address : address + min(length, 1000)])
    assert talk(b"qSearch:memory:0;30000;abcd") == b"1,fffe"
    assert talk(b"qSearch:memory:0;10001;abcd") == b"0"
    assert talk(b"qCRC:0,30000") == b"C%x" % crc32(bytes(memory))


def test_lldb_reads_threads_as_json(talk):
    first, second = json.loads(talk(b"jThreadsInfo"))
    assert (first["tid"], first["name"], first["reason"], first["signal"]) == (1, "CPU 0", "signal", 5)
    assert first["registers"]["16"] == "0010000000000000"
    assert second["tid"] == 2 and "reason" not in second


def test_long_thread_lists_come_in_parts(talk, target):
    target.threads = lambda: list(range(1, 40_000))
    reply, found = talk(b"qfThreadInfo"), []
    while reply != b"l":
        assert reply[:1] == b"m" and len(reply) <= 0x20000
        found += [int(word, 16) for word in reply[1:].split(b",")]
        reply = talk(b"qsThreadInfo")
    assert found == list(range(1, 40_000))


def test_a_document_does_not_change_between_its_pieces(talk, target):
    first = talk(b"qXfer:threads:read::0,40")
    del target.blocks[2]
    rest = talk(b"qXfer:threads:read::40,1000")
    assert b'id="2"' in first + rest
    assert b'id="2"' not in talk(b"qXfer:threads:read::0,1000")


@pytest.mark.parametrize(
    ("packet", "chosen", "actions"),
    [
        (b"c", None, {1: CONTINUE, 2: CONTINUE}),
        (b"s", None, {1: STEP, 2: CONTINUE}),
        (b"s", b"Hc2", {2: STEP}),
        (b"C0b", b"Hc1", {1: Action(signal=11)}),
        (b"vCont;s:2", None, {2: STEP}),
        (b"vCont;s:2;c", None, {1: CONTINUE, 2: STEP}),
        (b"vCont;C02:2;s:1;c", None, {1: STEP, 2: Action(signal=2)}),
        (b"vCont;c;s:1", None, {1: CONTINUE, 2: CONTINUE}),
        (b"vCont;r1000,1001:1;c", None, {1: STEP, 2: CONTINUE}),
    ],
)
def test_actions_reach_the_target(talk, target, packet, chosen, actions):
    if chosen:
        assert talk(chosen) == b"OK"
    talk.session.receive(frame(packet))
    assert target.log[-1] == ("resume", actions)


@pytest.mark.parametrize(
    ("features", "insert", "reason"),
    [
        (b"swbreak+;hwbreak+", b"Z0,1007,1", b"swbreak:;"),
        (b"swbreak+;hwbreak+", b"Z1,1007,1", b"hwbreak:;"),
        (b"swbreak-;hwbreak+", b"Z0,1007,1", b""),
        (b"", b"Z0,1007,1", b""),
        (b"", b"Z1,1007,1", b""),
        (b"swbreak+", b"Z1,1007,1", b""),
    ],
)
def test_breakpoints_are_blamed_as_they_were_set(talk, features, insert, reason):
    talk(b"qSupported:" + features)
    assert talk(insert) == b"OK"
    reply = talk(b"vCont;c:1")
    assert reply == b"T05thread:1;core:0;" + HERE.replace(b"10:00", b"10:07") + reason


def test_a_breakpoint_of_another_is_not_blamed(talk, target):
    talk(b"qSupported:swbreak+;hwbreak+")
    target.insert_breakpoint(0x1007, 1)
    assert talk(b"vCont;c:1").endswith(b"11:00000000;")


def test_both_sorts_of_breakpoint_share_an_address(talk, target):
    for packet in (b"Z0,1007,1", b"Z1,1007,1", b"Z0,1007,1", b"z0,1007,1", b"z0,1007,1"):
        assert talk(packet) == b"OK"
    assert target.breakpoints == {0x1007}
    assert talk(b"z1,1007,1") == b"OK"
    assert target.breakpoints == set()


@pytest.mark.parametrize(
    ("insert", "reason", "pc"),
    [(b"Z2", b"watch:2008;", b"10:07"), (b"Z3", b"rwatch:2008;", b"10:09"), (b"Z4", b"awatch:2008;", b"10:07")],
)
def test_watchpoints_tell_their_address(talk, insert, reason, pc):
    assert talk(insert + b",2006,4") == b"OK"
    assert talk(b"vCont;c:1") == b"T05thread:1;core:0;" + HERE.replace(b"10:00", pc) + reason
    assert talk(insert.lower() + b",2006,4") == b"OK"


def test_a_watchpoint_of_another_is_not_blamed(talk, target):
    target.run_slice = lambda: target.stopped(1, WatchpointHit(WatchKind.WRITE, 0x2008))
    assert talk(b"c") == STOP


def test_a_range_step_ends_at_a_breakpoint(talk):
    talk(b"Z0,1002,1")
    assert talk(b"vCont;r1000,1007:1").startswith(b"T05thread:1;core:0;10:02")


def test_a_long_range_step_hears_an_interrupt(talk):
    talk.session.receive(frame(b"vCont;r1000,1100:1"))
    talk.session.advance()
    assert talk.session.running
    talk.session.receive(b"\x03")
    assert [reply[:3] for reply in talk.replies()] == [b"T02"]


def test_a_monitor_command_needs_no_thread(talk, target):
    assert talk(b"Hg2") == b"OK"
    del target.blocks[2]
    assert talk(b"g") == b"E03"
    assert talk.all(b"qRcmd,68656c6c6f")[-1] == b"OK"


def test_errors_have_words_where_they_are_read(talk):
    talk(b"qSupported:error-message+")
    assert talk(b"m0,4") == b"E.0x0 is not mapped"
    assert talk(b"qRcmd,68656c6c") == "E.there is no command 'hell', see \uff031".encode()
    assert talk(b"mzz,4").startswith(b"E.m: address 'zz' is not")


def test_words_of_errors_keep_clear_of_the_framing():
    said = plain("#PF at $rip: *p is 0x10}\n" + "ä" * 2000)
    assert said.startswith("\uff03PF at \uff04rip: \uff0ap is 0x10\uff5d ä".encode())
    assert not set(said) & set(b"#$*}\n") and len(said.decode()) == 1000


@pytest.mark.parametrize(
    ("stop", "reply"),
    [
        (Exited(3), b"W03"),
        (Terminated(9), b"X09"),
        (Stopped(5, 2), b"T05thread:2;" + HERE),
        (Stopped(5, 1, Noted("replaylog", "end")), b"T05thread:1;" + HERE + b"replaylog:end;"),
    ],
)
def test_stop_replies(target, stop, reply):
    target.stop = stop
    assert Conversation(target)(b"?") == reply


def test_what_has_ended_does_not_go_on(talk):
    assert talk(b"c1200") == b"W00"
    assert talk(b"c") == b"E03"
    assert talk(b"?") == b"W00"
    assert talk(b"m1200,1") == b"f4"


def test_absent_registers_are_not_expedited(target):
    target.unknown_registers = lambda thread: [slot.number for slot in target.registers.slots]
    assert Conversation(target)(b"?") == b"T05thread:1;core:0;"


def test_a_bare_target_lacks_the_packets_of_its_powers():
    bare = Conversation(BareTarget())
    for packet in (b"Z0,1000,1", b"Z2,1000,1", b"qRcmd,00", b"vKill;1", b"R00", b"qXfer:memory-map:read::0,9"):
        assert bare(packet) == b"", packet
    assert b"swbreak" not in bare(b"qSupported:swbreak+")
    assert bare(b"qThreadExtraInfo,1") == b""
    assert bare(b"qXfer:threads:read::0,1000").count(b"<thread ") == 2
    assert bare(b"k") is None
    assert bare.session.ended is not None


def test_a_description_may_name_no_program_counter():
    target = ToyTarget()
    target.registers = replace(REGISTERS, pc=None)
    talk = Conversation(target)
    assert talk(b"vCont?") == b"vCont;c;C;s;S;t"
    assert talk(b"vCont;r1000,1005:1") == b"E5f"
    assert talk(b"s1000") == b"E5f"
    assert talk(b"s") == STEPPED


def test_registers_that_fail_are_not_expedited(target):
    def fail(*_):
        raise TargetError(errno.EIO, "gone")

    target.read_registers = target.read_register = fail
    assert Conversation(target)(b"?") == b"T05thread:1;core:0;"


def test_kill_and_restart_reach_the_target(talk, target):
    assert talk(b"s") == STEPPED
    assert talk(b"R00") is None
    assert talk(b"?").replace(b"core:0;", b"") == STOP.replace(b"core:0;", b"")
    assert talk(b"k") is None
    assert target.log[-2:] == [("restart",), ("kill",)]


def test_a_command_may_move_the_target(talk):
    talk(b"s")
    talk.all(b"qRcmd,%s" % b"reset".hex().encode())
    assert talk(b"?").startswith(b"T05thread:1;10:0010")


class Displaced(ToyTarget):
    segments = False

    def offsets(self):
        return Offsets(0x1000, 0x2000, self.segments)


def test_offsets():
    target = Displaced()
    talk = Conversation(target)
    assert talk(b"qOffsets") == b"Text=1000;Data=2000;Bss=2000"
    target.segments = True
    assert talk(b"qOffsets") == b"TextSeg=1000;DataSeg=2000"

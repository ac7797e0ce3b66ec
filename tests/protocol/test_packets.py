"""A row per packet: what is sent, what must come back."""

import pytest

from gdbstub.errors import plain
from gdbstub.protocol import TABLE
from tests.protocol.replies import STEPPED, STOP, crc32
from tests.protocol.test_branches import ROWS as BRANCH_ROWS
from tests.protocol.test_files import ROWS as FILE_ROWS
from tests.protocol.test_programs import ROWS as PROGRAM_ROWS
from tests.protocol.test_signals import ROWS as SIGNAL_ROWS
from tests.protocol.test_systemcalls import ROWS as CALL_ROWS
from tests.protocol.toy import BASE, LENGTH, REGISTERS, BareTarget, Conversation

REGISTER_DIGITS = 2 * REGISTERS.length
LAST = BASE + LENGTH - 2
TRIPLE = b"x86_64-toy".hex().encode()
CORE_SET = b"encoding:uint;format:hex;set:org.gnu.gdb.i386.core;"


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


def test_a_bare_target_lacks_the_packets_of_its_powers():
    bare = Conversation(BareTarget())
    for packet in (b"Z0,1000,1", b"Z2,1000,1", b"qRcmd,00", b"vKill;1", b"R00", b"qXfer:memory-map:read::0,9"):
        assert bare(packet) == b"", packet
    assert b"swbreak" not in bare(b"qSupported:swbreak+")
    assert bare(b"qThreadExtraInfo,1") == b""
    assert bare(b"qXfer:threads:read::0,1000").count(b"<thread ") == 2
    assert bare(b"k") is None
    assert bare.session.ended is not None

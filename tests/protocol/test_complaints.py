"""Packets that cannot be read: a client that takes error messages is told which field, and what it holds."""

import pytest

from gdbstub.protocol import TABLE
from tests.protocol.test_branches import ToyBranches
from tests.protocol.test_files import ToyFiles
from tests.protocol.test_process_events import ToyLives
from tests.protocol.test_signals import ToySignals
from tests.protocol.test_systemcalls import ToyCalls
from tests.protocol.toy import Conversation, Displaced, ToyTarget

HEX = "is not a hexadecimal number of up to 64 bits"
THREAD = "is not a thread id"
PAIRS = "is not pairs of hexadecimal digits"
SIGNAL = "is not one of 0 to ff"

# fmt: off
ROWS = [
    # going on
    (b"cx",                       f"c: address 'x' {HEX}"),
    (b"s1 ",                      f"s: address '1 ' {HEX}"),
    (b"C",                        "C: signal is missing"),
    (b"C05;",                     "C: address is missing"),
    (b"C100",                     f"signal 100 {SIGNAL}"),
    (b"S-1",                      f"S: signal '-1' {HEX}"),
    (b"S5;zz",                    f"S: address 'zz' {HEX}"),
    (b"vCont;x",                  "vCont: action 'x' is none of c s t CNN SNN rSTART,END"),
    (b"vCont;s:1;",               "vCont: action '' is none of c s t CNN SNN rSTART,END"),
    (b"vCont;C5",                 "vCont: action 'C5' is none of c s t CNN SNN rSTART,END"),
    (b"vCont;r1000:1",            "vCont: action 'r1000' is none of c s t CNN SNN rSTART,END"),
    (b"vCont;c:p",                f"'' {THREAD}"),
    (b"vCont;c:q1",               f"'q1' {THREAD}"),
    # registers
    (b"p",                        "p: number is missing"),
    (b"pzz",                      f"p: number 'zz' {HEX}"),
    (b"p999",                     "there is no register 2457"),
    (b"P5",                       "P: '=' is missing behind number '5'"),
    (b"P5=zz",                    f"P: data 'zz' {PAIRS}"),
    (b"Pr=00",                    f"P: number 'r' {HEX}"),
    (b"P5=00",                    "P: data has 1 bytes; register rdi has 8"),
    (b"Gzz",                      f"G: data 'zz' {PAIRS}"),
    (b"G00",                      "G: data has 1 bytes, not"),
    # memory
    (b"m zz,4",                   f"m: address ' zz' {HEX}"),
    (b"m1000",                    "m: ',' is missing behind address '1000'"),
    (b"m1000,",                   "m: length is missing"),
    (b"m1000,4,4",                f"m: length '4,4' {HEX}"),
    (b"m10000000000000000,1",     f"m: address '10000000000000000' {HEX}"),
    (b"x0x1000,4",                f"x: address '0x1000' {HEX}"),
    (b"M1000,1:0",                f"M: data '0' {PAIRS}"),
    (b"M1000,1:0000",             "data has 2 bytes, length is 0x1"),
    (b"X1000,2",                  "X: ':' is missing behind length '2'"),
    (b"X1000,2:a",                "data has 1 bytes, length is 0x2"),
    (b"Qqemu.PhyMemMode:on",      f"Qqemu.PhyMemMode: mode 'on' {HEX}"),
    (b"Qqemu.PhyMemMode:2",       "Qqemu.PhyMemMode: mode 2 is neither 0 nor 1"),
    (b"qSearch:memory:0;1",       "qSearch:memory: ';' is missing behind length '1'"),
    (b"qSearch:memory:0;1;",      "qSearch:memory: pattern is missing"),
    (b"qCRC:0",                   "qCRC: ',' is missing behind address '0'"),
    (b"qMemoryRegionInfo:rsp",    f"qMemoryRegionInfo: address 'rsp' {HEX}"),
    # breakpoints
    *((b"%s,here,1" % point.encode(),  f"{point}: address 'here' {HEX}") for point in (
        "Z0", "z0", "Z1", "z1", "Z2", "z2", "Z3", "z3", "Z4", "z4")),
    (b"Z0,1000",                  "Z0: ',' is missing behind address '1000'"),
    (b"Z2,1000,",                 "Z2: length is missing"),
    (b"z0,1000,1;X1,27",          f"z0: kind '1;X1,27' {HEX}"),
    (b"Z0,1000,1;Y",              "breakpoint parameter 'Y' is neither X... nor cmds:..."),
    (b"Z1,1000,1;Xzz",            "agent expression, offset 0: 'Xzz' is not Xlength,code"),
    (b"Z2,2000,8;X2,27",          "agent expression, offset 0: 1 bytes of code where 2 were announced"),
    (b"Z3,2000,8;X2,zzzz",        "agent expression, offset 0: the code is not hexadecimal: 'zzzz'"),
    (b"Z4,2000,8;X1,ff",          "agent expression, offset 0: there is no opcode 0xff"),
    # threads and processes
    (b"Hg",                       "Hg: thread is missing"),
    (b"Hc-2",                     f"Hc: thread '-2' {THREAD}"),
    (b"T1.1",                     f"'1.1' {THREAD}"),
    (b"Tffffffffffffffff",        f"'ffffffffffffffff' {THREAD}"),
    (b"qThreadExtraInfo,cpu",     f"qThreadExtraInfo: thread 'cpu' {THREAD}"),
    (b"qAttached:x",              f"qAttached: process 'x' {THREAD}"),
    (b"D;zz",                     f"D: process 'zz' {THREAD}"),
    (b"vKill;x",                  f"vKill: process 'x' {THREAD}"),
    (b"vAttach;x",                f"vAttach: process 'x' {HEX}"),
    (b"QNonStop:",                "QNonStop: enabled is missing"),
    (b"QNonStop:2",               "QNonStop: enabled 2 is neither 0 nor 1"),
    (b"QThreadEvents:x",          f"QThreadEvents: enabled 'x' {HEX}"),
    (b"QThreadEvents:a",          "QThreadEvents: enabled a is neither 0 nor 1"),
    (b"QCatchSyscalls:1;1;write", "QCatchSyscalls: 'write' is no number of a system call"),
    (b"QPassSignals:e;SIGHUP",    f"QPassSignals: signal 'SIGHUP' {SIGNAL}"),
    # programs and files
    (b"vRun;2f61;x",              f"vRun: word 'x' {PAIRS}"),
    (b"QEnvironmentHexEncoded:g", f"QEnvironmentHexEncoded: setting 'g' {PAIRS}"),
    (b"QEnvironmentHexEncoded:41", "QEnvironmentHexEncoded: setting 'A' is not NAME=VALUE"),
    (b"QEnvironmentUnset:4",      f"QEnvironmentUnset: name '4' {PAIRS}"),
    (b"QSetWorkingDir:/",         f"QSetWorkingDir: path '/' {PAIRS}"),
    (b"QDisableRandomization:on", f"QDisableRandomization: disabled 'on' {HEX}"),
    (b"vFile:open:2f,0",          "vFile:open: ',' is missing behind flags '0'"),
    (b"vFile:open:/,0,0",         f"vFile:open: path '/' {PAIRS}"),
    (b"vFile:pread:1,2",          "vFile:pread: ',' is missing behind count '2'"),
    (b"vFile:fstat:",             "vFile:fstat: descriptor is missing"),
    (b"vFile:close:-1",           f"vFile:close: descriptor '-1' {HEX}"),
    (b"vFile:readlink:/proc",     f"vFile:readlink: path '/proc' {PAIRS}"),
    (b"vFile:setfs:self",         f"vFile:setfs: process 'self' {HEX}"),
    # documents and branches
    *((b"%s::0" % document.encode(),  f"{document}: ',' is missing behind offset '0'") for document in (
        "qXfer:threads:read", "qXfer:memory-map:read", "qXfer:traceframe-info:read", "qXfer:auxv:read",
        "qXfer:siginfo:read", "qXfer:btrace-conf:read")),
    (b"qXfer:features:read:a.xml", "qXfer:features:read: ':' is missing behind annex 'a.xml'"),
    (b"qXfer:osdata:read:cpu:0,x", f"qXfer:osdata:read: length 'x' {HEX}"),
    (b"qXfer:exec-file:read:me:0,1", f"qXfer:exec-file:read: process 'me' {HEX}"),
    (b"qXfer:exec-file:read::x,1", f"qXfer:exec-file:read: offset 'x' {HEX}"),
    (b"qXfer:btrace:read:old:0,1", "qXfer:btrace: annex 'old' is none of all, new, delta"),
    (b"Qbtrace-conf:bts:size=1:", "Qbtrace-conf:bts:size: length '1:' is not text without any of :;,"),
    (b"Qbtrace-conf:bts:size=-1", "Qbtrace-conf:bts: size '-1' is not a hexadecimal number"),
    # tracepoints
    (b"QTDP:1:here:E:0:0",        "QTDP: '1:here:E:0:0' defines no tracepoint"),
    (b"QTDP:-1:1000:Q",           "QTDP: action 'Q' is none of R M X"),
    (b"QTDP:-1:1000:X2,27",       "QTDP: an expression has 1 bytes, its length is 0x2"),
    (b"QTDPsrc:1:1000:at:0",      "QTDPsrc: ':' is missing behind start '0'"),
    (b"QTDV:1:x:0:61",            f"QTDV: initial 'x' {HEX}"),
    (b"QTEnable:1",               "QTEnable: ':' is missing behind number '1'"),
    (b"QTDisable:1:x",            f"QTDisable: address 'x' {HEX}"),
    (b"QTro:1000",                "QTro: '1000' is no list of ranges START,END, 1024 at most"),
    (b"QTDisconnected:yes",       f"QTDisconnected: stays 'yes' {HEX}"),
    (b"QTBuffer:circular:yes",    f"QTBuffer:circular: circular 'yes' {HEX}"),
    (b"QTBuffer:size:big",        "QTBuffer: size 'big' is neither a hexadecimal number nor -1"),
    (b"QTNotes:user:1",           "QTNotes: 'user:1' is no note of user, notes or tstop"),
    (b"qTP:1",                    "qTP: ':' is missing behind number '1'"),
    (b"qTV:x",                    f"qTV: number 'x' {HEX}"),
    (b"qTBuffer:0",               "qTBuffer: ',' is missing behind offset '0'"),
    (b"QTFrame:last",             "QTFrame: 'last' names no frame"),
    # the rest
    (b"qRcmd,6",                  f"qRcmd: command '6' {PAIRS}"),
    (b"qRegisterInfoz",           f"qRegisterInfo: index 'z' {HEX}"),
    (b"qSymbol:a",                "qSymbol: ':' is missing behind value 'a'"),
    (b"m\xff\n" + b"z" * 50,      f"m: address '\\xff\\n{'z' * 38}'... {HEX}"),
]
# fmt: on

TAKES_ANYTHING = {"qSupported:{features:rest}", "QTSave:{path:rest}", "R{ignored:rest}"}
UNKNOWN = [b"Z9,1000,1", b"z9,1000,1", b"qXfer:bad:read::0,1", b"qXfer:features:write::0:", b"vBad;1", b"Qbad:1"]
"""The manual wants nothing for what a stub does not know: a client learns by it what it may not ask."""


class Whole(ToyBranches, ToyFiles, ToyLives, ToyCalls, ToySignals, Displaced):
    """A toy with every power."""


@pytest.fixture
def told():
    """A conversation with a client that takes error messages."""
    talk = Conversation(Whole())
    assert b"error-message+" in talk(b"qSupported:error-message+").split(b";")
    assert talk(b"QTDP:1:1000:E:0:0") == b"OK"
    return talk


@pytest.mark.parametrize(("packet", "complaint"), ROWS, ids=lambda value: repr(value)[2:30])
def test_the_field_and_its_value_are_named(told, packet, complaint):
    reply = told(packet)
    assert reply.startswith(b"E." + complaint.encode()), reply.decode()


@pytest.mark.parametrize("packet", [packet for packet, _ in ROWS], ids=lambda value: repr(value)[2:30])
def test_who_takes_no_messages_gets_a_number(packet):
    talk = Conversation(Whole())
    assert talk(b"QTDP:1:1000:E:0:0") == b"OK"
    assert talk(packet) == b"E16"


def test_every_packet_that_can_be_spoilt_is():
    tried = [packet for packet, _ in ROWS]
    fields = [row.pattern for row in TABLE.rows if row.pattern.names and row.pattern.text not in TAKES_ANYTHING]
    assert not [each.text for each in fields if not any(packet.startswith(each.prefix) for packet in tried)]
    assert all(row.available(Whole()) for row in TABLE.rows)


@pytest.mark.parametrize("packet", UNKNOWN)
def test_what_is_not_known_has_the_empty_reply(told, packet):
    assert told(packet) == b""


def test_what_is_no_packet_is_refused_in_words():
    talk = Conversation(ToyTarget())
    talk(b"qSupported:error-message+")
    talk.session.receive(b"$m1000,4#00")
    talk.session.receive(b"$" + b"m" * 0x20001 + b"#00")
    assert talk.replies() == [
        b"E.a packet that cannot be read: its checksum is wrong",
        b"E.a packet that cannot be read: it has more than 0x20000 bytes",
    ]

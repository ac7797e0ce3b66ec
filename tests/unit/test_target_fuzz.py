"""Thousands of random and mutated packets at the real machine: every one is answered, and the session goes on."""

import random

import pytest

from gdbstub.protocol import TABLE
from gdbstub.session import Session
from gdbstub.wire import frame
from kernel.image import find_image
from kernel.symbols import Symbols
from ringscope.boot import Configuration, power_on
from ringscope.serve import make_target

READS = [
    b"g", b"?", b"p10", b"p3b", b"mffffffff81000000,40", b"m0,8", b"x1000000,20", b"qSupported:swbreak+;hwbreak+",
    b"qXfer:features:read:target.xml:0,fff", b"qXfer:threads:read::0,1000", b"qXfer:memory-map:read::0,1000", b"vCont?",
    b"qC", b"qfThreadInfo", b"qsThreadInfo", b"qThreadExtraInfo,1", b"Hg1", b"Hc-1", b"T1", b"qAttached",
    b"Z0,ffffffff81000000,1", b"z0,ffffffff81000000,1", b"Z1,1000,1", b"z1,1000,1", b"Z2,ffffffff81020000,8",
    b"z2,ffffffff81020000,8", b"Z4,0,1", b"z4,0,1", b"qRcmd," + b"gdt".hex().encode(),
    b"qRcmd," + b"walk 0".hex().encode(),
    b"Z0,ffffffff81000100,1;X3,220127", b"Z0,ffffffff81007738,1;X9,260007160022051427",
    b"Z0,ffffffff81007738,1;cmds:1,X10,26000022002200340100042564200027", b"Z2,ffffffff81035000,8;X3,220027",
    b"QTinit", b"QTDP:1:ffffffff81007738:E:3:9-", b"QTDP:-1:ffffffff81007738:R1M-1,0,40M7,-8,40-",
    b"QTDP:-1:ffffffff81007738:SR1", b"QTStart", b"QTStop", b"qTStatus", b"qTfP", b"qTsP", b"QTDV:1:5:0:61", b"qTV:1",
    b"QTFrame:0", b"QTFrame:tdp:1", b"QTFrame:ffffffff", b"qTBuffer:0,100", b"QTBuffer:circular:1", b"QTBuffer:size:-1",
    b"qXfer:traceframe-info:read::0,fff", b"QTDisconnected:1",
    b"QPassSignals:e;10;",
    b"Qbtrace:bts", b"Qbtrace:off", b"Qbtrace-conf:bts:size=0x400", b"qXfer:btrace:read:all:0,fff",
    b"qXfer:btrace:read:new:0,fff", b"qXfer:btrace:read:delta:0,fff", b"qXfer:btrace-conf:read::0,fff",
    b"Qqemu.PhyMemMode:1", b"Qqemu.PhyMemMode:0", b"vMustReplyEmpty", b"QStartNoAckMode", b"qOffsets", b"qSymbol::",
]  # fmt: skip
RUNS = [b"s", b"vCont;s:1", b"vCont;c", b"c", b"C05", b"S05", b"vCont;r1000000,1000100:1", b"vCont;s:1;c"]
WRITES = [b"Mffffffff81020000,2:abcd", b"X1000,2:ab", b"P10=0000008100000000", b"P12=46020000", b"G" + b"00" * 64]


def mutated(choice, packet):
    """A packet as it is, or with some bytes changed, dropped, doubled or cut."""
    body = bytearray(packet)
    for _ in range(choice.choice((0, 0, 1, 1, 2, 5))):
        at = choice.randrange(len(body) + 1)
        kind = choice.randrange(4)
        if kind == 0 and at < len(body):
            body[at] = choice.randrange(256)
        elif kind == 1:
            body[at:at] = choice.choice((b",", b":", b";", b"-", b"ffffffffffffffff", b"0", b"x", b"*"))
        elif kind == 2:
            del body[at:]
        else:
            body += body[at:]
    return bytes(body) if choice.random() < 0.95 else choice.randbytes(choice.randrange(40))


class Talk:
    """A session without a socket; a new one when a packet ends it."""

    def __init__(self):
        self.target = make_target(power_on(Configuration()))
        self.begin()

    def begin(self):
        self.said = bytearray()
        self.session = Session(self.target, self.said.extend, table=TABLE)

    def send(self, packet):
        self.said.clear()
        self.session.receive(frame(packet))
        for _ in range(3):
            if not self.session.running:
                break
            self.session.advance()
        if self.session.running:
            self.session.receive(b"\x03")
        assert not self.session.running
        answer = bytes(self.said)
        if self.session.ended is not None:
            self.session.disarm()
            self.begin()
        return answer


@pytest.mark.parametrize(("seed", "kinds"), [(1, READS + RUNS), (2, READS + RUNS + WRITES)])
def test_ten_thousand_packets(seed, kinds):
    choice, talk = random.Random(seed), Talk()
    for _ in range(5000):
        packet = mutated(choice, choice.choice(kinds))
        if not packet.startswith((b"k", b"vKill", b"D")):
            talk.send(packet)
    talk.send(b"Qqemu.PhyMemMode:0")
    assert len(talk.send(b"g")) > 300, "run-length encoded"
    assert b"$" in talk.send(b"m1000000,4")
    if kinds[-1] == RUNS[-1]:
        address = Symbols.load(find_image().vmlinux).lookup("schedule").address
        talk.session.disarm()
        assert b"OK" in talk.send(b"Z0,%x,1" % address)
        assert b"T0" in talk.send(b"vCont;s:1"), "a stop, whatever became of the guest"

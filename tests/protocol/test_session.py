"""The session as a whole: random conversations against a model, fuzzed packets, interrupts, packets sent ahead."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gdbstub.protocol import TABLE
from gdbstub.session import Ending
from gdbstub.wire import Mark, Notification, frame
from tests.protocol.toy import BASE, LENGTH, REGISTERS, BareTarget, Conversation, ToyTarget

addresses = st.integers(BASE, BASE + LENGTH - 1)
code = st.sampled_from([0x1000, 0x1001, 0x1002, 0x1005, 0x1007, 0x1009])


class SessionMachine(RuleBasedStateMachine):
    """Whatever is said in whatever order, memory, registers, points and the number of replies fit the model."""

    def __init__(self):
        super().__init__()
        self.target = ToyTarget()
        self.talk = Conversation(self.target)
        self.talk(b"qSupported:swbreak+;hwbreak+")
        self.memory = bytes(self.target.memory)
        self.registers = {1: {}, 2: {}}
        self.software, self.hardware = {}, {}  # address: whether it stops
        self.traced = set()
        self.chosen = 1

    def cpu(self):
        return self.registers[self.chosen]

    @rule(thread=st.sampled_from([1, 2]))
    @precondition(lambda self: not self.talk.session.running)
    def choose(self, thread):
        assert self.talk(b"Hg%x" % thread) == b"OK"
        self.chosen = thread

    @rule(number=st.integers(8, 15), value=st.integers(0, (1 << 64) - 1))
    @precondition(lambda self: not self.talk.session.running)
    def write_register(self, number, value):
        assert self.talk(b"P%x=%s" % (number, value.to_bytes(8, "little").hex().encode())) == b"OK"
        self.cpu()[number] = value

    @rule(number=st.integers(8, 15))
    @precondition(lambda self: not self.talk.session.running)
    def read_register(self, number):
        expected = self.cpu().get(number, 0).to_bytes(8, "little").hex().encode()
        assert self.talk(b"p%x" % number) == expected
        assert self.talk(b"g")[16 * number : 16 * number + 16] == expected

    @rule(address=st.integers(0x2100, BASE + LENGTH - 20), data=st.binary(max_size=20), binary=st.booleans())
    @precondition(lambda self: not self.talk.session.running)
    def write_memory(self, address, data, binary):
        head = b"%x,%x:" % (address, len(data))
        assert self.talk(b"X" + head + data if binary else b"M" + head + data.hex().encode()) == b"OK"
        start = address - BASE
        self.memory = self.memory[:start] + data + self.memory[start + len(data) :]

    @rule(address=addresses, length=st.integers(1, 64), binary=st.booleans())
    @precondition(lambda self: not self.talk.session.running)
    def read_memory(self, address, length, binary):
        expected = self.memory[address - BASE : address - BASE + length]
        if address + length >= 0x2000 and address < 0x2100:
            return  # where the program writes
        reply = self.talk(b"%s%x,%x" % (b"x" if binary else b"m", address, length))
        assert reply == (b"b" + expected if binary else expected.hex().encode())

    @rule(address=code, hardware=st.booleans(), condition=st.sampled_from([None, True, False]))
    @precondition(lambda self: not self.talk.session.running)
    def insert(self, address, hardware, condition):
        parameters = b"" if condition is None else b";X3,22%02x27" % condition
        assert self.talk(b"Z%d,%x,1%s" % (hardware, address, parameters)) == b"OK"
        (self.hardware if hardware else self.software)[address] = condition is not False

    @rule(address=code, steps=st.integers(0, 3), action=st.sampled_from([b"R1", b"M-1,2000,10", b"X1,27"]))
    @precondition(lambda self: not self.talk.session.running)
    def trace(self, address, steps, action):
        self.traced = {address}
        for packet in (b"QTinit", b"QTDP:1:%x:E:%x:0-", b"QTDP:-1:%x:" + action + b"-", b"QTDP:-1:%x:S" + action):
            values = (address, steps)[: packet.count(b"%")]
            assert self.talk(packet % values) == b"OK"
        assert self.talk(b"QTStart") == b"OK"

    @rule()
    @precondition(lambda self: not self.talk.session.running)
    def look_at_the_trace(self):
        frames = int(self.talk(b"qTStatus").split(b"tframes:")[1].split(b";")[0], 16)
        if frames:
            assert self.talk(b"QTFrame:%x" % (frames - 1)) == b"F%xT1" % (frames - 1)
            assert self.talk(b"p10") != b"x" * 16
        assert self.talk(b"QTFrame:%x" % frames) == b"F-1"
        assert self.talk(b"QTFrame:ffffffff") == b"OK"

    @rule()
    @precondition(lambda self: not self.talk.session.running)
    def end_the_trace(self):
        assert self.talk(b"QTStop") == b"OK"
        self.traced = set()

    @rule(address=code, hardware=st.booleans())
    @precondition(lambda self: not self.talk.session.running)
    def remove(self, address, hardware):
        assert self.talk(b"z%d,%x,1" % (hardware, address)) == b"OK"
        (self.hardware if hardware else self.software).pop(address, None)

    @rule(packet=st.sampled_from([b"s", b"vCont;s:1", b"vCont;s:2", b"S05", b"vCont;r1000,1006:1"]))
    @precondition(lambda self: not self.talk.session.running)
    def step(self, packet):
        assert self.talk(packet)[:4] == b"T05t"
        self.chosen = self.talk.session.general_thread

    @rule(packet=st.sampled_from([b"c", b"vCont;c", b"vCont;c:1"]))
    @precondition(lambda self: not self.talk.session.running)
    def go(self, packet):
        self.talk.session.receive(frame(packet))
        assert self.talk.session.running
        self.pending = 1

    @rule()
    @precondition(lambda self: self.talk.session.running)
    def run_on(self):
        self.talk.session.advance()
        self.settle()

    @rule()
    @precondition(lambda self: self.talk.session.running)
    def interrupt(self):
        self.talk.session.receive(b"\x03")
        assert not self.talk.session.running
        self.settle()

    def settle(self):
        """Exactly one reply when it stopped, none before, and its reason is a breakpoint that is set there."""
        replies = self.talk.replies()
        assert len(replies) == (not self.talk.session.running)
        for reply in replies:
            self.chosen = self.talk.session.general_thread
            pc = self.talk.session.program_counter(self.chosen)
            assert (b"swbreak" in reply) <= (pc in self.software)
            assert (b"hwbreak" in reply) <= (pc in self.hardware and pc not in self.software)
            assert reply[:3] == b"T02" or self.software.get(pc) or self.hardware.get(pc)

    @rule()
    def stray_interrupt_and_acks(self):
        if not self.talk.session.running:
            self.talk.session.receive(b"+-\x03+")
            assert self.talk.replies() == []

    @invariant()
    def armed_is_what_is_set(self):
        assert self.target.breakpoints == self.software.keys() | self.hardware.keys() | self.traced


SessionMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestSessionMachine = SessionMachine.TestCase


# -- fuzzing

SEEDS = [
    *(b"?", b"g", b"p10", b"P0=8877665544332211", b"m1000,4", b"x1000,4", b"M2000,2:abcd", b"X2000,2:ab"),
    *(b"c", b"s", b"C05", b"S05;1000", b"vCont?", b"vCont;s:1;c", b"vCont;r1000,1005:1", b"Z0,1007,1"),
    *(b"z0,1007,1", b"Z1,1007,1", b"Z2,2008,1", b"z2,2008,1", b"Z4,2008,1", b"Hg1", b"Hc-1", b"T1", b"qC"),
    *(b"qfThreadInfo", b"qsThreadInfo", b"qThreadExtraInfo,1", b"qXfer:features:read:target.xml:0,fff"),
    *(b"qXfer:threads:read::0,fff", b"qXfer:memory-map:read::0,fff", b"qRcmd,68656c6c6f", b"qSymbol::"),
    *(b"QNonStop:1", b"QNonStop:0", b"vStopped", b"vCont;t:1", b"vCont;c:2", b"vCont;t"),
    *(b"qSupported:swbreak+;error-message+", b"qAttached:1", b"vMustReplyEmpty", b"vCtrlC", b"!", b"R00"),
    *(b"Z0,1007,1;X3,220127", b"Z1,1005,1;X6,260000220313", b"Z0,1005,1;X6,260000220327;cmds:1,X1,27"),
    *(b"Z2,2008,1;Xa,23200817220513272727", b"Z0,1002,1;cmds:0,X14,260000220022003401000425640a0027272727272727"),
    *(b"QTinit", b"QTDP:1:1005:E:2:3:X3,220127-", b"QTDP:-1:1005:R1M-1,2000,10X6,22102204" + b"0c27-"),
    *(b"QTDP:-1:1005:SR1", b"QTDP:2:1000:D:0:0", b"QTDPsrc:1:1005:at:0:3:616263", b"QTDV:1:5:0:61", b"QTStart"),
    *(b"QTStop", b"qTStatus", b"qTfP", b"qTsP", b"qTfV", b"qTsV", b"QTFrame:0", b"QTFrame:pc:1005", b"QTFrame:tdp:1"),
    *(b"QTFrame:range:1000:2000", b"QTFrame:outside:0:1", b"QTFrame:ffffffff", b"qTBuffer:0,100", b"qTV:1"),
    *(b"qTP:1:1005", b"QTBuffer:size:1000", b"QTBuffer:circular:1", b"QTEnable:2:1000", b"QTDisable:1:1005"),
    *(b"QTro:1000,2000:2000,3000", b"QTDisconnected:1", b"QTNotes:user:61;notes:62;tstop:63;", b"QTSave:61"),
    *(b"qXfer:traceframe-info:read::0,fff", b"qTMinFTPILen"),
    b"G" + b"00" * REGISTERS.length,
]
ALPHABET = b"0123456789abcdefghmpqrsvxzCGHMPQSTXZ:;,.=-+?!#$*}\x00\x03\xff"


def mutate(rng, packet):
    """Cut, repeat, insert, overwrite, splice."""
    data = bytearray(packet)
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0:
                del data[at : at + rng.randrange(1, 4)]
            case 1:
                data[at:at] = bytes(rng.choices(ALPHABET, k=rng.randrange(1, 5)))
            case 2 if at < len(data):
                data[at] = rng.randrange(256)
            case 3:
                data += rng.choice(SEEDS)[rng.randrange(5) :]
            case 4:
                data[at:at] = data[at : at + 9] * rng.randrange(3)
    return bytes(data)


@pytest.mark.parametrize("make", [ToyTarget, BareTarget])
@pytest.mark.parametrize("seed", range(4))
def test_ten_thousand_packets_leave_the_session_usable(make, seed):
    rng = random.Random(seed)
    target = make()
    talk = Conversation(target)
    for count in range(2500):
        packet = rng.randbytes(rng.randrange(30)) if rng.random() < 0.2 else mutate(rng, rng.choice(SEEDS))
        stream = frame(packet, run_lengths=False) if rng.random() < 0.9 else b"$" + packet + b"#%02x" % (count % 256)
        talk.session.receive(stream + b"#00")  # ends what a mutation left open
        talk.run(3)
        if talk.session.running:
            talk.session.receive(b"\x03")
        if talk.session.ended:
            assert talk.session.ended in (Ending.DETACHED, Ending.KILLED)
            talk.session.disarm()
            talk = Conversation(target)
        assert all(isinstance(reply, bytes | Notification) for reply in talk.replies()), packet
    talk.session.receive(b"#00" + frame(b"QNonStop:0"))
    talk.replies()
    assert talk(b"Hg0") == b"OK"
    assert talk(b"vMustReplyEmpty") == b""
    assert len(talk(b"g")) == 2 * REGISTERS.length
    assert talk(b"qfThreadInfo") == b"m1,2"


@pytest.mark.parametrize("row", TABLE.rows, ids=lambda row: row.pattern.text)
def test_every_row_survives_odd_fields(row, talk):
    odd = (b"", b"0", b"-1", b"ffffffffffffffff", b"1" * 300, b"zz", b"p1.1", b";", b":", b",", b"\0\xff", b"}")
    prefix = row.pattern.prefix
    for first in odd:
        for second in odd:
            packet = prefix + first + b"," + second
            if packet[:1] in b"kD":
                continue
            talk.session.receive(frame(packet, run_lengths=False))
            talk.run(3)
            talk.session.receive(b"\x03" if talk.session.running else b"")
            assert not any(isinstance(reply, Mark) for reply in talk.replies())
            if talk.session.ended:
                return
    talk(b"Hg0")
    assert talk(b"qC").startswith(b"QC")


# -- interrupts and packets sent ahead


def test_an_interrupt_stops_with_sigint(talk):
    talk.session.receive(frame(b"c"))
    talk.session.advance()
    assert talk.replies() == []
    talk.session.receive(b"\x03")
    assert [reply[:3] for reply in talk.replies()] == [b"T02"]


def test_an_interrupt_in_the_same_bytes_as_the_packet(talk):
    talk.session.receive(frame(b"c") + b"\x03" + frame(b"qC"))
    replies = talk.replies()
    assert (replies[0][:3], replies[1]) == (b"T02", b"QC1")


def test_an_interrupt_while_stopped_is_nothing(talk):
    talk.session.receive(b"\x03\x03")
    assert talk.replies() == []
    assert talk(b"qC") == b"QC1"


def test_vctrlc_interrupts(talk):
    talk.session.receive(frame(b"c"))
    talk.session.receive(frame(b"vCtrlC"))
    assert [reply[:3] for reply in talk.replies()] == [b"OK", b"T02"]


def test_packets_sent_ahead_wait_for_the_stop(talk):
    talk.session.receive(frame(b"c") + frame(b"qC") + frame(b"s") + frame(b"m1000,1") + b"$bad#00")
    talk.session.advance()
    assert talk.replies() == []
    talk.session.receive(b"\x03")
    talk.run()
    replies = talk.replies()
    assert [reply[:3] for reply in replies] == [b"T02", b"QC1", b"T05", b"90", b"E16"]


def test_a_flood_while_running_ends_the_session(talk):
    talk.session.receive(frame(b"c") + frame(b"qC") * 1000)
    assert talk.session.ended is Ending.FLOODED


def test_oversize_packets_are_answered(talk):
    assert talk(b"X2000,30000:" + b"a" * 0x30000) == b"E16"
    assert talk(b"qC") == b"QC1"


def test_damaged_packets_are_refused(target):
    talk = Conversation(target, acknowledge=True)
    talk.session.receive(b"$qC#b5")
    assert bytes(talk.sent) == b"-"
    talk.session.receive(b"$qC#b4")
    assert bytes(talk.sent) == b"-+$QC1#c5"
    talk.session.receive(b"-")
    assert bytes(talk.sent) == b"-+$QC1#c5$QC1#c5"
    talk.session.receive(b"+")


def test_acknowledgements_end_where_agreed(target):
    talk = Conversation(target, acknowledge=True)
    talk.session.receive(b"$QStartNoAckMode#b0")
    talk.session.receive(b"+$qC#b4$qC#b5")
    assert bytes(talk.sent) == b"+$OK#9a$QC1#c5$E16#ac"


def test_a_resume_is_acknowledged_at_once(target):
    talk = Conversation(target, acknowledge=True)
    talk.session.receive(frame(b"c"))
    assert bytes(talk.sent) == b"+"


def test_leaving_takes_all_points_along(talk, target):
    for packet in (b"Z0,1000,1", b"Z1,1000,1", b"Z1,1001,1", b"Z2,2000,1", b"Z4,2000,4"):
        assert talk(packet) == b"OK"
    talk.session.disarm()
    assert (target.breakpoints, target.watchpoints) == (set(), set())


def test_a_bug_is_not_hidden(talk):
    with pytest.raises(RuntimeError, match="a bug in the toy"):
        talk(b"qRcmd," + b"bug".hex().encode())

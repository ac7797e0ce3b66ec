"""Observers: clients beside the first, which may look, change nothing, and hinder nobody."""

import time
from contextlib import ExitStack

import pytest

from gdbstub.observers import MOST
from gdbstub.wire import Decoder, frame
from tests.protocol.test_server import receive
from tests.protocol.toy import RAX, REGISTERS, ToyTarget

WORDS = b"E.another debugger controls the target"


class Talk:
    """A client in no-ack mode."""

    def __init__(self, server):
        self.connection = server.connect()
        self._decoder = Decoder(1 << 20, run_lengths=True)
        self._events = []
        self.connection.sendall(frame(b"QStartNoAckMode"))
        assert receive(self.connection, 7) == b"+$OK#9a"

    def send(self, packet):
        self.connection.sendall(frame(packet, run_lengths=False))

    def reply(self):
        while not self._events:
            data = self.connection.recv(1 << 16)
            assert data, "the server closed the connection"
            self._events += self._decoder.feed(data)
        return self._events.pop(0)

    def __call__(self, packet):
        self.send(packet)
        return self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


class Looked(ToyTarget):
    """A toy whose commands are known to look or not."""

    def only_looks(self, command):
        return command == "hello"


@pytest.fixture
def target():
    return Looked()


@pytest.fixture
def pair(serve):
    """The first client and an observer."""
    server = serve(observers=True)
    with Talk(server) as first, Talk(server) as observer:
        yield first, observer


@pytest.mark.parametrize(
    ("packet", "reply"),
    [
        (b"?", b"T05thread:1;"),
        (b"m1000,2", b"9090"),
        (b"x1000,2", b"b\x90\x90"),
        (b"p10", b"0010000000000000"),
        (b"qC", b"QC1"),
        (b"qfThreadInfo", b"m1,2"),
        (b"Hg2", b"OK"),
        (b"T2", b"OK"),
        (b"qXfer:features:read:target.xml:0,10", b"m<?xml"),
        (b"qXfer:threads:read::0,1000", b"l<?xml"),
        (b"qXfer:memory-map:read::0,1000", b"l<?xml"),
        (b"qXfer:osdata:read:ports:0,1000", b"l<?xml"),
        (b"qHostInfo", b"triple:"),
        (b"qMemoryRegionInfo:1000", b"start:1000;"),
        (b"vMustReplyEmpty", b""),
        (b"vNoSuch", b""),
    ],
)
def test_an_observer_reads(pair, packet, reply):
    assert pair[1](packet).startswith(reply)


@pytest.mark.parametrize(
    "packet",
    [
        *(b"c", b"s", b"c1000", b"C05", b"vCont;c", b"vCont;s:1", b"P0=8877665544332211", b"M2000,2:abcd"),
        *(b"X2000,1:a", b"Z0,1000,1", b"z0,1000,1", b"Z2,2000,1", b"vKill;1", b"R00", b"vRun;", b"vRun;2f62696e"),
        *(b"QTinit", b"QTStart", b"Qqemu.PhyMemMode:1", b"QEnvironmentReset"),
        *(b"qSearch:memory:1000;10;a", b"qCRC:1000,10", b"G" + b"0" * 2 * REGISTERS.length),
    ],
    ids=lambda packet: repr(packet[:20]),
)
def test_what_would_change_something_is_refused_in_words(pair, target, packet):
    first, observer = pair
    before = bytes(target.memory), {thread: bytes(block) for thread, block in target.blocks.items()}
    log = list(target.log)
    reply = observer(packet)
    assert reply.startswith(WORDS)
    assert (bytes(target.memory), {thread: bytes(block) for thread, block in target.blocks.items()}) == before
    assert target.log == log and not target.breakpoints
    assert first(b"qC") == b"QC1"


def test_an_observer_runs_commands_that_look(pair):
    observer = pair[1]
    assert observer(b"qRcmd,68656c6c6f") == b"O" + b"hello, ".hex().encode()
    assert [observer.reply(), observer.reply()] == [b"O" + b"world\n".hex().encode(), b"OK"]


def test_commands_that_change_something_are_refused(pair, target):
    words = pair[1](b"qRcmd," + b"reset".hex().encode())
    assert bytes.fromhex(words[1:].decode()).startswith(b"reset: another debugger controls the target")
    assert pair[1].reply() == b"OK" and ("monitor", "reset") not in target.log


def test_an_observer_sees_the_stops_of_the_first(pair):
    first, observer = pair
    assert first(b"s").startswith(b"T05thread:1;core:0;10:01")
    assert observer(b"?").startswith(b"T05thread:1;core:0;10:01")
    first.send(b"c")
    assert observer(b"?").startswith(b"T00thread:1;"), "it runs"
    assert observer(b"m1000,2") == b"9090"
    first.connection.sendall(b"\x03")
    assert first.reply().startswith(b"T02")
    assert observer(b"?").startswith(b"T02")


@pytest.mark.parametrize("packet", [b"D", b"k", b"\x03", b""])
def test_the_end_of_an_observer_is_its_own(pair, target, packet):
    first, observer = pair
    if packet == b"D":
        assert observer(b"D") == b"OK"
    elif packet:
        observer.connection.sendall(packet if packet == b"\x03" else frame(packet))
    observer.connection.close()
    assert first(b"s").startswith(b"T05")
    assert ("kill",) not in target.log


def test_the_end_of_the_first_ends_the_observers(pair):
    first, observer = pair
    assert observer(b"qC") == b"QC1"
    first.connection.close()
    assert observer.connection.recv(10) == b""


def test_a_few_and_no_more(serve):
    server = serve(observers=True)
    with ExitStack() as stack:
        first = stack.enter_context(Talk(server))
        others = [stack.enter_context(Talk(server)) for _ in range(MOST)]
        with server.connect() as late:
            late.sendall(frame(b"qSupported"))
            assert b"E.another debugger is attached" in late.recv(4096)
        assert [other(b"qC") for other in (first, *others)] == [b"QC1"] * (1 + MOST)


def seconds(action):
    began = time.monotonic()
    for _ in range(50):
        action()
    return time.monotonic() - began


@pytest.mark.parametrize(
    "garbage",
    [frame(b"g") * 20_000, frame(b"qXfer:threads:read::0,fff") * 9000, b"$" * 900_000, b"$g"],
    ids=["registers", "documents", "dollars", "half"],
)
def test_an_observer_that_floods_or_stalls_hinders_nobody(pair, garbage):
    """It sends without end and reads nothing."""
    first, observer = pair
    observer.connection.setblocking(False)
    try:
        while garbage:
            garbage = garbage[observer.connection.send(garbage) :]
    except BlockingIOError:
        pass
    assert seconds(lambda: first(b"m1000,100")) < 2
    first.send(b"c")
    began = time.monotonic()
    first.connection.sendall(b"\x03")
    assert first.reply().startswith(b"T02") and time.monotonic() - began < 2


def test_a_bug_that_an_observer_finds_ends_its_session_alone(pair, target):
    first, observer = pair
    target.only_looks = lambda command: True
    assert first(b"qC") == b"QC1"
    observer.send(b"qRcmd," + b"bug".hex().encode())
    assert observer.connection.recv(10) == b""
    assert first(b"s").startswith(b"T05") and target.get(1, RAX) == 0


def test_without_the_option_nobody_observes(serve):
    server = serve()
    with Talk(server), server.connect() as second:
        second.sendall(frame(b"qSupported"))
        assert b"E.another debugger is attached" in second.recv(4096)
        assert second.recv(10) == b""

"""The client against our server, against poor servers, and its readers of XML and stop replies."""

import os
import shutil
import signal
import socket
import subprocess
import threading

import pytest

from gdbstub.client import Client
from gdbstub.description import DescriptionError, read_description
from gdbstub.errors import ConnectionLost, Error, MalformedPacket, RemoteError, UnsupportedPacket
from gdbstub.registers import Enumeration, Feature, Field, Flags, Register, RegisterSet, Struct
from gdbstub.stopreply import (
    Exited,
    Noted,
    Signal,
    Stopped,
    Terminated,
    WatchKind,
    WatchpointHit,
    parse_stop,
)
from gdbstub.wire import Decoder, frame
from gdbstub.xml import register_documents
from tests.protocol.toy import BASE, REGISTERS, BareTarget


@pytest.fixture
def client(serve):
    with Client.connect(serve().address) as connected:
        yield connected


def test_handshake(client):
    assert client.has("swbreak") and client.has("QStartNoAckMode") and not client.has("multiprocess")
    assert client.packet_size == 0x20000
    assert list(client.registers.by_name) == list(REGISTERS.by_name)
    assert (client.registers.pc, client.registers.length) == ("rip", REGISTERS.length)


def test_registers(client, target):
    assert client.read_register("rip") == 0x1000
    client.write_register("r8", (1 << 64) - 2)
    assert client.read_register("r8") == (1 << 64) - 2
    assert client.read_registers()["r8"] == (1 << 64) - 2
    assert client.read_register("fop") is None
    with pytest.raises(Error, match="no register 'nosuch'"):
        client.read_register("nosuch")


def test_memory(client, target):
    data = bytes(range(256)) * 8
    client.write_memory(0x2000, data)
    assert client.read_memory(0x2000, len(data)) == data
    with pytest.raises(RemoteError, match="0x0 is not mapped"):
        client.read_memory(0, 4)
    with pytest.raises(RemoteError):
        client.read_memory(BASE + 0x1FFE, 4)


def test_running(client, target):
    assert client.halt_reason().stop == Stopped(Signal.TRAP, 1, None, 0)
    reply = client.step(1)
    assert client.registers.number_of(reply.registers[client.slot("rip").number]) == 0x1001
    client.insert_breakpoint(0x1007)
    assert client.cont().stop.reason == Noted("swbreak")
    client.remove_breakpoint(0x1007)
    client.insert_breakpoint(0x1005, hardware=True)
    assert client.cont().stop.reason == Noted("hwbreak")
    client.remove_breakpoint(0x1005, hardware=True)
    client.insert_watchpoint(WatchKind.WRITE, 0x2008, 1)
    assert client.cont().stop.reason == WatchpointHit(WatchKind.WRITE, 0x2008)
    client.remove_watchpoint(WatchKind.WRITE, 0x2008, 1)
    client.resume(b"c")
    with pytest.raises(Error, match="while the target runs"):
        client.request(b"qC")
    with pytest.raises(ConnectionLost, match="in time"):
        client.wait(timeout=0.02)
    client.interrupt()
    assert client.wait().stop.signal == Signal.INT
    client.write_register("rax", 7)
    client.write_register("rip", 0x1200)
    assert client.cont().stop == Exited(7)
    with pytest.raises(RemoteError, match="has ended"):
        client.cont()


def test_threads_and_monitor(client):
    assert client.threads() == [1, 2]
    assert client.thread_details(1) == "CPU 0 running <init>"
    client.select_thread(2)
    assert client.request(b"qC") == b"QC2"
    assert client.monitor("hello") == "hello, world\n"
    with pytest.raises(RemoteError, match="no command 'nosuch'"):
        client.monitor("nosuch")


def test_unknown_packets(client):
    with pytest.raises(UnsupportedPacket, match="qNoSuch"):
        client.ask(b"qNoSuch")


def test_a_bare_target(serve):
    with Client.connect(serve(served=BareTarget()).address) as client:
        with pytest.raises(UnsupportedPacket):
            client.insert_breakpoint(0)
        with pytest.raises(UnsupportedPacket):
            client.monitor("hello")
        assert client.thread_details(1) == ""


class PoorServer:
    """Answers a script: knows only what it is told, in ack mode, without a description."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []
        self.ours, self.theirs = socket.socketpair()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        decoder = Decoder(1 << 16)
        while data := self.ours.recv(4096):
            for event in decoder.feed(data):
                if isinstance(event, bytes):
                    self.asked.append(event)
                    reply = self.answers.get(event, b"")
                    self.ours.sendall(b"+" + (reply if reply[:1] in (b"$", b"%") else frame(reply)))


POOR = RegisterSet("toy", (Feature("f", (Register("a", 32), Register("b", 32))),))


@pytest.fixture
def poor():
    made = []

    def make(**answers):
        server = PoorServer({key.replace("_", ",").encode(): value for key, value in answers.items()})
        client = Client(server.theirs, timeout=2)
        client.registers = POOR
        made.append((server, client))
        return server, client

    yield make
    for server, client in made:
        client.close()
        server.thread.join(5)
        server.ours.close()


def test_registers_without_p_and_P(poor):
    server, client = poor(g=b"0100000002000000", G0100000003000000=b"OK")
    client.handshake()
    assert (client.packet_size, client.read_register("b")) == (400, 2)
    client.write_register("b", 3)
    assert server.asked[-1] == b"G0100000003000000"


def test_memory_without_X(poor):
    server, client = poor()
    server.answers[b"M10,2:abcd"] = b"OK"
    server.answers[b"m10,2"] = b"abcd"
    client.write_memory(0x10, b"\xab\xcd")
    assert client.read_memory(0x10, 2) == b"\xab\xcd"


def test_short_reads_are_continued(poor):
    server, client = poor()
    server.answers |= {b"m10,4": b"abcd", b"m12,2": b"ef01"}
    assert client.read_memory(0x10, 4) == b"\xab\xcd\xef\x01"


def test_unavailable_values(poor):
    _, client = poor(g=b"01000000xxxxxxxx")
    assert client.read_registers() == {"a": 1, "b": None}


def test_console_output_of_a_running_target(poor):
    _, client = poor(c=frame(b"O6869") + frame(b"S05"))
    lines = []
    client.console = lines.append
    assert client.cont().stop == Stopped(Signal.TRAP, 0)
    assert lines == ["hi"]


def test_monitor_without_output_packets(poor):
    _, client = poor()
    client._link.acknowledge = False
    assert client.features == {}
    server_reply = b"qRcmd," + b"x".hex().encode()
    poor_server, other = poor()
    poor_server.answers[server_reply] = b"6869"
    assert other.monitor("x") == "hi"


def test_refused_and_damaged_replies(poor):
    _, client = poor(qC=b"$QC1#00" + frame(b"QC1"))  # the first is damaged, so it is asked for again
    assert client.request(b"qC") == b"QC1"


def test_a_server_that_refuses_to_run(poor):
    _, client = poor(s=b"E01")
    with pytest.raises(RemoteError, match="error 01"):
        client.step()
    assert not client.running


def test_a_server_that_hangs_up(poor):
    server, client = poor()
    client.request(b"qC")
    server.ours.shutdown(socket.SHUT_RDWR)
    with pytest.raises(ConnectionLost):
        client.request(b"qC")


# -- documents

RICH = RegisterSet(
    "i386:x86-64",
    (
        *REGISTERS.features,
        Feature(
            "org.ringscope.<test>",
            (Register("cr0", 64, "cr0_flags", "system", 200, False), Register("tr", 16, "sel")),
            (
                Enumeration("rings", 1, (("kernel", 0), ("user", 3))),
                Flags("cr0_flags", 8, (Field("PE", 0, 0), Field("PG", 31, 31))),
                Struct("sel", (Field("RPL", 0, 1), Field("index", 3, 15, "uint16")), 2),
            ),
        ),
    ),
    osabi="GNU/Linux",
    pc="rip",
)


@pytest.mark.parametrize("split", [False, True])
def test_descriptions_round_trip(split):
    documents = register_documents(RICH, split=split)
    assert (len(documents) > 1) == split
    read = read_description(documents.__getitem__)
    assert read.osabi == RICH.osabi
    assert [(slot.register.name, slot[1:]) for slot in read] == [(slot.register.name, slot[1:]) for slot in RICH]
    assert [feature.types for feature in read.features] == [feature.types for feature in RICH.features]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<target>",
        b"<target><feature name='x'><reg name='a'/></feature></target>",
        b"<target><feature name='x'><reg name='a' bitsize='y'/></feature></target>",
        b"<target xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='target.xml'/></target>",
    ],
)
def test_bad_descriptions_are_told(text):
    with pytest.raises(DescriptionError):
        read_description(lambda annex: text)


def test_numbers_may_be_given():
    assert [slot.number for slot in RICH][-2:] == [200, 201]
    clash = RegisterSet("x", (Feature("f", (Register("a", 8), Register("b", 8, number=0))),))
    with pytest.raises(Error, match="a and b are both number 0"):
        clash.slots  # noqa: B018


# -- stop replies


@pytest.mark.parametrize(
    ("packet", "stop"),
    [
        (b"S05", Stopped(5, 0)),
        (b"T05", Stopped(5, 0)),
        (b"T05thread:1f;core:2;", Stopped(5, 0x1F, None, 2)),
        (b"T05thread:p1.2;swbreak:;", Stopped(5, 2, Noted("swbreak"))),
        (b"T05watch:7fff0000;thread:1;", Stopped(5, 1, WatchpointHit(WatchKind.WRITE, 0x7FFF0000))),
        (b"T05replaylog:begin;", Stopped(5, 0, Noted("replaylog", "begin"))),
        (b"W2a", Exited(42)),
        (b"W00;process:1", Exited(0)),
        (b"X0b", Terminated(11)),
    ],
)
def test_parse_stop(packet, stop):
    assert parse_stop(packet).stop == stop


def test_parse_expedited_registers():
    reply = parse_stop(b"T0510:0010;12:xxxx;thread:1;fork:p1.1;")
    assert reply.registers == {0x10: b"\0\x10"}
    assert reply.pairs == {"thread": "1", "fork": "p1.1"}


@pytest.mark.parametrize("packet", [b"", b"S", b"Sxx", b"Q05", b"OK", b"T0510:0;", b"T05thread:x;", b"T05watch:;"])
def test_bad_stop_replies(packet):
    with pytest.raises(MalformedPacket):
        parse_stop(packet)


# -- another's server


@pytest.mark.skipif(not shutil.which("gdbserver"), reason="gdbserver is not installed")
def test_against_gdbserver(tmp_path):
    process = subprocess.Popen(["gdbserver", "--once", "127.0.0.1:0", "/bin/true"], stderr=subprocess.PIPE, text=True)
    try:
        port = next(line.split()[-1] for line in process.stderr if line.startswith("Listening"))
        with Client.connect(f"127.0.0.1:{port}") as client:
            start = client.read_register("rip")
            assert client.registers.by_name["rip"].length == 8
            code = client.read_memory(start, 16)
            assert client.step().stop.signal == Signal.TRAP
            assert client.read_register("rip") != start
            client.write_register("rip", start)
            client.write_memory(start, code)
            assert client.cont().stop == Exited(0)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.qemu
@pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="QEMU is not installed")
def test_against_qemu(tmp_path):
    path, pid = tmp_path / "qemu.sock", tmp_path / "pid"
    subprocess.run(
        [
            *("qemu-system-x86_64", "-S", "-display", "none", "-m", "16", "-daemonize", "-pidfile", str(pid)),
            *("-chardev", f"socket,path={path},server=on,wait=off,id=gdb", "-gdb", "chardev:gdb"),
        ],
        check=True,
        timeout=30,
    )
    try:
        with Client.connect(f"unix:{path}") as client:
            assert client.read_register("rip") == 0xFFF0
            assert client.read_registers()["cr0"] == 0x60000010
            assert client.threads() == [1]
            client.write_memory(0x1000, bytes(range(256)) * 32)
            assert client.read_memory(0x1000, 0x2000) == bytes(range(256)) * 32
            assert client.step().stop.signal == Signal.TRAP
            assert "CPU#0" in client.monitor("info registers") or "EAX=" in client.monitor("info registers")
            client.resume(b"c")
            client.interrupt()
            assert client.wait().stop.signal == Signal.INT
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)

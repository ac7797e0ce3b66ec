"""Serial ports and their ends on the host: words, sockets, files, and peers that behave badly."""

import socket
import threading
import time
from pathlib import Path

import pytest

from gdbstub.address import AddressError
from machine.devices.serial import IER, IER_RECEIVED
from machine.machine import Machine
from ringscope.pace import Pace
from ringscope.serial.ends import KEPT, open_end
from ringscope.serial.lines import BACKLOG, check, join
from ringscope.serial.spec import STDIO, Kind, parse


def joined(*words, terminal=lambda data: None, patient=False):
    machine = Machine(1 << 20, serial_ports=len(words))
    return machine, join(machine, [parse(word) for word in words], terminal, patient=patient)


def write(port, data):
    for byte in data:
        port.write_port(0, byte, 1)


def until(condition):
    deadline = time.monotonic() + 5
    while not (found := condition()):
        assert time.monotonic() < deadline
    return found


def dial(path):
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(str(path))
    return peer


# Words


@pytest.mark.parametrize(
    "text, kind, where",
    [
        ("stdio", Kind.STDIO, ""),
        ("null", Kind.NULL, ""),
        ("file:/tmp/a b", Kind.FILE, "/tmp/a b"),
        ("unix:/tmp/s", Kind.LISTEN, "unix:/tmp/s"),
        ("tcp::4555", Kind.LISTEN, ":4555"),
        ("tcp:0.0.0.0:0", Kind.LISTEN, "0.0.0.0:0"),
        ("tcp:[::1]:7", Kind.LISTEN, "[::1]:7"),
        ("tcp-connect:host:7", Kind.CONNECT, "host:7"),
        ("unix-connect:/s", Kind.CONNECT, "unix:/s"),
    ],
)
def test_words(text, kind, where):
    assert parse(text) == (kind, where, text)


@pytest.mark.parametrize(
    "text",
    ["", "std", "stdio:", "file:", "unix:", "tcp:", "tcp:host", "tcp:host:x", "tcp:h:70000", "tcp:unix:/x", "pty",
     "tcp-connect::0"],
)  # fmt: skip
def test_bad_words_are_named(text):
    with pytest.raises(AddressError) as caught:
        parse(text)
    assert (text or "''") in str(caught.value)


def test_a_pc_has_four_ports_and_one_terminal():
    with pytest.raises(AddressError, match="5 serial ports"):
        check([parse("null")] * 5)
    with pytest.raises(AddressError, match="stdio"):
        check([STDIO, STDIO])


# Ends


def test_ends_that_cannot_be_had_are_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for text in (
            f"file:{tmp_path}/none/log",
            f"file:{tmp_path}",
            f"unix:{tmp_path}/none/socket",
            f"tcp:127.0.0.1:{port}",
            f"unix-connect:{tmp_path}/none",
        ):
            with pytest.raises(AddressError) as caught:
                open_end(parse(text), print)
            assert text.partition(":")[2] in str(caught.value)
    with pytest.raises(AddressError, match=f"cannot connect to tcp-connect:127.0.0.1:{port}"):
        open_end(parse(f"tcp-connect:127.0.0.1:{port}"), print)


def test_nothing_stays_open_behind_an_end_that_cannot_be_had(tmp_path):
    with pytest.raises(AddressError):
        joined(f"unix:{tmp_path}/a", f"file:{tmp_path}")
    assert not (tmp_path / "a").exists()


def test_a_file_gets_what_the_guest_writes(tmp_path):
    log = tmp_path / "log"
    log.write_text("old")
    machine, lines = joined("null", f"file:{log}")
    with lines:
        write(machine.serial_ports[1], b"hello")
        lines.flush()
        assert log.read_bytes() == b"hello"
        write(machine.serial_ports[1], b"!" * 5000)
        assert log.stat().st_size > 4096, "a full buffer does not wait for the slice's end"
    assert log.read_bytes() == b"hello" + b"!" * 5000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_loses_bytes_and_says_so():
    machine, lines = joined("file:/dev/full")
    write(machine.serial, b"lost")
    lines.flush()
    assert lines.ends[0].describe() == "written, 4 bytes dropped"


def test_a_socket_carries_both_ways(tmp_path):
    path = tmp_path / "s"
    machine, lines = joined("null", f"unix:{path}")
    with lines:
        port = machine.serial_ports[1]
        write(port, b"early ")
        lines.flush()
        assert lines.ends[1].describe() == "nobody is connected"
        with dial(path) as peer:
            peer.settimeout(5)
            write(port, b"late")
            lines.flush()
            assert peer.recv(100) == b"early late"
            peer.send(b"in")
            lines.take()
            assert [port.read_port(0, 1) for _ in range(2)] == [ord("i"), ord("n")]
    assert not path.exists()


def test_a_port_by_tcp_is_on_loopback():
    machine, lines = joined("tcp::0")
    with lines:
        (listener,) = lines.ends[0].sources()
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        assert lines.ends[0].describe() == f"nobody is connected to 127.0.0.1:{port}"
        with socket.create_connection((host, port)) as peer:
            peer.send(b"x")
            until(lambda: lines.take() or machine.serial.backlog)


def test_a_connection_out():
    with socket.create_server(("127.0.0.1", 0)) as server:
        machine, lines = joined(f"tcp-connect:127.0.0.1:{server.getsockname()[1]}")
        peer, _ = server.accept()
    with lines, peer:
        write(machine.serial, b"hello")
        lines.flush()
        peer.settimeout(5)
        assert peer.recv(10) == b"hello"
        peer.close()
        until(lambda: lines.take() or not lines.open)
        for _ in range(3):
            write(machine.serial, b"gone")
            lines.flush()
        assert "dropped" in until(lambda: (lines.flush(), write(machine.serial, b"."), lines.ends[0].describe())[2])


def test_a_peer_that_reads_nothing_loses_the_oldest_bytes(tmp_path):
    machine, lines = joined(f"unix:{tmp_path}/s")
    with lines, dial(tmp_path / "s") as peer:
        lines.take()
        block = bytes(range(256)) * 256
        began = time.monotonic()
        for _ in range(40):
            machine.serial.send(block)
            lines.flush()
        assert time.monotonic() - began < 2
        assert "bytes dropped" in lines.ends[0].describe()
        peer.settimeout(1)
        heard = bytearray()
        while len(heard) < KEPT and (data := peer.recv(1 << 16)):
            heard += data
            lines.flush()
        assert heard[:256] == block[:256]


def test_a_flood_waits_with_the_peer(tmp_path):
    machine, lines = joined(f"unix:{tmp_path}/s")
    with lines, dial(tmp_path / "s") as peer:
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                peer.send(bytes(4096))
                lines.take()
        assert machine.serial.backlog == BACKLOG
        assert not lines.wait(0), "a port that takes nothing is not waited for"


def test_the_next_peer_comes_when_one_has_gone(tmp_path):
    machine, lines = joined(f"unix:{tmp_path}/s")
    with lines:
        for number in range(3):
            with dial(tmp_path / "s") as peer:
                peer.send(b"%d" % number)
                until(lambda: lines.take() or machine.serial.backlog)
                assert machine.serial.read_port(0, 1) == ord("0") + number


def test_a_half_closed_peer_still_hears(tmp_path):
    machine, lines = joined(f"unix:{tmp_path}/s")
    with lines, dial(tmp_path / "s") as peer:
        peer.send(b"q")
        peer.shutdown(socket.SHUT_WR)
        until(lambda: lines.take() or machine.serial.backlog)
        lines.take()
        write(machine.serial, b"answer")
        lines.flush()
        peer.settimeout(5)
        assert peer.recv(10) == b"answer"


def test_a_patient_port_waits_for_a_guest_that_listens(tmp_path):
    machine, lines = joined(f"unix:{tmp_path}/s", patient=True)
    with lines, dial(tmp_path / "s") as peer:
        peer.send(b"early")
        lines.take()
        assert machine.serial.backlog == 0
        machine.serial.write_port(IER, IER_RECEIVED, 1)
        lines.take()
        assert machine.serial.backlog == 5


def test_a_peer_wakes_an_idle_machine(tmp_path):
    machine, lines = joined(f"unix:{tmp_path}/s")
    machine.memory.write(0, b"\xf4")
    with lines:
        sender = threading.Thread(target=lambda: dial(tmp_path / "s").send(b"x"))
        sender.start()
        deadline = time.monotonic() + 5
        while not machine.serial.backlog and time.monotonic() < deadline:
            lines.wait(0.5)
            lines.take()
        sender.join()
        assert machine.serial.backlog == 1


def test_output_leaves_at_a_slices_end(tmp_path):
    machine, lines = joined(f"file:{tmp_path}/log")
    with lines:
        write(machine.serial, b"x")
        Pace(machine, lines).run()
        assert (tmp_path / "log").read_bytes() == b"x"

"""The server on real sockets: several clients, vanishing clients, garbage, policies, addresses."""

import logging
import socket
import struct
from contextlib import suppress

import pytest

from gdbstub.address import AddressError, is_local, parse_address
from gdbstub.client import Client
from gdbstub.errors import ConnectionLost
from gdbstub.server import Policy, Server, Then, listen
from gdbstub.session import Ending
from gdbstub.stopreply import Signal, Stopped
from gdbstub.wire import frame
from tests.protocol.toy import RIP, ToyTarget


def receive(connection, count):
    """Exactly ``count`` bytes."""
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        assert part, f"closed after {data!r}"
        data += part
    return data


def ask(connection, packet, reply):
    """Send in ack mode and compare."""
    connection.sendall(frame(packet, run_lengths=False))
    expected = b"+" + frame(reply)
    assert receive(connection, len(expected)) == expected
    connection.sendall(b"+")


def closed(connection):
    """Whether the server closed it."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def test_one_client_after_another(serve):
    server = serve()
    for _ in range(5):
        with server.connect() as connection:
            ask(connection, b"qC", b"QC1")


@pytest.mark.parametrize("running", [False, True])
def test_a_second_client_is_sent_away_in_words(serve, running):
    server = serve()
    with server.connect() as first:
        ask(first, b"qC", b"QC1")
        if running:
            first.sendall(frame(b"c"))
            assert receive(first, 1) == b"+"
        for _ in range(20):
            with server.connect() as second:
                second.sendall(frame(b"qSupported"))
                said = b""
                while part := second.recv(4096):
                    said += part
                assert said.startswith(b"+$E.another debugger is attached")
        if running:
            first.sendall(b"\x03")
            assert receive(first, 2) == b"$T"
        else:
            ask(first, b"qC", b"QC1")


def test_a_brisk_conversation_lets_a_newcomer_hear_no(serve):
    server = serve()
    with server.connect() as first, server.connect() as second:
        second.sendall(frame(b"qSupported"))
        second.setblocking(False)
        said = b""
        for _ in range(5000):
            ask(first, b"qC", b"QC1")
            with suppress(BlockingIOError):
                said += second.recv(4096)
            if said:
                break
        assert said.startswith(b"+$E.another debugger is attached")


def test_a_client_that_comes_as_the_first_leaves_is_served(serve):
    server = serve()
    for _ in range(20):
        with server.connect() as first:
            ask(first, b"qC", b"QC1")
        with server.connect() as second:
            ask(second, b"qC", b"QC1")


@pytest.mark.parametrize(
    "parting",
    [b"", b"$m10", b"$X2000,ffff:" + b"a" * 5000, b"$c#6", b"\x03\x03", b"$" + b"a" * 500_000, b"\xff" * 5000],
)
def test_a_client_that_vanishes_leaves_the_target_as_it_is(serve, target, parting):
    server = serve()
    with server.connect() as connection:
        ask(connection, b"P0=8877665544332211", b"OK")
        connection.sendall(parting)
    with server.connect() as connection:
        ask(connection, b"p0", b"8877665544332211")


def test_a_reset_connection_is_a_vanished_client(serve):
    server = serve()
    connection = server.connect()
    ask(connection, b"qC", b"QC1")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    with server.connect() as connection:
        ask(connection, b"qC", b"QC1")


def test_a_client_that_vanishes_while_running_stops_the_target(serve, target):
    server = serve()
    with server.connect() as connection:
        ask(connection, b"Z0,1100,1", b"OK")
        connection.sendall(frame(b"c"))
        assert receive(connection, 1) == b"+"
    with server.connect() as connection:
        ask(connection, b"qC", b"QC1")
    assert target.breakpoints == set()
    assert target.stop.signal == Signal.INT


def test_interrupt_over_the_socket(serve):
    with Client.connect(serve().address) as client:
        client.resume(b"c")
        client.interrupt()
        assert client.wait().stop == Stopped(Signal.INT, 1, None, 0)


def test_after_detach_the_target_runs_on(serve, target):
    server = serve()
    client = Client.connect(server.address)
    client.detach()
    with server.connect() as connection:  # it is stopped again for the next client
        ask(connection, b"qC", b"QC1")
    assert any(entry[0] == "resume" for entry in target.log)
    assert target.stop.signal == Signal.INT


def test_after_detach_it_may_stay_stopped(serve, target):
    server = serve(policy=Policy(detached=Then.STOP))
    Client.connect(server.address).detach()
    with server.connect() as connection:
        ask(connection, b"qC", b"QC1")
    assert not any(entry[0] == "resume" for entry in target.log)


def test_running_from_the_start(serve, target):
    server = serve(running=True)
    with Client.connect(server.address) as client:
        assert client.halt_reason().stop.signal == Signal.INT


def test_a_target_that_ends_while_nobody_looks(serve, target):
    target.set(1, RIP, 0x1200)
    server = serve(running=True)
    with server.connect() as connection:
        connection.sendall(frame(b"?"))
        assert receive(connection, 2) == b"+$"
        assert receive(connection, 1) in (b"W", b"T")


@pytest.mark.parametrize(
    ("packet", "policy", "ending"),
    [
        (b"k", Policy(), Ending.KILLED),
        (b"vKill;1", Policy(), Ending.KILLED),
        (b"D", Policy(detached=Then.RETURN), Ending.DETACHED),
        (b"", Policy(vanished=Then.RETURN), Ending.VANISHED),
    ],
)
def test_serving_ends_by_policy(serve, packet, policy, ending):
    server = serve(policy=policy)
    with server.connect() as connection:
        if packet:
            connection.sendall(frame(packet))
        connection.shutdown(socket.SHUT_WR)
        assert closed(connection)
    assert server.join() is ending


def test_serving_may_end_with_the_target(serve, target):
    server = serve(policy=Policy(exited=Then.RETURN))
    with Client.connect(server.address) as client:
        client.write_register("rip", 0x1200)
        client.cont()
    assert server.join() is Ending.VANISHED


def test_serving_may_end_with_a_target_that_nobody_watches(serve, target):
    target.set(1, RIP, 0x1200)
    assert serve(policy=Policy(exited=Then.RETURN), running=True).join() is Ending.EXITED


class Sleepy(ToyTarget):
    """Has nothing to do for an hour, and counts how often it is run all the same."""

    slices = 0

    def idle_seconds(self):
        return 3600

    def run_slice(self):
        self.slices += 1
        return None


def test_an_idle_target_costs_nothing_and_still_hears_an_interrupt(serve):
    target = Sleepy()
    with Client.connect(serve(served=target).address) as client:
        client.resume(b"c")
        client.interrupt()
        assert client.wait().stop.signal == Signal.INT
        client.detach()
    assert target.slices < 10


class Broken(ToyTarget):
    """Fails where no handler is at work."""

    def client_detached(self):
        raise ZeroDivisionError("detached badly")


def test_a_bug_while_leaving_does_not_end_the_server(serve, caplog):
    server = serve(served=Broken())
    for _ in range(2):
        with caplog.at_level(logging.ERROR), server.connect() as connection:
            ask(connection, b"qC", b"QC1")
    with server.connect() as connection:
        ask(connection, b"qC", b"QC1")
    assert "detached badly" in caplog.text


def test_a_client_that_never_reads_is_given_up(serve, monkeypatch):
    monkeypatch.setattr("gdbstub.server._SEND_TIMEOUT", (0, 10_000))
    server = serve(policy=Policy(vanished=Then.RETURN))
    with server.connect() as connection:
        with pytest.raises(OSError):
            while True:
                connection.sendall(frame(b"m1000,1000") * 1000)
        assert server.join() is Ending.VANISHED


def test_stop_ends_a_waiting_server_and_a_talking_one(serve):
    waiting, talking = serve(), serve(served=ToyTarget())
    waiting.server.stop()
    assert waiting.join() is Ending.CLOSED
    with talking.connect() as connection:
        ask(connection, b"qC", b"QC1")
        talking.server.stop()
        assert talking.join() is Ending.CLOSED
        assert closed(connection)


def test_a_bug_is_told_and_closes_only_its_session(serve, caplog):
    server = serve()
    with caplog.at_level(logging.ERROR), server.connect() as connection:
        connection.sendall(frame(b"qRcmd," + b"bug".hex().encode()))
        assert closed(connection)
    assert "RuntimeError: a bug in the toy" in caplog.text
    with server.connect() as connection:
        ask(connection, b"qC", b"QC1")


def test_the_target_is_told_of_clients(serve, target):
    server = serve(policy=Policy(vanished=Then.RETURN))
    with server.connect() as connection:
        ask(connection, b"qC", b"QC1")
    server.join()
    assert target.log == [("attached",), ("detached",)]


def test_big_packets(serve):
    server = serve()
    with Client.connect(server.address) as client:
        for fill in (bytes(0x1000), b"#$}*" * 0x400, bytes(range(256)) * 16):
            client.write_memory(0x2000, fill)
            assert client.read_memory(0x2000, 0x1000) == fill
        reply = client.request(b"X2000,30000:" + b"}" * 0x30000)
        assert reply == b"E.a packet that cannot be read: it has more than 0x20000 bytes"
        assert client.request(b"qC") == b"QC1"


def test_many_requests_at_once(serve):
    with serve().connect() as connection:
        ask(connection, b"QStartNoAckMode", b"OK")
        connection.sendall(frame(b"m1000,10") * 2000)
        expected = frame(b"909048ffc088078a07ebf5" + b"00" * 5) * 2000
        assert receive(connection, len(expected)) == expected


def test_garbage_between_packets(serve):
    with serve().connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n\0\xff")
        ask(connection, b"qC", b"QC1")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:1234", ("127.0.0.1", 1234)),
        (":1234", ("127.0.0.1", 1234)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_addresses(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "1234", "host", "host:", "host:x", "host:65536", "host:-1", "unix:", "host:²"])
def test_bad_addresses(text):
    with pytest.raises(AddressError, match="unix:" if text.startswith("unix") else "neither"):
        parse_address(text)


def test_unix_sockets_are_removed_and_taken_over(serve, tmp_path, target):
    path = tmp_path / "stub.sock"
    with Server(target, listen(f"unix:{path}")) as server:
        assert server.address == str(path)
        assert path.is_socket()
    assert not path.exists()
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    with Server(target, listen(f"unix:{path}")):
        assert path.is_socket()
        with pytest.raises(AddressError, match="another server"):
            listen(f"unix:{path}")
    path.write_text("a file of the user's")
    with pytest.raises(AddressError):
        listen(f"unix:{path}")
    assert path.read_text() == "a file of the user's"


def test_a_taken_port_is_told(serve):
    with pytest.raises(AddressError, match="cannot listen on"):
        listen(serve().address)


def test_a_contradictory_description_fails_at_once(target):
    from gdbstub.errors import Error
    from gdbstub.registers import Feature, Register, RegisterSet

    target.registers = RegisterSet("x", (Feature("a", (Register("r", 64), Register("r", 64))),))
    with listen("127.0.0.1:0") as listener, pytest.raises(Error, match="same name"):
        Server(target, listener)


def test_a_silent_server_is_not_waited_for():
    with listen("127.0.0.1:0") as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConnectionLost, match="in time"):
            Client.connect(f"127.0.0.1:{port}", timeout=0.05)
    with pytest.raises(ConnectionLost, match="cannot connect"):
        Client.connect(f"127.0.0.1:{port}", timeout=1)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        (":1234", True),
        ("localhost:1234", True),
        ("127.0.0.1:1", True),
        ("127.9.9.9:1", True),
        ("[::1]:1", True),
        ("unix:/x", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("192.168.1.2:1", False),
        ("example.org:1", False),
    ],
)
def test_addresses_that_only_this_host_reaches(text, local):
    assert is_local(text) is local

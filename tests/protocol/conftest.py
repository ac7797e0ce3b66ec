"""Fixtures of the protocol tests."""

import socket
import sys
import threading

import pytest

from gdbstub.server import Policy, Server, listen
from tests.protocol.toy import Conversation, ToyTarget


@pytest.fixture
def target():
    return ToyTarget()


@pytest.fixture
def talk(target):
    """A session without a socket, in no-ack mode: ``talk(b"?")`` gives the reply."""
    return Conversation(target)


class Running:
    """A server on its own thread; ``address`` for clients, ``result`` once it has ended."""

    def __init__(self, target, where, policy=None, observers=False, **options):
        self.listener = listen(where)
        self.server = Server(target, self.listener, policy=policy or Policy(), observers=observers)
        self.result = None
        self._options = options
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        self.result = self.server.serve(**self._options)

    @property
    def address(self):
        return self.server.address

    def connect(self):
        connection = socket.create_connection(self.listener.getsockname(), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def join(self):
        self._thread.join(10)
        assert not self._thread.is_alive(), "the server did not return"
        return self.result

    def close(self):
        self.server.stop()
        self._thread.join(10)
        self.server.close()
        assert not self._thread.is_alive(), "the server did not stop"


@pytest.fixture
def serve(target):
    """Start servers: ``serve(policy=…)``; they are stopped afterwards."""
    servers = []
    # Slices of the toy are shorter than the interpreter's switch interval: without this its thread would
    # hold the interpreter lock for seconds while a test waits for it.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def start(where="127.0.0.1:0", served=target, **options):
        servers.append(Running(served, where, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
    sys.setswitchinterval(interval)

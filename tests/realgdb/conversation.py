"""Our kernel served to stock gdb from a thread, so that a test sees what gdb sent and what stays behind."""

import threading

from gdbstub.server import Policy, Server, Then, listen
from kernel.image import find_image
from ringscope.boot import Configuration, power_on
from ringscope.serve import make_target
from tests.realgdb.harness import gdb_batch

ON_TARGET = ("set breakpoint condition-evaluation target", "set dprintf-style agent")


class Served:
    """Our kernel behind a socket; ``packets`` is what gdb sent."""

    def __init__(self, path):
        self.packets = []
        self.target = make_target(power_on(Configuration()))
        self.path = path
        trace = lambda way, data: self.packets.append(bytes(data)) if way == "<-" else None  # noqa: E731
        policy = Policy(killed=Then.STOP)
        self.server = Server(self.target, listen(f"unix:{path}"), policy=policy, trace=trace)
        self.thread = threading.Thread(target=self.server.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()
        self.thread.join(10)
        self.server.close()

    def gdb(self, *commands):
        self.packets.clear()
        lines = (f"target remote {self.path}", *ON_TARGET, *commands)
        return gdb_batch(*lines, file=find_image().vmlinux, seconds=20)

    def sent(self, prefix):
        return [packet for packet in self.packets if packet.startswith(prefix)]

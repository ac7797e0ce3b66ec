"""A neutral RSP client for measuring: raw socket, no dependence on the server's own code, the same for every server."""

import socket
import struct
import time

clock = time.perf_counter


class Unsupported(Exception):
    """The server does not offer what a measure needs."""


class WrongAnswer(Exception):
    """The server answered, but not what the workload makes true: its speed would mean nothing."""


def frame(body):
    return b"$%b#%02x" % (body, sum(body) & 0xFF)


def expand(body):
    """Undo run-length encoding (gdb manual, "Overview")."""
    if b"*" not in body:
        return body
    out, index = bytearray(), 0
    while index < len(body):
        if body[index] == ord("*"):
            index += 1
            out += out[-1:] * (body[index] - 29)
        else:
            out.append(body[index])
        index += 1
    return bytes(out)


def refused(reply):
    return reply == b"" or (reply[:1] == b"E" and (len(reply) == 3 or reply[1:2] == b"."))


class Client:
    """One connection, after the handshake that gdb makes."""

    def __init__(self, port, seconds=20.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending, self.acks = b"", True
        self.socket.sendall(b"+")
        features = self.command(b"qSupported:swbreak+;hwbreak+;vContSupported+;xmlRegisters=i386")
        self.features = dict(word.partition("=")[::2] for word in expand(features).decode().split(";"))
        self.packet_size = int(self.features.get("PacketSize", "190"), 16)
        if self.command(b"QStartNoAckMode") == b"OK":
            self.acks = False
        self.actions = self.command(b"vCont?").decode().split(";")[1:]
        self.command(b"?")
        if "qXfer:features:read+" in self.features:  # QEMU answers `p` only to who has asked for this
            self.command(b"qXfer:features:read:target.xml:0,ffb")
        self.command(b"Hg0")
        self.go = b"vCont;c" if "c" in self.actions else b"c"
        self.one = b"vCont;s" if "s" in self.actions else b"s"

    def close(self):
        self.socket.close()

    def send(self, body):
        self.socket.sendall(frame(body))

    def receive(self):
        """The body of the next packet, still run-length encoded."""
        while True:
            start = self.pending.find(b"$")
            end = self.pending.find(b"#", start) if start >= 0 else -1
            if end >= 0 and len(self.pending) >= end + 3:
                body, self.pending = self.pending[start + 1 : end], self.pending[end + 3 :]
                if self.acks:
                    self.socket.sendall(b"+")
                return body
            chunk = self.socket.recv(1 << 16)
            if not chunk:
                raise WrongAnswer("the server closed the connection")
            self.pending += chunk

    def command(self, body):
        self.send(body)
        return self.receive()

    def need(self, body):
        """A command that must be understood; its reply."""
        reply = self.command(body)
        if refused(reply):
            raise Unsupported(f"{body.decode('latin1')[:24]} is answered {reply.decode('latin1')!r}")
        return reply

    def wait(self):
        while True:
            reply = self.receive()
            if reply[:1] in b"TS":
                return reply
            if reply[:1] != b"O" or reply == b"OK":
                raise WrongAnswer(f"no stop reply but {reply!r}")

    def cont(self):
        self.send(self.go)
        return self.wait()

    def step(self):
        self.send(self.one)
        return self.wait()

    def pc(self):
        return int.from_bytes(bytes.fromhex(expand(self.command(b"p10")).decode()), "little")

    def read_word(self, address):
        return int.from_bytes(bytes.fromhex(expand(self.need(b"m%x,8" % address)).decode()), "little")

    def write(self, address, data):
        if self.command(b"M%x,%x:%b" % (address, len(data), data.hex().encode())) != b"OK":
            raise WrongAnswer(f"{len(data)} bytes could not be written at {address:#x}")

    def insert(self, kind, address, length=1):
        self.need(b"Z%d,%x,%x" % (kind, address, length))

    def remove(self, kind, address, length=1):
        self.need(b"z%d,%x,%x" % (kind, address, length))


class Guest:
    """The workload behind a client: commands, and repeated timing of `repetitions` times about `budget` seconds."""

    def __init__(self, client, symbols, budget, repetitions):
        self.client, self.symbols = client, symbols
        self.budget, self.repetitions = budget, repetitions

    def at(self, name):
        return self.symbols[name]

    def run_to(self, name):
        """Continue to a symbol; no breakpoint is left behind."""
        address = self.at(name)
        self.client.insert(0, address)
        self.client.cont()
        self.client.remove(0, address)
        if self.client.pc() != address:
            raise WrongAnswer(f"stopped at {self.client.pc():#x}, not at {name} {address:#x}")

    def start(self, command, argument):
        """From bench_ready: queue a command and step off the nop."""
        self.client.write(self.at("bench_cmd"), struct.pack("<QQ", command, argument))
        self.client.step()

    def finish(self):
        self.run_to("bench_ready")

    def timed(self, command, argument):
        """Seconds that the guest needs for a whole command."""
        done, ready = self.client.read_word(self.at("bench_done")), self.at("bench_ready")
        self.start(command, argument)
        self.client.insert(0, ready)
        begin = clock()
        self.client.cont()
        seconds = clock() - begin
        self.client.remove(0, ready)
        if self.client.pc() != ready or self.client.read_word(self.at("bench_done")) != done + 1:
            raise WrongAnswer(f"the command {command} did not come back to bench_ready")
        return seconds

    def per_second(self, operation, most=1 << 33):
        """Rates of operation(count) -> seconds, the count chosen so that one call takes about the budget."""
        count, seconds = 4, operation(4)
        while seconds < self.budget / 4 and count < most:
            count *= 8 if seconds < self.budget / 32 else 2
            seconds = operation(count)
        count = max(1, min(most, int(count * self.budget / seconds)))
        return [count / operation(count) for _ in range(self.repetitions)]

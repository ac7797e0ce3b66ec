"""What agent expressions do to the outside: trace state variables, and text for the client's console."""

from collections.abc import Sequence

from gdbstub.agent.printf import Format
from gdbstub.target import Probe

MOST_TEXT = 1 << 16
"""Bytes of text kept while no client is there to read them; the oldest go first."""

_CHUNK = 64

MOST_AT_ONCE = 1 << 22
"""Bytes of text in one slice of a run; the rest is counted."""

MOST_FAILURES = 1024
"""Addresses whose commands are told to fail."""


class Console:
    """Text on its way to the client."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._lost = 0

    def __bool__(self) -> bool:
        """Whether there is anything to take."""
        return bool(self._text or self._lost)

    def print(self, text: bytes) -> None:
        """Add to it."""
        if len(self._text) + len(text) > MOST_AT_ONCE:
            self._lost += len(text)
        else:
            self._text += text

    def take(self) -> bytes:
        """All of it; nothing is left."""
        text = bytes(self._text)
        if self._lost:
            text += b"(%d bytes were too much at once)\n" % self._lost
        self._text.clear()
        self._lost = 0
        return text

    def shorten(self) -> None:
        """Nobody reads: keep the newest lines."""
        if len(self._text) > MOST_TEXT:
            start = self._text.find(b"\n", len(self._text) - MOST_TEXT) + 1
            del self._text[: start or len(self._text) - MOST_TEXT]


class Variables:
    """Trace state variables: values by number; one that was never set is 0."""

    def __init__(self) -> None:
        self.values: dict[int, int] = {}

    def __getitem__(self, number: int) -> int:
        return self.values.get(number, 0)

    def __setitem__(self, number: int, value: int) -> None:
        self.values[number] = value


class Printing:
    """The effects of conditions and commands, which record nothing."""

    def __init__(self, console: Console, variables: Variables) -> None:
        self._console = console
        self._variables = variables
        self._failed: set[int] = set()

    def variable(self, number: int) -> int:
        """A trace state variable."""
        return self._variables[number]

    def set_variable(self, number: int, value: int) -> None:
        """Set one."""
        self._variables[number] = value

    def trace_variable(self, number: int) -> None:
        """Nothing: no frame is being made."""

    def trace(self, probe: Probe, address: int, length: int) -> None:
        """Nothing."""

    def trace_string(self, probe: Probe, address: int, most: int) -> None:
        """Nothing."""

    def print(self, probe: Probe, format: Format, arguments: Sequence[int]) -> None:
        """To the client's console."""
        self._console.print(format.print(arguments, lambda address, most: read_string(probe, address, most)))

    def fail(self, address: int, text: str) -> None:
        """To the client's console, the first time at each address: a loop would say nothing else."""
        if address not in self._failed and len(self._failed) < MOST_FAILURES:
            self._failed.add(address)
            self._console.print(f"a command at {address:#x} failed, which is told once: {text}\n".encode())

    def forget_failures(self) -> None:
        """Another client comes: it has heard of none."""
        self._failed.clear()


def read_string(probe: Probe, address: int, most: int) -> bytes:
    """Bytes in memory up to a zero byte, ``most`` at most. Raises TargetError if one of them cannot be read."""
    text = b""
    while len(text) < most:
        count = min(_CHUNK - address % _CHUNK, most - len(text))
        piece, zero, _ = probe.read(address, count).partition(b"\0")
        text += piece
        if zero:
            break
        address += count
    return text

"""What a tracepoint does at a hit: reading its actions, and recording a frame (gdb manual, "Tracepoint Packets")."""

import re
from collections.abc import Callable, Iterator, Sequence

from gdbstub.agent.effects import Printing, read_string
from gdbstub.agent.expression import check
from gdbstub.agent.printf import Format
from gdbstub.agent.translate import translate
from gdbstub.errors import Error, MalformedPacket, TargetError, quoted
from gdbstub.target import Probe
from gdbstub.trace.frames import LONGEST_BLOCK, Frame

_ALL = (1 << 64) - 1
_GRAIN = 256
"""Bytes that are tried by themselves where a longer piece cannot be read."""


class NoRoom(Error):
    """A frame would be larger than the buffer."""


class Recorder:
    """The effects of a tracepoint's expressions: they fill a frame. Memory that cannot be read is left out.

    ``room`` is how many bytes of memory may be asked for; `NoRoom` is raised for more.
    """

    def __init__(self, frame: Frame, printing: Printing, room: int) -> None:
        self.frame = frame
        self._room = room
        self._printing = printing
        self.variable = printing.variable
        self.set_variable = printing.set_variable
        self.fail = printing.fail

    def trace_variable(self, number: int) -> None:
        """Record a trace state variable."""
        self.frame.variables[number] = self.variable(number)

    def trace(self, probe: Probe, address: int, length: int) -> None:
        """Record memory."""
        self._take_room(length)
        end = address + length
        while address < end:
            count = min(LONGEST_BLOCK, end - address)
            self._record(probe, address, count)
            address += count

    def trace_string(self, probe: Probe, address: int, most: int) -> None:
        """Record memory up to a zero byte, and that."""
        text = read_string(probe, address, min(most, LONGEST_BLOCK - 1))
        self._take_room(len(text) + 1)
        self._record(probe, address, min(len(text) + 1, most))

    def print(self, probe: Probe, format: Format, arguments: Sequence[int]) -> None:
        """To the client's console."""
        self._printing.print(probe, format, arguments)

    def _take_room(self, length: int) -> None:
        self._room -= length
        if self._room < 0:
            raise NoRoom

    def _record(self, probe: Probe, address: int, length: int) -> None:
        for start, count in ((address, length), *_grains(address, length)):
            try:
                self.frame.memory.append((start & _ALL, probe.read(start & _ALL, count)))
            except TargetError:
                continue
            if count == length:
                return


def _grains(address: int, length: int) -> Iterator[tuple[int, int]]:
    end = address + length
    while address < end and length > 1:
        count = min(_GRAIN - address % _GRAIN, end - address)
        yield address, count
        address += count


Collect = Callable[[Probe, Recorder], None]


def _registers(probe: Probe, recorder: Recorder) -> None:
    if recorder.frame.registers is None:
        recorder.frame.registers = probe.registers()


def _memory(base: int | None, offset: int, length: int) -> Collect:
    def collect(probe: Probe, recorder: Recorder) -> None:
        start = offset if base is None else probe.register(base) + offset
        recorder.trace(probe, start & _ALL, length)

    return collect


def _expression(digits: bytes, length: int) -> Collect:
    code = bytes.fromhex(digits.decode("ascii"))
    if len(code) != length:
        raise MalformedPacket(f"QTDP: an expression has {len(code)} bytes, its length is {length:#x}")
    evaluate = translate(check(code))

    def collect(probe: Probe, recorder: Recorder) -> None:
        evaluate(probe, recorder)

    return collect


_ACTION = re.compile(
    rb"R(?P<mask>[0-9a-fA-F]*)"
    rb"|M(?P<base>-1|[0-9a-fA-F]{1,8}),(?P<offset>-?[0-9a-fA-F]{1,16}),(?P<length>[0-9a-fA-F]{1,16})"
    rb"|X(?P<size>[0-9a-fA-F]{1,8}),(?P<code>(?:[0-9a-fA-F]{2})*)"
)
_ABSOLUTE = (b"-1", b"ffffffff")


def parse_actions(text: bytes) -> list[Collect]:
    """Actions one behind the other. Raises MalformedPacket, and TargetError for code that cannot be evaluated."""
    actions, at = [], 0
    while at < len(text):
        match = _ACTION.match(text, at)
        if match is None:
            raise MalformedPacket(f"QTDP: action {quoted(text[at:])} is none of R M X")
        actions.append(_action(match))
        at = match.end()
    return actions


def _action(match: re.Match[bytes]) -> Collect:
    if match["length"] is not None:
        base = None if match["base"].lower() in _ABSOLUTE else int(match["base"], 16)
        return _memory(base, int(match["offset"], 16), int(match["length"], 16))
    if match["code"] is not None:
        return _expression(match["code"], int(match["size"], 16))
    return _registers

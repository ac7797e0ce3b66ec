"""Trace frames and the buffer that holds them, in the format of gdb's trace files (gdb manual, "Trace File Format")."""

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

DEFAULT_SIZE = 4 << 20
LARGEST_SIZE = 64 << 20
"""Bytes of the buffer."""

LONGEST_BLOCK = 0xFFFF
"""Bytes of memory in one block."""


@dataclass(slots=True)
class Frame:
    """What one hit collected: registers as ``g`` sends them, memory, variables; ``pc`` is known in any case."""

    tracepoint: int
    pc: int
    registers: bytes | None = None
    memory: list[tuple[int, bytes]] = field(default_factory=list)
    variables: dict[int, int] = field(default_factory=dict)

    def blocks(self, order: str) -> Iterator[bytes]:
        """The frame's blocks; ``order`` is < or >, the target's byte order."""
        if self.registers is not None:
            yield b"R" + self.registers
        for address, data in self.memory:
            yield struct.pack(f"{order}cQH", b"M", address, len(data)) + data
        for number, value in self.variables.items():
            yield struct.pack(f"{order}cIQ", b"V", number, value)

    def encode(self, order: str) -> bytes:
        """The frame as a trace file has it."""
        data = b"".join(self.blocks(order))
        return struct.pack(f"{order}HI", self.tracepoint & 0xFFFF, len(data)) + data

    @property
    def size(self) -> int:
        """Bytes in the buffer."""
        registers = 0 if self.registers is None else 1 + len(self.registers)
        return 6 + registers + sum(11 + len(data) for _, data in self.memory) + 13 * len(self.variables)

    def read(self, address: int, length: int) -> bytes:
        """Collected memory from an address on, as far as it goes without a gap; nothing if there is none."""
        result = b""
        while len(result) < length and (piece := self._piece(address + len(result))):
            result += piece
        return result[:length]

    def _piece(self, address: int) -> bytes:
        pieces = (data[address - start :] for start, data in self.memory if start <= address < start + len(data))
        return max(pieces, key=len, default=b"")


class Buffer:
    """Frames in the order of their making. When it is full, it takes no more, or loses the oldest if ``circular``."""

    def __init__(self) -> None:
        self.size = DEFAULT_SIZE
        self.circular = False
        self.clear()

    def clear(self) -> None:
        """Throw all frames away."""
        self._frames: deque[Frame] = deque()
        self.used = 0
        self.created = 0

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)

    def __getitem__(self, number: int) -> Frame:
        return self._frames[number]

    def numbered(self, start: int) -> Iterator[tuple[int, Frame]]:
        """Frames with their numbers, from one on."""
        return enumerate(islice(self._frames, start, None), start)

    def add(self, frame: Frame) -> bool:
        """Keep a frame; False if there is no room for it."""
        size = frame.size
        while self.circular and self._frames and self.used + size > self.size:
            self.used -= self._frames.popleft().size
        if self.used + size > self.size:
            return False
        self._frames.append(frame)
        self.used += size
        self.created += 1
        return True

    def read(self, offset: int, length: int, order: str) -> bytes:
        """A piece of all frames in the format of a trace file; nothing behind the end."""
        parts, at = [], 0
        for frame in self._frames:
            size = frame.size
            if at >= offset + length:
                break
            if at + size > offset:
                parts.append(frame.encode(order)[max(offset - at, 0) :][: offset + length - max(at, offset)])
            at += size
        return b"".join(parts)

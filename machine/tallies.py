"""How often each exception and interrupt was delivered, and each way into ring 0 taken, since the machine was made.

The fast engine counts without Python, in the same memory. The guest cannot see any of it and no snapshot keeps it.
What no engine sees is not counted: returns (IRET, SYSRET, SYSEXIT, RETF) and call gates.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import NamedTuple

from machine.delivery.event import Source

_SOURCES = (Source.EXCEPTION, Source.SOFTWARE, Source.EXTERNAL)
_VECTORS, _DB = 256, 1


class Tallies(ctypes.Structure):
    """``struct tallies`` of native/fast.h: deliveries by source, whether the ring changed, and vector."""

    _fields_ = (
        ("_delivered", ctypes.c_uint64 * _VECTORS * 2 * len(_SOURCES)),
        ("_system_calls", ctypes.c_uint64 * 2),
        ("_system_enters", ctypes.c_uint64 * 2),
    )

    def delivery(self, source: Source, vector: int, *, crossed: bool) -> None:
        """An event entered its handler."""
        self._delivered[_SOURCES.index(source)][crossed][vector] += 1

    def system_call(self, *, crossed: bool) -> None:
        """SYSCALL."""
        self._system_calls[crossed] += 1

    def system_enter(self, *, crossed: bool) -> None:
        """SYSENTER."""
        self._system_enters[crossed] += 1

    @property
    def interrupts(self) -> int:
        """Interrupts delivered from outside."""
        same, crossed = self._delivered[_SOURCES.index(Source.EXTERNAL)]
        return int(sum(same) + sum(crossed))

    @property
    def faults(self) -> int:
        """Exceptions delivered but #DB, which comes behind its instruction."""
        same, crossed = self._delivered[_SOURCES.index(Source.EXCEPTION)]
        return int(sum(same) + sum(crossed) - same[_DB] - crossed[_DB])

    def deliveries(self) -> Iterator[Delivered]:
        """What was delivered at all, by vector."""
        for vector in range(_VECTORS):
            for index, source in enumerate(_SOURCES):
                same, crossed = (int(self._delivered[index][ring][vector]) for ring in (0, 1))
                if same or crossed:
                    yield Delivered(vector, source, same + crossed, crossed)

    def ways_in(self) -> Iterator[tuple[str, int]]:
        """Each way into a more privileged ring, with how often it was taken."""
        for index, name in enumerate(("exception", "INT n", "interrupt")):
            yield name, sum(self._delivered[index][1])
        yield "SYSCALL", int(self._system_calls[1])
        yield "SYSENTER", int(self._system_enters[1])


class Delivered(NamedTuple):
    """Deliveries of a vector from one source: all of them, and those from an outer ring."""

    vector: int
    source: Source
    times: int
    crossed: int

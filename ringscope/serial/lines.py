"""The serial ports of one machine, each with its end on the host."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from gdbstub.address import AddressError
from machine.devices.serial import PORTS, Serial
from machine.machine import Machine
from ringscope.serial.ends import End, open_end
from ringscope.serial.spec import STDIO, Kind, Spec

BACKLOG = 1 << 12
"""Bytes that wait in the machine for a guest that does not read; the rest waits with the peer that sent them."""


class Lines:
    """Joins ports to ends, COM1 first.

    Bytes from outside enter the machine in `take` alone, which is called between two slices of a run.  ``patient``
    is for a guest whose serial driver throws away what came before it started.
    """

    def __init__(self, machine: Machine, ends: Sequence[End], *, terminal: int | None, patient: bool = False) -> None:
        self.ends = tuple(ends)
        self.ports = tuple(machine.serial_ports)
        self.terminal: Serial | None = None if terminal is None else self.ports[terminal]
        """The port that the user's terminal is joined to."""
        self._patient = patient
        self._joined = tuple((p, e) for p, e in zip(self.ports, self.ends, strict=True) if p is not self.terminal)
        for port, end in zip(self.ports, self.ends, strict=True):
            port.send = end.send

    def take(self) -> None:
        """Give the guest what its peers have sent, as far as it reads."""
        for port, end in self._joined:
            if port.listening or not self._patient:
                data = end.receive(BACKLOG - port.backlog)
                if data:
                    port.receive(data)

    def flush(self) -> None:
        """Pass on what the guest has written."""
        for _, end in self._joined:
            end.flush()

    def failures(self) -> Iterator[str]:
        """What its files could not keep, in sentences; all of it once they are closed."""
        return filter(None, (end.failure() for end in self.ends))

    @property
    def open(self) -> bool:
        """Somebody but the terminal may still speak."""
        return any(end.sources() for _, end in self._joined)

    def wait(self, seconds: float, descriptor: int | None = None) -> bool:
        """Wait until a peer or ``descriptor`` has something to read, a while at most; whether ``descriptor`` has."""
        sources: list[socket.socket | int] = [
            source for port, end in self._joined if self._hears(port) for source in end.sources()
        ]
        if descriptor is not None:
            sources.append(descriptor)
        return descriptor in select.select(sources, [], [], seconds)[0]

    def _hears(self, port: Serial) -> bool:
        return port.backlog < BACKLOG and (port.listening or not self._patient)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in self.ends:
            end.close()


def join(
    machine: Machine,
    specs: Sequence[Spec],
    terminal: Callable[[bytes], None],
    *,
    patient: bool = False,
    ends: Sequence[End] | None = None,
) -> Lines:
    """Open the ends, unless they are given, and join them to the machine's ports.  Raises AddressError."""
    if ends is None:
        ends = _open(specs, terminal)
    number = specs.index(STDIO) if STDIO in specs else None
    return Lines(machine, ends, terminal=number, patient=patient)


def _open(specs: Sequence[Spec], terminal: Callable[[bytes], None]) -> list[End]:
    """All of them, or none stays open."""
    ends: list[End] = []
    with ExitStack() as opened:
        for spec in specs:
            ends.append(open_end(spec, terminal))
            opened.callback(ends[-1].close)
        opened.pop_all()
    return ends


def check(specs: Sequence[Spec]) -> None:
    """Raises AddressError for more ports than a PC has, or two on one terminal."""
    if len(specs) > len(PORTS):
        raise AddressError(f"{len(specs)} serial ports are too many: a PC has {len(PORTS)}")
    if sum(spec.kind is Kind.STDIO for spec in specs) > 1:
        raise AddressError("stdio can be one serial port only")

"""What a device on I/O ports looks like, and the table of who answers at which port."""

from __future__ import annotations

from collections import Counter
from typing import Protocol, runtime_checkable

from machine.fields import Fields, Kind, SavedByFields, State, number, several


class PortDevice(Protocol):
    """A device behind a range of I/O ports; ``offset`` counts from the range's first port.

    ``width`` is the widest access in bytes; a wider one is split as the ISA bus does.
    """

    width: int

    def read_port(self, offset: int, size: int) -> int:
        """The value at a port, ``size`` bytes wide."""

    def write_port(self, offset: int, value: int, size: int) -> None:
        """Take a value of ``size`` bytes."""


@runtime_checkable
class Stateful(Protocol):
    """What a snapshot keeps; `machine.fields.SavedByFields` does it by a table.

    A device's deadlines are the clock's state, and lines that it drives are the state of who reads them: loading
    calls nobody.
    """

    def save(self) -> dict[str, object]:
        """The state as plain JSON values, bytes as hexadecimal text; equal states give equal values."""

    def load(self, state: State) -> None:
        """Become what `save` saw.

        Raises `machine.errors.Error` naming what is wrong; the device is then half loaded, and the machine gives it
        back what it had.
        """


class SavedPortDevice(PortDevice, Stateful, Protocol):
    """A device behind ports that a snapshot keeps."""


_COUNT = several(number(1 << 62), 2, 2)
_COUNTS = several(_COUNT, 1 << 16)


def _load_counts(value: object, _before: object, where: str) -> Counter[int]:
    return Counter(dict(_COUNTS.load(value, None, where)))


COUNTS = Kind(lambda counts: sorted(map(list, counts.items())), _load_counts)
"""A `Counter` of numbers."""


class Ports(SavedByFields):
    """I/O space: 65,536 ports.  Ports that nobody answers read all ones, and are counted."""

    FIELDS = Fields("ports", unanswered=COUNTS)

    def __init__(self) -> None:
        self._owners: dict[int, tuple[PortDevice, int]] = {}
        self.unanswered: Counter[int] = Counter()
        """How often each port without a device was accessed."""

    def attach(self, device: PortDevice, first: int, count: int, *, offset: int = 0) -> None:
        """Let a device answer at ``count`` ports from ``first`` on, which it knows by ``offset`` and up."""
        for port in range(first, first + count):
            if port in self._owners:
                raise ValueError(f"port {port:#x} is taken")
            self._owners[port] = (device, port - first + offset)

    def detach(self, device: PortDevice) -> None:
        """Let nobody answer at a device's ports any more."""
        self._owners = {port: owner for port, owner in self._owners.items() if owner[0] is not device}

    def owners(self) -> dict[int, tuple[PortDevice, int]]:
        """Every answered port with its device and the offset in the device's range."""
        return dict(self._owners)

    def read(self, port: int, size: int) -> int:
        """IN: ``size`` bytes (1, 2, 4) from a port."""
        owner = self._owners.get(port)
        if owner is None:
            self.unanswered[port] += 1
            return (1 << 8 * size) - 1
        device, offset = owner
        if size <= device.width:
            return device.read_port(offset, size)
        low = device.read_port(offset, device.width)
        return low | self.read(port + device.width, size - device.width) << 8 * device.width

    def write(self, port: int, value: int, size: int) -> None:
        """OUT: ``size`` bytes (1, 2, 4) to a port."""
        owner = self._owners.get(port)
        if owner is None:
            self.unanswered[port] += 1
            return
        device, offset = owner
        if size <= device.width:
            device.write_port(offset, value, size)
            return
        bits = 8 * device.width
        device.write_port(offset, value & ((1 << bits) - 1), device.width)
        self.write(port + device.width, value >> bits, size - device.width)

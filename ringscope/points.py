"""Breakpoints and watchpoints of the machine as the stub arms them, with and without a question."""

from __future__ import annotations

import errno
from collections.abc import Callable

from gdbstub.errors import TargetError
from gdbstub.stopreply import WatchKind
from gdbstub.target import When
from machine import breakpoints
from machine.machine import Machine
from machine.stop import Access
from machine.watchpoints import Watch
from ringscope.probe import MachineProbe, make_probe

ACCESS = {WatchKind.WRITE: Access.WRITE, WatchKind.READ: Access.READ, WatchKind.ACCESS: Access.ANY}
_LONGEST_WATCH = 4096


class MachinePoints:
    """A target's part that arms points on a machine's processor; ``thread`` tells which thread stands on it."""

    def __init__(self, machine: Machine, thread: Callable[[], int]) -> None:
        self._points = machine.cpu.breakpoints
        self._watches = machine.cpu.watchpoints
        self._probe = make_probe(machine, thread)
        self._asking: dict[int | Watch, breakpoints.When] = {}

    def probe(self, thread: int) -> MachineProbe:
        """The processor whose turn it is, between two instructions."""
        self._probe.look()
        return self._probe

    def insert_breakpoint(self, address: int, kind: int) -> None:
        """Arm a breakpoint; nothing need be mapped there."""
        self._points.insert(address)

    def remove_breakpoint(self, address: int, kind: int) -> None:
        """Disarm a breakpoint."""
        self._points.remove(address)

    def insert_watchpoint(self, kind: WatchKind, address: int, length: int) -> None:
        """Arm a watchpoint."""
        self._watches.insert(_watch(kind, address, length))

    def remove_watchpoint(self, kind: WatchKind, address: int, length: int) -> None:
        """Disarm a watchpoint."""
        self._watches.remove(_watch(kind, address, length))

    def insert_breakpoint_when(self, address: int, when: When) -> None:
        """Arm a breakpoint that asks inside the engine."""
        self._asking[address] = self._probe.asking(when)
        self._points.insert(address, self._asking[address])

    def remove_breakpoint_when(self, address: int) -> None:
        """Disarm it."""
        self._points.remove(address, self._asking.pop(address))

    def insert_watchpoint_when(self, kind: WatchKind, address: int, length: int, when: When) -> None:
        """Arm a watchpoint that asks behind the access."""
        watch = _watch(kind, address, length)
        self._asking[watch] = self._probe.asking(when)
        self._watches.insert(watch, self._asking[watch])

    def remove_watchpoint_when(self, kind: WatchKind, address: int, length: int) -> None:
        """Disarm it."""
        watch = _watch(kind, address, length)
        self._watches.remove(watch, self._asking.pop(watch))


def _watch(kind: WatchKind, address: int, length: int) -> Watch:
    if not 0 < length <= _LONGEST_WATCH:
        raise TargetError(errno.EINVAL, f"cannot watch {length} bytes; 1 to {_LONGEST_WATCH} can be")
    return Watch(ACCESS[kind], address, length)

"""The one view of a machine that commands work on, whether it runs in this process or behind a remote stub.

Addresses are linear unless a name says physical; lengths are bytes. What not every debuggee has is a power of its own,
a small Protocol: a command that needs one says so in the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from kernel.objects import Kernel
from machine import stop
from machine.machine import Machine
from machine.positions import Goal, Position
from machine.watchpoints import Watch
from machine.x86 import control
from machine.x86.mode import CodeSegment
from machine.x86.paging import PagingState
from ringscope.serial.lines import Lines

PAGE = 0x1000


class Refused(Exception):
    """The debuggee cannot do what was asked; the message is one sentence that names the value."""


class Idle(NamedTuple):
    """The processor is halted and only input from outside can wake it."""


class Elapsed(NamedTuple):
    """The virtual time that the run was given is over."""

    nanoseconds: int


class Signalled(NamedTuple):
    """A remote stub stopped with a signal that has no better explanation."""

    number: int


class Paused(NamedTuple):
    """The front door itself ended the run between two slices."""


Stop = stop.Stop | Idle | Elapsed | Signalled | Paused
Between = Callable[[bool], bool]
"""Called between two slices of a run with whether the processor is halted; False ends the run."""


def never_pause(halted: bool) -> bool:
    """Run on."""
    return True


@runtime_checkable
class Debuggee(Protocol):
    """What every debuggee has. Methods raise `Refused`."""

    @property
    def name(self) -> str:
        """What it is, in a few words for the user."""
        ...

    def register_names(self) -> Sequence[str]:
        """All registers there are, in the order in which a list shows them."""
        ...

    def register_bits(self, name: str) -> int:
        """A register's width in bits."""
        ...

    def read_register(self, name: str) -> int:
        """A register as an unsigned number."""
        ...

    def write_register(self, name: str, value: int) -> None:
        """Set a register."""
        ...

    @property
    def processor(self) -> int:
        """Which one is looked at, from 0."""
        ...

    def code_segment(self) -> CodeSegment:
        """CS with its hidden part, or what it is most likely to be where nobody tells."""
        ...

    def read_memory(self, address: int, length: int) -> bytes:
        """All ``length`` bytes at a linear address, or Refused naming the first that cannot be read."""
        ...

    def write_memory(self, address: int, data: bytes) -> None:
        """Store all of ``data`` at a linear address, or Refused."""
        ...

    def insert_breakpoint(self, address: int) -> None:
        """Stop before the instruction at a linear address; never inserted twice."""
        ...

    def remove_breakpoint(self, address: int) -> None:
        """Take back what `insert_breakpoint` did."""
        ...

    def insert_watch(self, watch: Watch) -> None:
        """Stop after an access to a range of linear memory; never inserted twice."""
        ...

    def remove_watch(self, watch: Watch) -> None:
        """Take back what `insert_watch` did."""
        ...

    def step(self) -> Stop:
        """Run one instruction, or deliver one event."""
        ...

    def run(self, between: Between = never_pause) -> Stop:
        """Run until something stops it; `interrupt` does so from a signal handler."""
        ...

    def interrupt(self) -> None:
        """Ask a run for a stop; may be called from a signal handler or another thread."""
        ...

    def show_console(self, write: Callable[[str], None]) -> None:
        """Give what the guest prints from now on to ``write``."""
        ...

    def close(self) -> None:
        """Let the debuggee go; a remote one runs on."""
        ...


@runtime_checkable
class PhysicalMemory(Protocol):
    """physical memory"""

    def read_physical(self, address: int, length: int) -> bytes:
        """All ``length`` bytes at a physical address, or Refused."""
        ...

    def write_physical(self, address: int, data: bytes) -> None:
        """Store all of ``data`` at a physical address, or Refused."""
        ...


@runtime_checkable
class Kernels(Protocol):
    """the structures of a kernel"""

    def running_kernel(self) -> Kernel:
        """The kernel's objects, or Refused."""
        ...


@runtime_checkable
class Timed(Protocol):
    """a virtual clock"""

    @property
    def position(self) -> Position:
        """Where the run is."""
        ...

    def run_for(self, nanoseconds: int, between: Between = never_pause) -> Stop:
        """Run for at least a span of virtual time, or until something stops it."""
        ...


@runtime_checkable
class Exact(Timed, Protocol):
    """exact positions"""

    def aim(self, goal: Goal) -> None:
        """Let the next run stop at a place, or Refused if that is behind."""
        ...

    def run_to(self, goal: Goal, between: Between = never_pause) -> Stop:
        """Run until that place is reached, which is `stop.Arrived`, or something else stops it; or Refused."""
        ...


@runtime_checkable
class Snapshots(Timed, Protocol):
    """snapshots"""

    def save_snapshot(self, path: Path) -> int:
        """Write a file; its length in bytes. Refused if it cannot be written."""
        ...

    def load_snapshot(self, path: Path) -> Sequence[str]:
        """Go on from a file; what the user should know, in sentences. Refused, with nothing changed."""
        ...


@runtime_checkable
class Devices(Protocol):
    """devices that can be looked into"""

    @property
    def machine(self) -> Machine:
        """The machine itself."""
        ...

    @property
    def lines(self) -> Lines | None:
        """Where its serial ports lead on the host."""
        ...


@runtime_checkable
class Console(Protocol):
    """a serial console to type into"""

    def type_text(self, data: bytes) -> None:
        """Bytes for the guest's first serial port; they wait until it reads them."""
        ...


@runtime_checkable
class RemoteMonitor(Protocol):
    """a remote stub with commands of its own"""

    def monitor(self, text: str) -> str:
        """The output of one of the stub's commands."""
        ...


def read_available(debuggee: Debuggee, address: int, length: int) -> bytes:
    """The bytes at a linear address up to the first page that cannot be read."""
    data = b""
    while len(data) < length:
        at = (address + len(data)) & (1 << 64) - 1
        count = min(length - len(data), PAGE - at % PAGE)
        try:
            data += debuggee.read_memory(at, count)
        except Refused:
            break
    return data


def find_register(debuggee: Debuggee, name: str) -> int | None:
    """A register, or None where the debuggee does not give it."""
    try:
        return debuggee.read_register(name)
    except Refused:
        return None


def paging_state(debuggee: Debuggee) -> PagingState:
    """The registers that decide how a linear address translates; Refused naming the one that is missing."""
    return PagingState(debuggee.read_register("cr0"), debuggee.read_register("cr4"), debuggee.read_register("efer"))


def long_mode(debuggee: Debuggee) -> bool:
    """EFER.LMA, and so 16-byte gates; without EFER, whether there are 64-bit registers."""
    efer = find_register(debuggee, "efer")
    return find_register(debuggee, "r15") is not None if efer is None else bool(efer & control.EFER.mask("LMA"))

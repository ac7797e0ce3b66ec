"""A machine in this process as a debuggee: it has every power."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kernel.errors import Error as KernelError
from kernel.objects import Kernel
from machine import registers, snapshot
from machine.clock import NEVER
from machine.devices.serial import Serial
from machine.engine.state import CS, HF_CS32, HF_CS64
from machine.errors import Error
from machine.machine import Machine
from machine.positions import Goal, Position
from machine.stop import Arrived
from machine.watchpoints import Watch
from machine.x86.mode import CodeSegment
from ringscope import snapshots
from ringscope.debuggee import Between, Elapsed, Idle, Paused, Refused, Stop, never_pause
from ringscope.pace import Pace
from ringscope.serial.lines import Lines
from ringscope.stepping import Stepper

if TYPE_CHECKING:
    from ringscope.boot import Guest

IDLE_SECONDS = 0.02
"""Pause between two looks at a machine that waits for a peer's input."""


class LocalDebuggee:
    """The view of a `Machine`: of the processor whose turn it is, the one that stopped."""

    def __init__(self, machine: Machine, lines: Lines | None = None, guest: Guest | None = None) -> None:
        self.machine = machine
        self._guest = guest
        self.lines = lines
        """Where its serial ports lead; None if nowhere but to this view."""
        self._pace = Pace(machine, lines)
        self.stepper = Stepper(machine, self._pace)

    @property
    def name(self) -> str:
        """What it is."""
        return "the machine in this process"

    def register_names(self) -> Sequence[str]:
        """All registers of the processor."""
        return tuple(registers.BY_NAME)

    def register_bits(self, name: str) -> int:
        """A register's width in bits."""
        with _refusing():
            return registers.find(name).bits

    def read_register(self, name: str) -> int:
        """A register as an unsigned number."""
        with _refusing():
            return self.machine.cpu.read_register(name)

    def write_register(self, name: str, value: int) -> None:
        """Set a register."""
        with _refusing():
            self.machine.cpu.write_register(name, value)

    def running_kernel(self) -> Kernel:
        """The kernel's objects, by the symbols that belong to the guest."""
        if self._guest is None:
            raise Refused("nothing is known of the kernel in this machine")
        try:
            return self._guest.running_kernel
        except KernelError as error:
            raise Refused(str(error)) from None

    @property
    def processor(self) -> int:
        """Whose turn it is."""
        return self.machine.cpu.number

    def code_segment(self) -> CodeSegment:
        """CS as the processor has cached it."""
        state = self.machine.cpu.state
        state.load()
        hflags = state.front.hflags
        if hflags & HF_CS64:
            return CodeSegment(0, 64)
        return CodeSegment(state.front.segs[CS].base, 32 if hflags & HF_CS32 else 16)

    def read_memory(self, address: int, length: int) -> bytes:
        """Linear memory through the current page tables."""
        with _refusing():
            return self.machine.read_linear(address, length)

    def write_memory(self, address: int, data: bytes) -> None:
        """Linear memory, read-only pages too."""
        with _refusing():
            self.machine.write_linear(address, data)

    def read_physical(self, address: int, length: int) -> bytes:
        """Physical memory."""
        with _refusing():
            return self.machine.memory.read(address, length)

    def write_physical(self, address: int, data: bytes) -> None:
        """Physical memory."""
        with _refusing():
            self.machine.memory.write(address, data)

    def insert_breakpoint(self, address: int) -> None:
        """Stop before the instruction at a linear address."""
        self.machine.cpu.breakpoints.insert(address)

    def remove_breakpoint(self, address: int) -> None:
        """Take one back."""
        self.machine.cpu.breakpoints.remove(address)

    def insert_watch(self, watch: Watch) -> None:
        """Stop after an access to a range."""
        self.machine.cpu.watchpoints.insert(watch)

    def remove_watch(self, watch: Watch) -> None:
        """Take one back."""
        self.machine.cpu.watchpoints.remove(watch)

    def step(self) -> Stop:
        """One instruction, or what the policy says of an event."""
        while (reason := self.stepper.run()) is None:
            if self.machine.idle:
                self.stepper.release()
                return Idle()
        return reason

    def run(self, between: Between = never_pause) -> Stop:
        """Run until something stops the machine, or it waits for input that cannot come."""
        return self._run(None, between)

    def run_for(self, nanoseconds: int, between: Between = never_pause) -> Stop:
        """The same, for at least a span of virtual time: to the end of the block that reaches it."""
        return self._run(self.machine.clock.now() + nanoseconds, between)

    def _run(self, end: int | None, between: Between) -> Stop:
        machine = self.machine
        machine.stop_here()  # the user sees this place, so a breakpoint on it is passed
        started = machine.clock.now()
        while end is None or machine.clock.now() < end:
            stop = self._pace.run(NEVER if end is None else end)
            if stop is not None:
                return stop
            if not between(machine.halted):
                return Paused()
            if machine.idle and not machine.interrupts.pending():
                if self.lines is None or not self.lines.open:
                    return Idle()
                self.lines.wait(IDLE_SECONDS)
        return Elapsed(machine.clock.now() - started)

    def aim(self, goal: Goal) -> None:
        """Let the next run stop there."""
        with _refusing():
            goal.check_ahead(self.machine.position)
        self.machine.goal = goal

    def run_to(self, goal: Goal, between: Between = never_pause) -> Stop:
        """Run until the machine is there, or something else stops it."""
        self.aim(goal)
        try:
            return Arrived() if goal.reached(self.machine.position) else self._run(None, between)
        finally:
            self.machine.goal = None

    def save_snapshot(self, path: Path) -> int:
        """Write a file, with what is known of the kernel."""
        with _refusing():
            try:
                return snapshot.save(self.machine, path, snapshots.facts(self._guest) if self._guest else None)
            except OSError as error:
                raise Refused(f"{error.filename} cannot be read: {error.strerror}") from None

    def load_snapshot(self, path: Path) -> Sequence[str]:
        """Go on from a file; symbols stay those that are loaded."""
        with _refusing(), snapshot.opened(path) as found:
            snapshot.load(self.machine, found)
            self.machine.goal = None
            other = self._guest is not None and not snapshots.is_of(found, self._guest)
            return [f"it was taken from another kernel than {self._guest.kernel}"] if self._guest and other else []

    def interrupt(self) -> None:
        """Stop at the next slice."""
        self.machine.interrupt()

    @property
    def _terminal(self) -> Serial | None:
        return self.machine.serial if self.lines is None else self.lines.terminal

    def show_console(self, write: Callable[[str], None]) -> None:
        """Decode what the terminal's serial port sends; bytes that are no UTF-8 come out as escapes."""
        if self._terminal is not None:
            self._terminal.send = lambda data: write(data.decode("utf-8", "backslashreplace"))

    def type_text(self, data: bytes) -> None:
        """Input of the terminal's serial port."""
        if self._terminal is None:
            raise Refused("no serial port is joined to this terminal: --serial stdio does that")
        self._terminal.receive(data)

    @property
    def position(self) -> Position:
        """Where the run is."""
        return self.machine.position

    def close(self) -> None:
        """Nothing to let go: the machine belongs to its maker."""


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except Error as error:
        raise Refused(str(error)) from None

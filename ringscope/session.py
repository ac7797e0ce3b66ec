"""What commands get to work on: a debuggee, its symbols, the points set so far, and which front door asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import NamedTuple

from machine.positions import Goal
from machine.watchpoints import Watch
from ringscope.debuggee import Between, Debuggee, Exact, Refused, Stop, Timed, find_register, never_pause, paging_state
from ringscope.expressions import ExpressionError, Symbols, evaluate
from ringscope.stepping import Stepper


class CommandError(Exception):
    """A command cannot do what was asked; the message is one sentence that names the value."""


class Quit(Exception):
    """The user wants to leave the front door."""


class Front(Enum):
    """The door a command line came through."""

    REPL = "the REPL"
    MONITOR = "gdb's monitor"


class Point(NamedTuple):
    """A breakpoint at a linear address, or a watched range; ``text`` is what the user typed."""

    address: int
    watch: Watch | None
    text: str


Converse = Callable[[], Iterator[str]]
"""Joins the user's terminal to the guest's console until the user leaves it; yields what to say then."""


class Settings(NamedTuple):
    """What a command can change in the stub that serves gdb.

    ``look_at`` chooses what threads are, by a name of `ringscope.configuration.VIEWS`, and raises
    `kernel.errors.Error`, or CommandError if gdb could not follow; ``look_through`` what addresses are: those of page
    tables at a CR3, physical ones (True), or the selected thread's (None). ``lose_track`` is called where the machine
    is put elsewhere in its run.
    """

    look_at: Callable[[str], None]
    look_through: Callable[[int | bool | None], None]
    stepper: Stepper
    lose_track: Callable[[], None]


class Session:
    """One conversation with a debuggee.

    ``between`` is asked between two slices of a run; ``converse`` is None where there is no terminal, ``stub`` where no
    stub is at work; ``repeat`` is the line that an empty one stands for, which a command may set to its continuation.
    """

    def __init__(self, debuggee: Debuggee, symbols: Symbols | None = None, *, front: Front = Front.REPL) -> None:
        self.debuggee = debuggee
        self.symbols = symbols
        self.front = front
        self.points: dict[int, Point] = {}
        self.between: Between = never_pause
        self.converse: Converse | None = None
        self.stub: Settings | None = None
        self.repeat = ""
        self.interrupted = False
        """The user pressed Ctrl-C and nothing has stopped for it yet."""
        self.interruptions = 0
        self._runs = False
        self._next_point = 1

    def evaluate(self, text: str) -> int:
        """The value of an expression. Raises CommandError."""
        try:
            return evaluate(text, self.debuggee, self.symbols)
        except ExpressionError as error:
            raise CommandError(str(error)) from None

    def symbol(self, address: int) -> str:
        """``<name+4>`` as gdb prints it, or nothing."""
        found = self.symbols.nearest(address) if self.symbols is not None else None
        if found is None:
            return ""
        symbol, offset = found
        return f"<{symbol.name}+{offset}>" if offset else f"<{symbol.name}>"

    def address_text(self, address: int) -> str:
        """An address with its symbol."""
        return f"{address:#x} {self.symbol(address)}".rstrip()

    def find_register(self, name: str) -> int | None:
        """A register, or None where the debuggee does not give it."""
        return find_register(self.debuggee, name)

    def current_privilege_level(self) -> int:
        """The ring: the debuggee's own, else 0 in real mode, 3 in virtual-8086 mode, CS's RPL otherwise."""
        for name in ("cpl", "priv"):  # the machine's name, and that of its stub
            if (level := self.find_register(name)) is not None:
                return level
        cr0 = self.find_register("cr0")
        if cr0 is not None and not cr0 & 1:
            return 0
        flags = self.find_register("eflags") or 0
        return 3 if flags & 1 << 17 else self.debuggee.read_register("cs") & 3

    # Running

    def interrupt(self) -> None:
        """Stop what the current command does; may be called from a signal handler."""
        self.interrupted = True
        self.interruptions += 1
        if self._runs:
            self.debuggee.interrupt()

    @contextmanager
    def running(self) -> Iterator[None]:
        """The debuggee runs within the context, and `interrupt` reaches it."""
        self._runs = True
        try:
            yield
        finally:
            self._runs = self.interrupted = False

    def run(self, nanoseconds: int | None = None) -> Stop:
        """Run the debuggee until something stops it, at most for a span of virtual time. Raises CommandError."""
        with self.running():
            if nanoseconds is None:
                return self.debuggee.run(self.between)
            if isinstance(self.debuggee, Timed):
                return self.debuggee.run_for(nanoseconds, self.between)
        raise CommandError(f"{self.debuggee.name} has no virtual clock: {nanoseconds} ns cannot be counted")

    def run_to(self, goal: Goal) -> Stop:
        """Run the debuggee to a place, or until something else stops it. Raises Refused if it is behind."""
        assert isinstance(self.debuggee, Exact), "the registry has checked it"
        with self.running():
            return self.debuggee.run_to(goal, self.between)

    # Points

    def add_point(self, point: Point) -> int:
        """Arm a breakpoint or watch and give it a number. Raises Refused, or CommandError if it is there already."""
        for number, other in self.points.items():
            if (other.address, other.watch) == (point.address, point.watch):
                raise CommandError(f"point {number} is there already: {other.text}")
        if point.watch is None:
            self.debuggee.insert_breakpoint(point.address)
        else:
            self.debuggee.insert_watch(point.watch)
        number, self._next_point = self._next_point, self._next_point + 1
        self.points[number] = point
        return number

    def remove_point(self, number: int) -> None:
        """Disarm a point. Raises CommandError for a number that is not in use."""
        point = self.points.get(number)
        if point is None:
            known = ", ".join(map(str, self.points)) or "none"
            raise CommandError(f"no point {number}; there are: {known}")
        if point.watch is None:
            self.debuggee.remove_breakpoint(point.address)
        else:
            self.debuggee.remove_watch(point.watch)
        del self.points[number]

    def point_at(self, address: int) -> int | None:
        """The number of the breakpoint at an address."""
        return next((n for n, point in self.points.items() if point.watch is None and point.address == address), None)

    def paging_is_known(self) -> bool:
        """Whether the debuggee gives the registers that decide how tables are read."""
        try:
            paging_state(self.debuggee)
        except Refused:
            return False
        return True

"""The REPL: the registry's commands at a prompt, or one a line from a file.

Knows prompt_toolkit and the terminal; what commands do is in `ringscope.commands`.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.styles import Style

from ringscope import processor
from ringscope.commands.running import stop_lines
from ringscope.commandset import COMMANDS
from ringscope.completion import CommandCompleter
from ringscope.console import Escapes, Wish, raw_terminal
from ringscope.debuggee import Console, Debuggee, Idle, Paused, Refused, Stop, Timed
from ringscope.disassembly import location
from ringscope.expressions import Symbols
from ringscope.local import LocalDebuggee
from ringscope.output import settle, write_stdout
from ringscope.remote import RemoteDebuggee
from ringscope.render import Bad, Good, Heading
from ringscope.session import CommandError, Quit, Session
from ringscope.tasks import task_label

if TYPE_CHECKING:
    from ringscope.configuration import Configuration

PROMPT = "(ringscope) "
LEAVE_CONSOLE = b"\x1d"
"""Ctrl-]."""

HALTED_SECONDS = 0.02
"""How long an idle guest is held back between two slices, so that it does not keep the host busy."""

STYLE = Style.from_dict(
    {
        "heading": "bold",
        "good": "ansigreen",
        "bad": "ansired",
        "symbol": "ansicyan",
        "mark": "bold ansiyellow",
        "bottom-toolbar": "noreverse bg:ansibrightblack ansiwhite",
    }
)

Write = Callable[[str], None]

_MARKS = re.compile(r"(?P<symbol><[A-Za-z_.$][^<> ]*>)|(?P<mark>^=> |^>)")
_LINE_STYLES: tuple[tuple[type, str], ...] = ((Heading, "heading"), (Good, "good"), (Bad, "bad"))


def repl(configuration: Configuration, *, connect: str | None = None) -> int:
    """The subcommand: a machine of our own, or the stub at an address. Returns the exit status.

    Raises what `power_on` raises.
    """
    if connect is None:
        from ringscope.boot import start

        guest = start(configuration, write_stdout)
        for note in guest.notes:
            _write_stdout(f"{note}\n")
        with guest.lines:
            status = run_repl(LocalDebuggee(guest.machine, guest.lines, guest), symbols=guest.symbols)
        return settle(status, guest.lines.failures())
    try:
        debuggee = RemoteDebuggee.connect(connect)
    except Refused as error:
        sys.stderr.write(f"ringscope: {error}\n")
        return 1
    return run_repl(debuggee, symbols=_symbols_of(configuration))


def run_repl(
    debuggee: Debuggee,
    *,
    symbols: Symbols | None = None,
    input: Input | None = None,
    output: Output | None = None,
    write: Write | None = None,
) -> int:
    """Talk with the user until they leave; returns the exit status. The debuggee is closed then.

    With ``input``, or where standard input is a terminal, there is a prompt; else commands are read from standard
    input, one a line, and the first that fails ends the run with status 1. ``write`` gets the text that commands
    and the guest print.
    """
    session = Session(debuggee, symbols)
    interactive = input is not None or sys.stdin.isatty()
    try:
        if interactive:
            return Repl(session, input=input, output=output, write=write).talk()
        return run_script(session, sys.stdin, write or _write_stdout)
    finally:
        debuggee.close()


def run_script(session: Session, lines: Iterable[str], write: Write) -> int:
    """Run command lines; 0, 1 at the first that fails, 130 at Ctrl-C. The guest's console goes to ``write``, too."""
    printer = Printer(lambda line: write(f"{line}\n"), write)
    session.debuggee.show_console(printer.guest)
    with interrupts(session):
        for number, line in enumerate(lines, 1):
            try:
                for text in COMMANDS.run(session, line):
                    printer.line(text)
            except CommandError as error:
                printer.start_line()
                sys.stderr.write(f"line {number}: {error}\n")
                return 1
            except Quit:
                break
            if session.interruptions:
                return 130
    printer.start_line()
    return 0


class Printer:
    """Puts the lines of commands (to ``line``) and the guest's console (to ``guest``) on one terminal, unmixed."""

    def __init__(self, line: Write, guest: Write) -> None:
        self._write_line = line
        self._write_guest = guest
        self._in_line = False

    def line(self, text: str) -> None:
        """A line of a command's output."""
        self.start_line()
        self._write_line(text)

    def guest(self, text: str) -> None:
        """What the guest prints."""
        if text:
            self._write_guest(text)
            self._in_line = not text.endswith("\n")

    def start_line(self) -> None:
        """End the guest's line if it is in one."""
        if self._in_line:
            self._write_guest("\n")
            self._in_line = False


class BackToConsole(Exception):
    """The user wants to leave the prompt for the console that it was entered from."""


class Repl:
    """The prompt, its toolbar and history, and the console; ``from_console`` if the console is its caller's."""

    def __init__(
        self,
        session: Session,
        *,
        input: Input | None = None,
        output: Output | None = None,
        write: Write | None = None,
        from_console: bool = False,
    ) -> None:
        self._session = session
        self._output = output or create_output()
        self._write = write
        self._descriptor = input.fileno() if input is not None else sys.stdin.fileno()
        self._toolbar = ""
        self._printer = Printer(self._print, self._print_raw)
        self.history = InMemoryHistory() if input is not None else open_history()
        """The lines typed so far."""
        self._prompt: PromptSession[str] = PromptSession(
            PROMPT,
            completer=CommandCompleter(COMMANDS, session),
            complete_while_typing=False,
            history=self.history,
            bottom_toolbar=lambda: self._toolbar,
            style=STYLE,
            input=input,
            output=self._output,
            enable_history_search=True,
            key_bindings=_console_key(),
        )
        session.between = self._between
        session.converse = _go_back if from_console else self._converse

    def talk(self, reason: Stop | None = None) -> int:
        """Prompt and run until the user leaves; first tells why the machine has stopped."""
        self._session.debuggee.show_console(self._printer.guest)
        self._lines(location(self._session) if reason is None else stop_lines(self._session, reason))
        while True:
            self._toolbar = toolbar(self._session)
            try:
                line = self._prompt.prompt()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return 0
            try:
                with interrupts(self._session):  # not around the prompt, which takes the signal for itself
                    self.run(line)
            except Quit:
                return 0

    def run(self, line: str) -> None:
        """Run a line as if it had been typed. Raises Quit."""
        session = self._session
        line = line.strip() or session.repeat
        if not line:
            return
        session.interrupted = False
        session.repeat = ""
        try:
            if COMMANDS.parse(line).command.repeats:
                session.repeat = line
            self._lines(COMMANDS.run(session, line))
        except CommandError as error:
            session.repeat = ""
            self._printer.line(Bad(error))

    def _lines(self, lines: Iterator[str]) -> None:
        try:
            for text in lines:
                self._printer.line(text)
                if self._session.interrupted:
                    break
        except Refused as error:
            self._printer.line(Bad(error))

    def _between(self, halted: bool) -> bool:
        if halted:
            time.sleep(HALTED_SECONDS)
        return True

    def _print(self, text: str) -> None:
        if self._write is not None:
            self._write(f"{text}\n")
        else:
            print_formatted_text(paint(text), output=self._output, style=STYLE)

    def _print_raw(self, text: str) -> None:
        if self._write is not None:
            self._write(text)
        else:
            self._output.write_raw(text)
            self._output.flush()

    # The console

    def _converse(self) -> Iterator[str]:
        console = self._session.debuggee
        assert isinstance(console, Console), "the registry has checked it"
        yield "Keys go to the guest; Ctrl-] or Ctrl-A c comes back."
        keys = Keys(self._descriptor, console)
        stopped: Stop = Idle()
        with raw_terminal(self._descriptor), self._session.running():
            while isinstance(stopped, Idle) and not keys.left:
                stopped = console.run(keys.pump)
        yield from (
            location(self._session) if isinstance(stopped, (Paused, Idle)) else stop_lines(self._session, stopped)
        )


def _console_key() -> KeyBindings:
    """Ctrl-A c at the prompt: as if ``console`` had been typed."""
    keys = KeyBindings()

    @keys.add("c-a", "c")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result="console")

    return keys


def _go_back() -> Iterator[str]:
    raise BackToConsole
    yield  # the session asks for a generator


class Keys:
    """What the user types in console mode, on its way from a terminal to the guest."""

    def __init__(self, descriptor: int, console: Console) -> None:
        self._descriptor = descriptor
        self._console = console
        self._escapes = Escapes()
        self.left = False
        """The user came back, or the terminal is gone."""

    def pump(self, halted: bool) -> bool:
        """Pass on what was typed; False once the user came back. Waits a little for a halted guest's input."""
        typed = b""
        patience = HALTED_SECONDS if halted else 0
        while not self.left and select.select([self._descriptor], [], [], patience)[0]:
            key = os.read(self._descriptor, 1)  # one by one: what follows Ctrl-] belongs to the prompt
            self.left = key in (LEAVE_CONSOLE, b"")
            for found in self._escapes.split(b"" if self.left else key):
                self.left = isinstance(found, Wish)
                typed += found if isinstance(found, bytes) else b""
            patience = 0
        if typed:
            self._console.type_text(typed)
        return not self.left


def toolbar(session: Session) -> str:
    """Ring, mode, task, RIP with its symbol, and the position, as far as they are known."""
    words = []
    try:
        words.append(f"ring {session.current_privilege_level()}")
        words.append(processor.mode(session.debuggee))
        words.append(task_label(session))
        words.append(session.address_text(processor.linear_pc(session.debuggee)))
    except Refused as error:
        words.append(str(error))
    if isinstance(session.debuggee, Timed):
        progress, events = session.debuggee.position
        words.append(f"at {progress:,}.{events:,}")
    return " " + " │ ".join(filter(None, words))


def paint(text: str) -> FormattedText:
    """A line with its styles: the class of marked lines, and symbols and arrows in the others."""
    for kind, style in _LINE_STYLES:
        if isinstance(text, kind):
            return FormattedText([(f"class:{style}", text)])
    pieces: list[tuple[str, str]] = []
    at = 0
    for found in _MARKS.finditer(text):
        pieces += [("", text[at : found.start()]), (f"class:{found.lastgroup}", found[0])]
        at = found.end()
    return FormattedText([*pieces, ("", text[at:])])


def open_history() -> History:
    """The history file in the XDG state directory; in memory alone where that cannot be written."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    path = Path(base) / "ringscope" / "repl_history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


@contextmanager
def interrupts(session: Session) -> Iterator[None]:
    """Ctrl-C stops what the session's command does; outside the main thread signals are left alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda _number, _frame: session.interrupt())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _write_stdout(text: str) -> None:
    write_stdout(text.encode("utf-8", "replace"))


def _symbols_of(configuration: Configuration) -> Symbols | None:
    """Of the kernel that the remote target runs, if the user named it."""
    if configuration.kernel is None:
        return None
    from kernel.errors import Error as KernelError
    from kernel.symbols import Symbols as KernelSymbols

    try:
        found: Symbols = KernelSymbols.load(configuration.kernel)
    except KernelError:
        return None
    return found

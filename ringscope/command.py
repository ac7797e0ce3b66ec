"""The registry: one table of commands, shared by the REPL and gdb's ``monitor``.

A command is a generator of lines. Its name is given to `command`, its arguments are the parameters of the function,
its help is the docstring; a front door prints what it yields. The kinds of argument stand in `ringscope.arguments`.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, get_args, get_type_hints

from ringscope.arguments import Kind, Shape, split_words
from ringscope.debuggee import Refused
from ringscope.session import CommandError, Front, Quit, Session

Lines = Iterator[str]
Function = Callable[..., Lines]

_REQUIRED = inspect.Parameter.empty


class Parameter(NamedTuple):
    """An argument of a command: its name in capitals, how it is read, and its default."""

    name: str
    kind: Kind
    default: object

    @property
    def required(self) -> bool:
        """There is no default."""
        return self.default is _REQUIRED

    @property
    def usage(self) -> str:
        """As the usage line shows it."""
        if self.kind.shape is Shape.OPTION:
            return f"[-{self.name[0].lower()}]"
        if self.kind.shape is Shape.FORMAT:
            return f"[/{self.name}]"
        shown = "|".join(self.kind.choices) if self.kind.choices else self.name
        shown += "..." if self.kind.shape is Shape.REST else ""
        return shown if self.required else f"[{shown}]"


class Command(NamedTuple):
    """A row of the registry.

    ``instead`` says what a user of gdb does where the command makes no sense in ``monitor``, empty where it does.
    ``repeats``: an empty line does it again.
    """

    name: str
    aliases: tuple[str, ...]
    topic: str
    function: Function
    parameters: tuple[Parameter, ...]
    needs: type | None
    instead: str
    repeats: bool

    @property
    def usage(self) -> str:
        """The command line in general."""
        words = [self.name]
        for parameter in self.parameters:
            if parameter.kind.shape is Shape.FORMAT:
                words[0] += parameter.usage
            else:
                words.append(parameter.usage)
        return " ".join(words)

    @property
    def summary(self) -> str:
        """The first line of the help."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def description(self) -> str:
        """The rest of the help."""
        return (inspect.getdoc(self.function) or "").partition("\n")[2].strip()


class Parsed(NamedTuple):
    """A command line whose command is known: what followed its name, and what followed a slash."""

    command: Command
    rest: str
    format: str | None


class Registry:
    """Commands by name. Names may have two words (``info pic``); every unambiguous prefix of a word will do."""

    def __init__(self) -> None:
        self.commands: dict[str, Command] = {}
        self._aliases: dict[str, str] = {}

    def command(
        self, name: str, *aliases: str, needs: type | None = None, instead: str = "", repeats: bool = False
    ) -> Callable[[Function], Function]:
        """Enter a generator of lines under a name. Raises ValueError if a name is taken or a parameter has no kind."""

        def enter(function: Function) -> Function:
            for word in (name, *aliases):
                if word in self.commands or word in self._aliases:
                    raise ValueError(f"two commands are called {word!r}")
            topic = (inspect.getdoc(inspect.getmodule(function)) or "").partition(".")[0].partition(":")[0]
            row = Command(name, aliases, topic, function, tuple(_parameters(function)), needs, instead, repeats)
            self.commands[name] = row
            self._aliases |= dict.fromkeys(aliases, name)
            return function

        return enter

    def run(self, session: Session, line: str) -> Lines:
        """The output of a command line; an empty one and a comment (``#``) have none. Raises CommandError, Quit."""
        if not line.strip() or line.lstrip().startswith("#"):
            return
        parsed = self.parse(line)
        try:
            _check(parsed.command, session)
            yield from parsed.command.function(session, **_arguments(parsed, session))
        except Refused as error:
            raise CommandError(str(error)) from None

    def parse(self, line: str) -> Parsed:
        """Find the command of a line. Raises CommandError if no name or more than one fits."""
        word, _, rest = line.strip().partition(" ")
        word, slash, form = word.partition("/")
        found = self._resolve(word, {name.split()[0] for name in self.commands} | self._aliases.keys(), "command")
        name = self._aliases.get(found, found)
        if name not in self.commands:
            second, _, rest = rest.strip().partition(" ")
            topics = {name.split()[1] for name in self.commands if name.startswith(f"{found} ")}
            if not second:
                raise CommandError(f"{found} what? One of: {', '.join(sorted(topics))}")
            name = f"{found} {self._resolve(second, topics, f'{found} topic')}"
        return Parsed(self.commands[name], rest.strip(), form if slash else None)

    def find(self, line: str) -> list[Command]:
        """The command that a line names, or those of its group (``info``). Raises CommandError."""
        words = line.split()
        firsts = {name.split()[0] for name in self.commands} | self._aliases.keys()
        group = self._resolve(words[0], firsts, "command") if len(words) == 1 else ""
        members = [row for name, row in self.commands.items() if name.startswith(f"{group} ")]
        return members or [self.parse(line).command]

    def _resolve(self, word: str, names: Iterable[str], what: str) -> str:
        known = sorted(names)
        if word in known:
            return word
        fitting = [name for name in known if name.startswith(word)]
        # Two names of one command do not make a prefix ambiguous.
        distinct = {self._aliases.get(name, name) for name in fitting}
        if len(distinct) == 1:
            return distinct.pop()
        if distinct:
            raise CommandError(f"{word!r} may be {', '.join(sorted(distinct))}")
        close = difflib.get_close_matches(word, known, 1)
        hint = f"did you mean {close[0]}?" if close else "`help` lists what there is"
        raise CommandError(f"no {what} {word!r}; {hint}")


COMMANDS = Registry()
"""The one registry; `ringscope.commandset` fills it."""

command = COMMANDS.command


def _parameters(function: Function) -> Iterator[Parameter]:
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        forms = (hints[name], *get_args(hints[name]))  # an optional argument is a union with None
        kinds = [kind for form in forms for kind in getattr(form, "__metadata__", ()) if isinstance(kind, Kind)]
        if len(kinds) != 1:
            raise ValueError(f"{function.__name__}: parameter {name} has no kind")
        yield Parameter(name.upper(), kinds[0], parameter.default)


def _check(row: Command, session: Session) -> None:
    if row.instead and session.front is Front.MONITOR:
        raise CommandError(f"{row.name} makes no sense in monitor: {row.instead}")
    if row.needs is not None and not isinstance(session.debuggee, row.needs):
        what = (inspect.getdoc(row.needs) or row.needs.__name__).rstrip(".")
        raise CommandError(f"{row.name} needs {what}, which {session.debuggee.name} does not have")


def _arguments(parsed: Parsed, session: Session) -> dict[str, Any]:
    """The function's arguments by name."""
    text, found = _options(parsed)
    for parameter in parsed.command.parameters:
        name = parameter.name.lower()
        shape = parameter.kind.shape
        if shape is Shape.FORMAT:
            if parsed.format is not None:
                found[name] = parameter.kind.read(session, parsed.format)
        elif shape is not Shape.OPTION:
            piece, text = (text, "") if shape is Shape.REST else _take_word(text)
            if piece:
                found[name] = _read(parameter, session, piece)
            elif parameter.required:
                raise CommandError(f"{parameter.name} is missing: {parsed.command.usage}")
    _nothing_left(parsed, text)
    return found


def _options(parsed: Parsed) -> tuple[str, dict[str, Any]]:
    """The line without its options, which may stand anywhere, and which of them are there."""
    text, found = parsed.rest, dict[str, Any]()
    for parameter in parsed.command.parameters:
        if parameter.kind.shape is Shape.OPTION:
            name = parameter.name.lower()
            text, found[name] = _take_option(text, f"-{name[0]}")
    return text, found


def _nothing_left(parsed: Parsed, text: str) -> None:
    if text:
        raise CommandError(f"{text!r} is too much: {parsed.command.usage}")
    if parsed.format is not None and all(p.kind.shape is not Shape.FORMAT for p in parsed.command.parameters):
        raise CommandError(f"/{parsed.format} is too much: {parsed.command.usage}")


def _read(parameter: Parameter, session: Session, word: str) -> object:
    try:
        return parameter.kind.read(session, word)
    except CommandError as error:
        raise CommandError(f"{parameter.name}: {error}") from None


def _take_word(text: str) -> tuple[str, str]:
    words = split_words(text, 1)
    return (words[0], words[1] if len(words) > 1 else "") if words else ("", "")


def _take_option(text: str, option: str) -> tuple[str, bool]:
    words = split_words(text)
    if option not in words:
        return text, False
    words.remove(option)
    return " ".join(words), True


__all__ = ["COMMANDS", "Command", "CommandError", "Lines", "Parameter", "Quit", "Registry", "command"]

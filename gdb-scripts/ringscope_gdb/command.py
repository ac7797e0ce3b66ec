"""How a command is made: a generator of lines, whose docstring is the help, becomes a gdb command.

The first line of a docstring is the summary; its `Usage:` line stands for the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import gdb

MASK64 = (1 << 64) - 1
Lines = Iterator[str]
REGISTRY: dict[str, Callable[[Arguments], Lines]] = {}


class Arguments(NamedTuple):
    """A command's words: options (`-v`) apart from expressions."""

    options: frozenset[str]
    words: tuple[str, ...]

    def number(self, position: int, default: int | None = None) -> int | None:
        """The expression at `position` as an unsigned 64-bit number, or `default` if it was not given."""
        return evaluate(self.words[position]) if position < len(self.words) else default

    def check(self, usage: str, *, least: int = 0, most: int = 0, options: str = "") -> None:
        """GdbError with `usage` if there are too few or too many expressions, or an unknown option."""
        unknown = self.options - frozenset(options.split())
        if unknown:
            raise gdb.GdbError(f"Unknown option {min(unknown)}. Usage: {usage}")
        if not least <= len(self.words) <= most:
            raise gdb.GdbError(f"Usage: {usage}")


def command(name: str) -> Callable[[Callable[[Arguments], Lines]], Callable[[Arguments], Lines]]:
    """Enter a generator of lines in the registry under `name`."""

    def enter(function: Callable[[Arguments], Lines]) -> Callable[[Arguments], Lines]:
        REGISTRY[name] = function
        return function

    return enter


class LineCommand(gdb.Command):
    """A gdb command that prints what a registered function yields."""

    def __init__(self, name: str, function: Callable[[Arguments], Lines]):
        self.__doc__ = function.__doc__
        self._function = function
        super().__init__(name, gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument: str, from_tty: bool) -> None:
        self.dont_repeat()
        words = gdb.string_to_argv(argument)
        # A word that starts with a minus and a letter is an option; -1 is a number.
        options = frozenset(word for word in words if word[:1] == "-" and word[1:2].isalpha())
        arguments = Arguments(options, tuple(word for word in words if word not in options))
        for line in self._function(arguments):
            gdb.write(line.rstrip() + "\n")


def evaluate(expression: str) -> int:
    """A gdb expression as an unsigned 64-bit number; functions and arrays stand for their address."""
    try:
        value = gdb.parse_and_eval(expression)
        code = value.type.strip_typedefs().code
        if code == gdb.TYPE_CODE_VOID:
            raise gdb.GdbError(f"{expression} has no value.")
        if code in (gdb.TYPE_CODE_FUNC, gdb.TYPE_CODE_ARRAY):
            value = value.address
        return int(value) & MASK64
    except (gdb.error, ValueError, OverflowError) as error:
        raise gdb.GdbError(f"{expression}: {error}") from None

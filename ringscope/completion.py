"""What the REPL offers while the user types: commands, registers, symbols and the words that an argument takes."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from ringscope import arguments
from ringscope.arguments import Kind, Shape
from ringscope.command import Command, CommandError, Registry
from ringscope.session import Session

MOST_SYMBOLS = 200
"""Symbols that are offered at once."""

_PIECE = re.compile(r"\$?[A-Za-z_.][A-Za-z0-9_.]*$|\$$")


class CommandCompleter(Completer):
    """Completes a command line of a registry for a session."""

    def __init__(self, registry: Registry, session: Session) -> None:
        self._registry = registry
        self._session = session
        self._symbols = sorted({symbol.name for symbol in session.symbols}) if session.symbols is not None else []

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """The completions at the cursor."""
        text = document.text_before_cursor.lstrip()
        head, blank, rest = text.partition(" ")
        if not blank:
            yield from self._names(text)
            return
        group = sorted(name.split()[1] for name in self._registry.commands if name.startswith(f"{head} "))
        if group and " " not in rest.lstrip():
            yield from _words(group, rest.lstrip())
            return
        try:
            parsed = self._registry.parse(text)
        except CommandError:
            return
        yield from self._argument(parsed.command, rest)

    def _names(self, text: str) -> Iterator[Completion]:
        rows = self._registry.commands
        for name in sorted({name.split()[0] for name in rows}):
            if name.startswith(text):
                summary = rows[name].summary if name in rows else "state of the machine's parts"
                yield Completion(name, -len(text), display_meta=summary)

    def _argument(self, row: Command, rest: str) -> Iterator[Completion]:
        words = arguments.split_words(rest)
        current = "" if not rest or rest[-1].isspace() else words[-1]
        position = len([word for word in words if not re.fullmatch("-[a-z]", word)]) - (1 if current else 0)
        kinds = [p.kind for p in row.parameters if p.kind.shape in (Shape.WORD, Shape.REST)]
        if not kinds:
            return
        if position < len(kinds):
            yield from self._of_kind(kinds[position], current)
        elif kinds[-1].shape is Shape.REST:
            yield from self._of_kind(kinds[-1], current)

    def _of_kind(self, kind: Kind, word: str) -> Iterator[Completion]:
        if kind.choices:
            yield from _words(kind.choices, word)
        elif kind.completion is arguments.Completion.REGISTER:
            yield from _words(self._session.debuggee.register_names(), word.lstrip("$"))
        elif kind.completion is arguments.Completion.COMMAND:
            yield from _words(sorted(self._registry.commands), word)
        elif kind.completion in (arguments.Completion.EXPRESSION, arguments.Completion.SYMBOL):
            yield from self._piece(word)

    def _piece(self, word: str) -> Iterator[Completion]:
        """The last name of an expression."""
        found = _PIECE.search(word)
        if found is None:
            return
        piece = found[0]
        if piece.startswith("$"):
            yield from _words((f"${name}" for name in self._session.debuggee.register_names()), piece)
            return
        first = bisect_left(self._symbols, piece)
        yield from _words(self._symbols[first : first + MOST_SYMBOLS], piece)


def _words(words: Iterable[str], start: str) -> Iterator[Completion]:
    for word in words:
        if word.startswith(start):
            yield Completion(word, -len(start))

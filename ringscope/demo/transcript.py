"""How the demo looks: headings, narration, gdb's prompt and answers, the serial console, the verdict."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ringscope.demo.claims import Finding, show_pair
from ringscope.output import to_stdout

PLAIN_WIDTH = 120
NARRATION_WIDTH = 100
CONTINUATION = "      "
MAXIMUM_SERIAL_LINES = 4

# Lines that say nothing but that gdb does as it was told.
NOISE = re.compile(
    r"Continuing\.|Temporary breakpoint \d+ at|Run till exit|Reading symbols|add symbol table|Remote debug"
)

# fmt: off
STYLES = {
    True:       "bold green",
    False:      "bold red",
    "heading":  "bold cyan",
    "narration": "italic",
    "prompt":   "cyan",
    "typed":    "bold",
    "elided":   "dim",
    "serial":   "yellow",
}
# fmt: on


class _Stdout(Console):
    """What cannot be written ends the demo as it does any command; `rich` would exit with a status of its own."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Raises BrokenPipeError, `OutputError`."""
        with to_stdout():
            super().print(*objects, **options)

    def on_broken_pipe(self) -> NoReturn:
        """What Python has raised."""
        raise BrokenPipeError


def make_console(color: bool | None) -> Console:
    """A console on stdout: with colour (True), without (False), or as the terminal and NO_COLOR say (None)."""
    if color is None and os.environ.get("NO_COLOR"):
        color = False
    plain = Console(highlight=False)
    return _Stdout(
        highlight=False,
        soft_wrap=True,
        color_system=None if color is False else "auto",
        force_terminal=color,
        width=None if plain.is_terminal else PLAIN_WIDTH,
    )


class Transcript:
    """Prints a play as it goes, on a `rich` console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._scenes = 0

    def scene(self, title: str, narration: str) -> None:
        """A numbered heading and what is about to happen."""
        heading = f"{self._scenes} " if self._scenes else ""
        self._scenes += 1
        self._console.print()
        self._rule(f"{heading} {title}".strip())
        text = Text(narration, STYLES["narration"])
        for line in text.wrap(self._console, min(NARRATION_WIDTH, self._console.width)):
            line.rstrip()
            self._console.print(line)

    def command(self, line: str) -> None:
        """A line typed to gdb."""
        self._console.print(Text.assemble(("(gdb) ", STYLES["prompt"]), (line, STYLES["typed"])))

    def answer(self, answer: str, findings: Iterable[Finding], lines: int = 0) -> None:
        """What gdb printed, checked values in colour; no more than `lines` of it, all if 0."""
        text = Text(answer)
        _colour(text, findings)
        parts = [part for part in text.split("\n") if part.plain.strip() and not NOISE.match(part.plain)]
        if lines and len(parts) > lines:
            parts[lines - 1].append(f"   … {len(parts) - lines} more lines", STYLES["elided"])
            del parts[lines:]
        for part in parts:
            for piece in fit(part, self._console.width):
                self._console.print(piece)

    def refusal(self, sentence: str) -> None:
        """gdb's error message."""
        self._console.print(Text(sentence, STYLES[False]))

    def serial(self, arrived: str, findings: Iterable[Finding]) -> None:
        """What the guest sent to its serial console meanwhile: the first and last line if there are many."""
        text = Text(arrived, STYLES["serial"])
        _colour(text, findings)
        parts = [part for part in text.split("\n") if part.plain.strip()]
        if len(parts) > MAXIMUM_SERIAL_LINES:
            parts[1:-1] = [Text(f"… {len(parts) - 2} more lines", STYLES["elided"])]
        for part in parts:
            self._console.print(Text.assemble(("serial │ ", STYLES["serial"]), part))

    def verdict(self, findings: Sequence[Finding], trouble: str | None) -> None:
        """A line per claim, and the sum."""
        self._console.print()
        self._rule("Verdict: what gdb said, and what the kernel's tables and ELF files say")
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=STYLES["typed"])
        for title in ("", "Claim", "Observed", "Expected"):
            table.add_column(title, overflow="fold")
        for finding in findings:
            observed, expected = show_pair(finding)
            mark = Text("ok" if finding.holds else "NO", STYLES[finding.holds])
            table.add_row(mark, finding.claim.what, Text(observed, STYLES[finding.holds]), Text(expected))
        self._console.print(Padding(table, 0), soft_wrap=False)
        self._sum(findings, trouble)

    def _sum(self, findings: Sequence[Finding], trouble: str | None) -> None:
        held = sum(finding.holds for finding in findings)
        complete = held == len(findings) and trouble is None
        if trouble:
            self._console.print(Text(f"The demo ended early: {trouble}.", STYLES[False]))
        self._console.print(Text(f"{held} of {len(findings)} claims observed.", STYLES[complete]))

    def _rule(self, title: str) -> None:
        width = min(NARRATION_WIDTH, self._console.width)
        self._console.print(Text(f"── {title} ".ljust(width, "─"), STYLES["heading"]))


def _colour(text: Text, findings: Iterable[Finding]) -> None:
    for finding in findings:
        for start, end in finding.spans:
            text.stylize(STYLES[finding.holds], start, end)


def fit(line: Text, width: int) -> Iterator[Text]:
    """A line of gdb's in pieces no wider than the console, where it has commas to break it at.

    Of a stack frame the last arguments give way to an ellipsis, so that it stays one line with its place in the
    source. Other lines go on indented.
    """
    place = re.search(r"\) at \S+:\d+$", line.plain)
    if place and len(line) > width:
        head = next(iter(_fold(line[: place.start()], width - len(place[0]) - 1)))
        yield Text.assemble(head, ("…", STYLES["elided"]), line[place.start() :])
    else:
        yield from _fold(line, width)


def _fold(line: Text, width: int) -> Iterator[Text]:
    """Pieces that end behind commas; one with no comma in time is left as wide as it is."""
    while len(line) > width:
        commas = [match.end() for match in re.finditer(", ", line.plain) if len(CONTINUATION) < match.end() <= width]
        if not commas:
            break
        head, rest = line.divide(commas[-1:])
        yield head
        line = Text.assemble(CONTINUATION, rest)
    yield line

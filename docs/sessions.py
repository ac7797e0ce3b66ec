"""The sessions of gdb and the REPL that the documentation shows, typed again.

`python docs/sessions.py` types each and writes its addresses and other long numbers into the pages as they are now;
`tests/test_docs_sessions.py` types each and compares. Lines at a `>` prompt belong to the command above them; `^C`
beneath a command is typed once the guest has printed. Addresses and other long numbers may differ from build to
build, and `…` stands for anything; the rest may not.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from kernel.image import find_image  # noqa: E402
from ringscope.boot import Configuration, power_on  # noqa: E402
from ringscope.debug import served  # noqa: E402
from ringscope.gdbmi import Gdb, Refused  # noqa: E402
from ringscope.serve import gdb_commands, gdb_word  # noqa: E402

PROMPT, REPL_PROMPT = "(gdb) ", "(ringscope) "
IN_A_SYSTEM_CALL = ("break do_syscall_64", "continue")

STORIES: dict[str, tuple[str, ...]] = {"README.md": (), "docs/tour.md": ()}
"""By page, what has been typed before its first line, attached or not."""

MANUALS = {"docs/gdb.md": IN_A_SYSTEM_CALL}
"""By page, what has been typed before the first line of each of its sections."""

REPLS = ("README.md", "docs/repl.md")

CONTROL_C = "^C"
LONG_NUMBER = r"0x[0-9a-f]{5,}|\b\d[\d,]{4,}\d\b|-\d{5,}"
SOURCE_LINE = r"(?<=\.[cS]:)\d+"
_VOLATILE = re.compile(f"({LONG_NUMBER}|{SOURCE_LINE})( *)")
_COUNTED = re.compile(r"\$\d+ = |\b(?:[Bb]reakpoint|[Ww]atchpoint) \d+")


class Exchange(NamedTuple):
    """A command as it is typed, and the lines shown beneath it."""

    command: str
    shown: list[str]


class Session(NamedTuple):
    """A page, a heading of it, what has been typed before, and the exchanges."""

    page: str
    heading: str
    before: Sequence[str]
    play: list[Exchange]


# What the pages show


def exchanges(text: str, prompt: str = PROMPT) -> Iterator[Exchange]:
    """Every command typed at a prompt, with the lines that it asks for, and the lines shown beneath it."""
    command, shown = "", list[str]()
    for line in text.split("\n"):
        typed = line.removeprefix("    ")
        inside = line.startswith("    ") and not typed.startswith("$ ")
        if inside and typed.startswith(prompt):
            if command:
                yield Exchange(command, shown)
            command, shown = typed.removeprefix(prompt).strip(), []
        elif inside and command and not shown and typed.lstrip().startswith("> "):
            command += "\n" + typed.lstrip().removeprefix("> ")
        elif inside and command and typed.strip():
            shown.append(typed)
        elif command and line.strip():
            yield Exchange(command, shown)
            command, shown = "", []
    if command:
        yield Exchange(command, shown)


def sessions() -> Iterator[Session]:
    """All of gdb's, in the order of the pages."""
    for page, before in STORIES.items():
        yield Session(page, "", before, [*exchanges((ROOT / page).read_text())])
    for page, before in MANUALS.items():
        for section in (ROOT / page).read_text().split("\n## "):
            if play := [*exchanges(section)]:
                yield Session(page, section.partition("\n")[0], before, play)


# What is said now


class Console:
    """What the guest prints on its first serial port."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.grown = threading.Event()

    def write(self, data: bytes) -> None:
        """Take what the guest writes."""
        self.text.extend(data)
        self.grown.set()


def localized(command: str, address: str) -> str:
    """The command with the paths and the address of this run."""
    command = re.sub(r"kernel/_image/programs/(\w+)", lambda found: gdb_word(find_image().program(found[1])), command)
    command = re.sub(r"…/kernel$", lambda _: gdb_word(find_image().sources), command)
    return re.sub(r"^target remote .*", f"target remote {address}", command)


def answers(session: Session) -> Iterator[tuple[Exchange, str]]:
    """Each exchange with what gdb and the guest print for its command now."""
    console = Console()
    guest = power_on(Configuration(), console.write)
    with served(guest) as address, Gdb("gdb") as gdb:
        attach = gdb_commands(guest, address)
        if any(exchange.command.startswith("target remote") for exchange in session.play):
            attach.pop()
        for command in (*attach, *session.before):
            gdb.execute(command)
        for exchange in session.play:
            yield exchange, _typed(gdb, localized(exchange.command, address), exchange.shown, console)


def _typed(gdb: Gdb, command: str, shown: list[str], console: Console) -> str:
    before = len(console.text)
    try:
        answer = _interrupted(gdb, command, console) if CONTROL_C in shown else gdb.execute(command)
    except Refused as error:
        answer = str(error)
    return f"{answer}\n{bytes(console.text[before:]).decode(errors='replace')}"


def _interrupted(gdb: Gdb, command: str, console: Console) -> str:
    console.grown.clear()
    gdb.start(command)
    assert console.grown.wait(gdb.seconds), f"after {command!r} the guest printed nothing"
    return f"{CONTROL_C}\n{gdb.interrupt()}"


def repl_answers(page: str) -> tuple[list[Exchange], str]:
    """The exchanges with the REPL that a page shows, and all that it prints for their commands now."""
    play = [*exchanges((ROOT / page).read_text(), REPL_PROMPT)]
    done = subprocess.run(
        [sys.executable, "-m", "ringscope.cli", "repl"],
        input="".join(f"{exchange.command}\n" for exchange in play),
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return play, done.stdout


# Comparing, and writing anew


def squeezed(text: str) -> str:
    """Without what may differ in numbers and blanks."""
    return re.sub(r"\s+", " ", re.sub(LONG_NUMBER, "N", text)).strip()


def pattern(line: str) -> str:
    """A shown line as a regular expression on a squeezed answer."""
    line = re.sub(r"^\$\d+ = ", "= ", squeezed(line))
    line = re.sub(r"\b([Bb]reakpoint|[Ww]atchpoint) \d+", r"\1 …", line)
    line = re.sub(SOURCE_LINE, "…", line)  # lines of the guest's sources move
    return re.escape(line).replace("…", ".*")


def unanswered(shown: list[str], answer: str) -> list[str]:
    """The lines that an answer does not hold, in the page's words."""
    return [line for line in shown if not re.search(pattern(line), squeezed(answer))]


def renewed(line: str, answer: str) -> str:
    """A shown line with the numbers that an answer has in its place; as it is if the answer does not have it."""
    expression = "".join(_matching(line))
    found = re.search(expression, answer) or re.search(expression.replace("[^\n]*?", r"(?s:.)*?"), answer)
    numbers = iter(found.groups() if found else ())
    return _VOLATILE.sub(lambda old: _in_its_column(old[1], old[2], next(numbers)), line) if found else line


def _matching(line: str) -> Iterator[str]:
    """Regular expressions for the parts of a line, each of its numbers a group."""
    at = 0
    for number in _VOLATILE.finditer(line):
        yield _literally(line[at : number.start()])
        yield rf"({LONG_NUMBER}|(?<=:)\d+)"
        at = number.end(1)
    yield _literally(line[at:])


def _literally(text: str) -> str:
    parts = [re.escape(part) for part in _COUNTED.split(text)]
    counted = [re.sub(r"\\?\d+", r"\\d+", re.escape(found)) for found in _COUNTED.findall(text)]
    joined = parts[0] + "".join(one + part for one, part in zip(counted, parts[1:], strict=True))
    return re.sub(r"(?:\\[ \t]|\s)+", r"\\s+", joined).replace("…", "[^\n]*?")


def _in_its_column(old: str, blanks: str, new: str) -> str:
    """A number and the blanks behind it, so that a table's next column stays where it is."""
    return new + (" " * max(len(old) + len(blanks) - len(new), 2) if len(blanks) > 1 else blanks)


def write_anew(page: str, told: Sequence[tuple[Exchange, str]], prompt: str = PROMPT) -> None:
    """Put what is said now into a page; ``told`` is in the page's order."""
    path = ROOT / page
    text, at = path.read_text(), 0
    for exchange, answer in told:
        at = text.index(f"\n    {prompt}{exchange.command.partition(chr(10))[0]}", at) + 1
        for line in exchange.shown:
            start = text.index(f"\n    {line}\n", at) + 5
            text = text[:start] + renewed(line, answer) + text[start + len(line) :]
            at = start
    path.write_text(text)


def main() -> None:
    """Renew every session of every page."""
    for page in (*STORIES, *MANUALS):
        found = [session for session in sessions() if session.page == page]
        write_anew(page, [one for session in found for one in answers(session)])
    for page in REPLS:
        play, said = repl_answers(page)
        write_anew(page, [(exchange, said) for exchange in play], REPL_PROMPT)


if __name__ == "__main__":
    main()

"""The sessions of gdb and the REPL that the documentation shows: each command is typed again, each line must come.

Lines at a `>` prompt belong to the command above them; `^C` beneath a command is typed once the guest has printed.
Addresses and other long numbers may differ from build to build, and `…` stands for anything; the rest may not.
"""

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kernel.image import find_image
from ringscope.boot import Configuration, power_on
from ringscope.debug import served
from ringscope.gdbmi import Gdb, Refused
from ringscope.serve import gdb_commands, gdb_word

ROOT = Path(__file__).resolve().parent.parent
PROMPT = "(gdb) "
IN_A_SYSTEM_CALL = ("break do_syscall_64", "continue")

# page -> what has been typed before its first line, attached or not
STORIES = {"README.md": (), "docs/tour.md": ()}
# page -> what has been typed before the first line of each of its sections
MANUALS = {"docs/gdb.md": IN_A_SYSTEM_CALL}
CONTROL_C = "^C"
LONG_NUMBER = r"0x[0-9a-f]{5,}|\b\d[\d,]{4,}\d\b|-\d{5,}"


def exchanges(text, prompt=PROMPT):
    """Every command typed at a prompt, with the lines that it asks for, and the lines shown beneath it."""
    command, shown = None, []
    for line in text.split("\n"):
        typed = line.removeprefix("    ")
        inside = line.startswith("    ") and not typed.startswith("$ ")
        if inside and typed.startswith(prompt):
            if command:
                yield command, shown
            command, shown = typed.removeprefix(prompt).strip(), []
        elif inside and command and not shown and typed.lstrip().startswith("> "):
            command += "\n" + typed.lstrip().removeprefix("> ")
        elif inside and command and typed.strip():
            shown.append(typed)
        elif command and line.strip():
            yield command, shown
            command, shown = None, []
    if command:
        yield command, shown


def squeezed(text):
    return re.sub(r"\s+", " ", re.sub(LONG_NUMBER, "N", text)).strip()


def pattern(line):
    """A shown line as a regular expression on a squeezed answer."""
    line = re.sub(r"^\$\d+ = ", "= ", squeezed(line))
    line = re.sub(r"\b([Bb]reakpoint|[Ww]atchpoint) \d+", r"\1 …", line)
    line = re.sub(r"(?<=\.[cS]:)\d+", "…", line)  # lines of the guest's sources move
    return re.escape(line).replace("…", ".*")


def unanswered(shown, answer):
    """The lines that an answer does not hold, in the page's words."""
    return [line for line in shown if not re.search(pattern(line), squeezed(answer))]


def localized(command, address):
    """The command with the paths and the address of this run."""
    command = re.sub(r"kernel/_image/programs/(\w+)", lambda found: gdb_word(find_image().program(found[1])), command)
    command = re.sub(r"…/kernel$", lambda _: gdb_word(find_image().sources), command)
    return re.sub(r"^target remote .*", f"target remote {address}", command)


class Console:
    """What the guest prints on its first serial port."""

    def __init__(self):
        self.text = bytearray()
        self.grown = threading.Event()

    def write(self, data):
        self.text.extend(data)
        self.grown.set()


def typed(gdb, command, shown, console):
    """What gdb and the guest print for a command, and for the Ctrl-C that the page shows beneath it."""
    before = len(console.text)
    try:
        answer = interrupted(gdb, command, console) if CONTROL_C in shown else gdb.execute(command)
    except Refused as error:
        answer = str(error)
    return f"{answer}\n{bytes(console.text[before:]).decode(errors='replace')}"


def interrupted(gdb, command, console):
    console.grown.clear()
    gdb.start(command)
    assert console.grown.wait(gdb.seconds), f"after {command!r} the guest printed nothing"
    return f"{CONTROL_C}\n{gdb.interrupt()}"


def sessions():
    """Page, heading, what has been typed before, and the exchanges, of each session."""
    for page, before in STORIES.items():
        yield page, "", before, [*exchanges((ROOT / page).read_text())]
    for page, before in MANUALS.items():
        for section in (ROOT / page).read_text().split("\n## "):
            if play := [*exchanges(section)]:
                yield page, section.partition("\n")[0], before, play


@pytest.mark.gdb
@pytest.mark.parametrize(
    "before, play", [pytest.param(*rest, id=f"{page} {heading}".strip()) for page, heading, *rest in sessions()]
)
def test_session(before, play):
    console = Console()
    guest = power_on(Configuration(), console.write)
    with served(guest) as address, Gdb("gdb") as gdb:
        attach = gdb_commands(guest, address)
        if any(command.startswith("target remote") for command, _ in play):
            attach.pop()
        for command in (*attach, *before):
            gdb.execute(command)
        for command, shown in play:
            answer = typed(gdb, localized(command, address), shown, console)
            assert unanswered(shown, answer) == [], f"to {command!r} gdb said:\n{answer}"


def test_every_prompt_of_a_page_is_in_a_session():
    for page in (*STORIES, *MANUALS):
        prompts = (ROOT / page).read_text().count(f"\n    {PROMPT}")
        assert sum(len(play) for of, _, _, play in sessions() if of == page) == prompts >= 5


@pytest.mark.parametrize("page", ["README.md", "docs/repl.md"])
def test_repl_session(page):
    play = [*exchanges((ROOT / page).read_text(), "(ringscope) ")]
    assert len(play) >= 3
    done = subprocess.run(
        [sys.executable, "-m", "ringscope.cli", "repl"],
        input="".join(f"{command}\n" for command, _ in play),
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert [line for _, shown in play for line in unanswered(shown, done.stdout)] == []


def test_what_is_not_said_is_found():
    answer = "Breakpoint 3, f (a=0xffffffff81000000) at /a/b.c:17\n17\treturn;\n$5 = 0x10\n"
    assert unanswered(["Breakpoint 1, f (a=0xffffffff82222222) at …/b.c:17", "$1 = 0x10"], answer) == []
    assert unanswered(["Breakpoint 1, g (a=…) at …/b.c:17", "$1 = 0x33"], answer) != []


def test_exchanges_are_taken_apart():
    lines = "    (gdb) actions\n    > while-stepping 2\n      > collect $rip\n      > end\n    > end\n    shown\n"
    assert [*exchanges(lines)] == [("actions\nwhile-stepping 2\ncollect $rip\nend\nend", ["shown"])]
    text = "Words\n\n    (gdb) one\n    first\n\n    second\n    (gdb) two\n\nmore `(gdb) no`\n\n    $ not gdb\n"
    assert [*exchanges(text)] == [("one", ["first", "second"]), ("two", [])]

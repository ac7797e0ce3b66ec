"""Make docs/images/session.svg: a session of stock gdb on the machine, recorded from a pseudo-terminal.

    python docs/make_images.py

Every line of the picture is what gdb printed; only the checkout's path is shortened. Commands are typed when gdb's
prompt has come back, so that nothing waits for a span of time. `export_svg` is rich's.
"""

import io
import os
import pty
import re
import select
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "session.svg"
WIDTH = 112
SECONDS = 30.0
PROMPT = "(gdb) "
COMMANDS = (
    "break native_irq_return_iret",
    "continue",
    "x/i $rip",
    "x86 frame",
    "print/x $cs",
    "stepi",
    "print/x $cs",
    "x86 selector $cs",
    "x86 walk $rip",
)
SETTINGS = ("set pagination off", "set confirm off", f"set width {WIDTH}", "set filename-display basename")

# Control sequences that are not colours: cursor movements and modes of the terminal.
NOT_COLOUR = re.compile(r"\x1b\[[?>]?[\d;]*[A-Zac-ln-z]|\x1b[=>]|\r")


def lines_shown(answer: str) -> list[str]:
    """An answer without what says nothing here: the guest's boot messages, but for their first and last, and echoes."""
    lines = [line for line in answer.split("\n") if line.strip() and not line.startswith("Continuing.")]
    messages = [number for number, line in enumerate(lines) if re.match(r"\[ +\d+\.\d{6}\]", line)]
    if len(messages) > 3:
        lines[messages[1] : messages[-1]] = [f"… {len(messages) - 2} more lines"]
    decoded = [number for number, line in enumerate(lines) if re.match(r"(\x1b\[\d*m)?Field ", line)]
    if decoded:
        lines[decoded[0] :] = [f"… {len(lines) - decoded[0]} more lines"]
    return lines


def read_to_prompt(terminal: int) -> str:
    """What gdb prints up to its next prompt. Raises TimeoutError with it if there is none."""
    text = ""
    while not NOT_COLOUR.sub("", text).endswith(PROMPT):
        ready, _, _ = select.select([terminal], [], [], SECONDS)
        if not ready:
            raise TimeoutError(f"gdb's prompt did not come within {SECONDS} s after: {text!r}")
        text += os.read(terminal, 65536).decode(errors="replace")
    return NOT_COLOUR.sub("", text).removesuffix(PROMPT)


def start() -> int:
    """`ringscope debug` in a pseudo-terminal; returns the terminal's file descriptor."""
    words = [sys.executable, "-m", "ringscope.cli", "debug"]
    for setting in SETTINGS:
        words += ["-ex", setting]
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        environment = dict(os.environ, TERM="xterm-256color", INPUTRC="/dev/null", COLUMNS=str(WIDTH), LINES="60")
        os.execve(sys.executable, words, environment)
    return terminal


def session() -> Iterator[str]:
    """The lines of the session, with gdb's colours."""
    terminal = start()
    yield "$ ringscope debug"
    yield from lines_shown(read_to_prompt(terminal))
    for command in COMMANDS:
        os.write(terminal, f"{command}\n".encode())
        answer = read_to_prompt(terminal).removeprefix(command)
        yield f"\x1b[36m{PROMPT}\x1b[0m\x1b[1m{command}\x1b[0m"
        yield from lines_shown(answer)
    os.write(terminal, b"kill\nquit\n")
    os.close(terminal)
    os.wait()


def main() -> None:
    console = Console(record=True, file=io.StringIO(), width=WIDTH, force_terminal=True, color_system="truecolor")
    for line in session():
        line = re.sub(r"/tmp/ringscope-\w+/", "/tmp/…/", line.replace(str(ROOT), "…"))
        console.print(Text.from_ansi(line.expandtabs()), soft_wrap=True, highlight=False)
    picture = console.export_svg(title="ringscope debug", unique_id="session")
    # Fonts of the reader's own, and blanks that every renderer keeps.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL).replace("Fira Code, ", "")
    PICTURE.write_text(picture.replace("<svg ", '<svg xml:space="preserve" ', 1))


if __name__ == "__main__":
    main()

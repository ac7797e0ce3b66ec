"""A guest on the user's terminal: its serial console, and Ctrl-A c to a prompt and back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from machine import stop
from ringscope import console
from ringscope.boot import Guest
from ringscope.console import Wish
from ringscope.output import write_stdout

if TYPE_CHECKING:
    from ringscope.repl import Repl


def run(guest: Guest, descriptor: int = 0) -> stop.Stop | None:
    """Run the guest until it ends; None if the user left.  A breakpoint that was set at the prompt leads back there."""
    patient = guest.protocol.startswith("linux")
    prompt: Repl | None = None
    while True:
        reason = console.run(guest.machine, guest.lines, descriptor, patient=patient)
        if reason is Wish.QUIT:
            return None
        if reason is Wish.PROMPT and not sys.stdin.isatty():
            write_stdout(b"\nCtrl-A c needs a terminal\n")
            continue
        if not isinstance(reason, (Wish, stop.Breakpoint, stop.Watchpoint)):
            return reason
        if prompt is None:
            prompt = _prompt(guest)
        if not _visit(guest, prompt, None if isinstance(reason, Wish) else reason):
            return None


def _prompt(guest: Guest) -> Repl:
    from ringscope.local import LocalDebuggee
    from ringscope.repl import Repl
    from ringscope.session import Session

    return Repl(Session(LocalDebuggee(guest.machine, guest.lines, guest), guest.symbols), from_console=True)


def _visit(guest: Guest, prompt: Repl, reason: stop.Stop | None) -> bool:
    """The prompt, with what it prints on the same terminal; whether the user wants back to the console."""
    from ringscope.repl import BackToConsole

    port = guest.lines.terminal
    assert port is not None, "the console has a port"
    send = port.send
    guest.machine.stop_here()
    try:
        prompt.talk(reason)
    except BackToConsole:
        write_stdout(b"Keys go to the guest; Ctrl-A h is help.\n")
        return True
    finally:
        port.send = send
    return False

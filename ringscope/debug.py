"""An interactive stock gdb on a machine: the server in a thread, gdb in the foreground."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gdbstub.server import Policy, Server, Then, listen
from machine.errors import Error
from ringscope.boot import Guest, start
from ringscope.configuration import CPU, Configuration
from ringscope.output import settle, write_stdout, write_stdout_if_read
from ringscope.serve import gdb_commands, make_target, scripts


def find_gdb(program: str) -> str:
    """The gdb to run.  Raises `Error` naming it if there is none."""
    path = shutil.which(program)
    if path is None:
        advice = (
            "is no program that can be run" if "/" in program else "is not installed: on Debian, apt-get install gdb"
        )
        raise Error(f"{program} {advice}")
    return path


@contextmanager
def served(guest: Guest, view: str = CPU) -> Iterator[str]:
    """Serve a guest from a thread on a private socket; yields the address for ``target remote``."""
    with tempfile.TemporaryDirectory(prefix="ringscope-") as directory:
        address = Path(directory) / "gdb"
        policy = Policy(detached=Then.RETURN, vanished=Then.RETURN, killed=Then.RETURN)
        with Server(make_target(guest, view), listen(f"unix:{address}"), policy=policy) as server:
            thread = threading.Thread(target=server.serve, name="gdb server", daemon=True)
            thread.start()
            try:
                yield str(address)
            finally:
                server.stop()
                thread.join()


def debug(configuration: Configuration, *, gdb: str = "gdb", commands: Sequence[str] = (), view: str = CPU) -> int:
    """Boot, start gdb attached with symbols and scripts, and end with it; returns gdb's exit status."""
    program = find_gdb(gdb)
    guest = start(configuration, write_stdout_if_read)
    for note in guest.notes:
        write_stdout(f"{note}\n".encode())
    with guest.lines, served(guest, view) as address:
        words = [program, "-q"]
        for command in (*gdb_commands(guest, address, view), f"source {scripts() / 'quit.gdb'}", *commands):
            words += ["-ex", command]
        # Ctrl-C belongs to gdb, which passes it on.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            status = subprocess.call(words)
        finally:
            signal.signal(signal.SIGINT, before)
    return settle(status, guest.lines.failures())

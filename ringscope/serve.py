"""The server: a machine behind the stub, and what gdb's user must know to attach."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from gdbstub.address import AddressError, is_local
from gdbstub.link import Trace
from gdbstub.server import Ending, Policy, Server, Then, listen
from kernel.image import Image
from machine.boot.real import SETUP_SEGMENT
from machine.devices.serial import PORTS
from ringscope.boot import Guest, start
from ringscope.configuration import CPU, TASKS, Configuration
from ringscope.guesttarget import GuestTarget
from ringscope.output import settle, write_stdout, write_stdout_if_read
from ringscope.restart import restart
from ringscope.session import CommandError, Settings
from ringscope.target import MachineTarget
from ringscope.tasks import describe_task
from ringscope.views import TaskView

SOURCE_ROOT = "/usr/src/ringscope"
"""What the guest's debug information calls the directory of its sources."""


def scripts() -> Path:
    """The directory of the gdb scripts: inside the installed package, or beside it in a checkout."""
    here = Path(__file__).resolve().parent
    inside = here / "gdb-scripts"
    return inside if inside.is_dir() else here.parent / "gdb-scripts"


def make_target(guest: Guest, view: str = CPU) -> MachineTarget:
    """The guest's machine with its tasks' names and the monitor commands.

    ``view`` is one of `ringscope.configuration.VIEWS`.  Raises `kernel.errors.Error` if it cannot be had.
    """
    from ringscope.monitor import make_monitor
    from ringscope.osdata import GuestTables

    def seen_as(name: str) -> TaskView | None:
        return TaskView(guest.machine, guest.running_kernel) if name == TASKS else None

    def look_at(name: str) -> None:
        if name == TASKS and (count := len(guest.machine.cpus)) > 1:
            raise CommandError(f"--cpus {count}: gdb's threads are the processors; tasks can be those of one alone")
        if view == TASKS != name:
            raise CommandError("gdb has learnt of the tasks as processes: processors are threads without --view tasks")
        target.look_at(seen_as(name))

    target = GuestTarget(
        guest.machine,
        lambda: guest.running_kernel,
        partial(restart, guest),
        describe=lambda: describe_task(guest.machine, guest.symbols),
        command=make_monitor(guest, lambda: Settings(look_at, target.look_through, target.stepper, target.lose_track)),
        lines=guest.lines,
        tables=GuestTables(guest),
    )
    target.begin_with(seen_as(view))
    return target


def gdb_word(path: Path) -> str:
    """A path as one word of a gdb command that splits its line into words; ``source`` and ``target`` do not."""
    text = str(path)
    if not set(text) & set(" \t\"'\\"):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def gdb_commands(guest: Guest, address: str, view: str = CPU) -> list[str]:
    """The gdb commands that load symbols and scripts and attach."""
    commands = [f"file {gdb_word(guest.symbols_file.absolute())}"] if guest.symbols_file else []
    if guest.symbols_file and _is_32_bit(guest.symbols_file):
        # gdb takes the architecture from the file, and would reject registers of 64 bits.
        commands.append("set architecture i386:x86-64")
    if guest.image:
        commands.append(f"set substitute-path {SOURCE_ROOT} {gdb_word(guest.image.sources)}")
        if guest.protocol.startswith("linux"):
            commands += map(_unasked, _before_the_kernel(guest.image))
    if view == TASKS:
        # Processes that gdb learns of later get its default; a machine runs whole, whichever of them is looked at.
        commands += ["set architecture i386:x86-64", "set schedule-multiple on"]
    # Else gdb takes its breakpoints out at every stop and puts them back after it: nobody else could see them here.
    commands.append("set breakpoint always-inserted on")
    return [*commands, f"source {scripts() / 'loader.py'}", f"target remote {address}"]


def _before_the_kernel(image: Image) -> Iterator[str]:
    """Symbols of the setup code and of the decompressor.

    gdb takes the offset in RIP for the address, the machine's breakpoints are linear: so the setup code is there twice.
    """
    for base in (0, SETUP_SEGMENT << 4):
        yield f"add-symbol-file {gdb_word(image.setup)} -o {base:#x}"
    yield f"add-symbol-file {gdb_word(image.compressed)}"


def _unasked(command: str) -> str:
    """A gdb command that would ask its user whether he is sure."""
    return f"python gdb.execute({command!r})"


def _is_32_bit(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(5) == b"\x7fELF\x01"


def instructions(guest: Guest, address: str, view: str = CPU) -> Iterator[str]:
    """What to print before waiting: what was booted, where the symbols are, what to type."""
    size, position = guest.machine.memory.size >> 20, guest.machine.position
    where = f"at position {position}" if any(position) else "at its first instruction"
    yield f"{guest.kernel.name} ({guest.protocol}, {size} MiB) is stopped {where}."
    yield from guest.notes
    yield f"Symbols:  {guest.symbols_file.absolute() if guest.symbols_file else 'none: the image has none'}"
    for row, end in zip(PORTS, guest.lines.ends, strict=False):
        if end.text != "stdio":
            yield f"{row.name}:     {end.text} ({end.describe()})"
    yield f"Attach:   target remote {address}"
    yield "In one:   gdb " + " ".join(f"-ex {shlex.quote(command)}" for command in gdb_commands(guest, address, view))


REMOTE = "whoever reaches it controls the machine, reads and writes all of its memory, and is asked for no password"


def check_address(address: str, *, remote: bool) -> None:
    """Raises AddressError for an address beyond this host, unless ``remote`` says that it is meant; then warns."""
    if is_local(address):
        return
    if not remote:
        raise AddressError(f"{address} can be reached from other hosts: {REMOTE}; --allow-remote says that you mean it")
    sys.stderr.write(f"warning: {address} can be reached from other hosts: {REMOTE}\n")


def serve(
    configuration: Configuration,
    address: str,
    *,
    go: bool = False,
    trace: Trace | None = None,
    view: str = CPU,
    observers: bool = False,
) -> int:
    """Boot, print how to attach, and serve until the client kills the machine or Ctrl-C."""
    guest = start(configuration, write_stdout_if_read)
    policy = Policy(killed=Then.RETURN)
    target = make_target(guest, view)
    with guest.lines, Server(target, listen(address), policy=policy, trace=trace, observers=observers) as server:
        for line in instructions(guest, server.address, view):
            write_stdout(f"{line}\n".encode())
        status = run_until_told(server, go)
    return settle(status, guest.lines.failures())


def run_until_told(server: Server, go: bool) -> int:
    """Serve; SIGINT and SIGTERM end it in order."""

    def stop(_number: int, _frame: object) -> None:
        server.stop()

    before: dict[signal.Signals, Callable[..., object] | int | None] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, stop)
    try:
        ending = server.serve(running=go)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0 if ending in (Ending.KILLED, Ending.CLOSED) else 1

"""The command line: run, serve, debug, demo, repl, linux, doctor.

What only a command needs is imported when that runs: from a snapshot to its prompt takes less time than all imports.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from gdbstub.address import AddressError, parse_address
from kernel.errors import Error as KernelError
from machine import stop
from machine.errors import Error as MachineError
from machine.limits import DEFAULT_MEMORY
from ringscope import linux, processors, timeline
from ringscope.apt import PackageError
from ringscope.configuration import RESET_STATUS, Configuration, UsageError
from ringscope.options import parse
from ringscope.output import READER_GONE, OutputError, flush_stdout, open_standard_streams, settle, write_stdout
from ringscope.serial.spec import STDIO, Spec
from ringscope.strace import options as strace

if TYPE_CHECKING:
    from ringscope.boot import Guest

Watched = Callable[["Guest", argparse.Namespace], AbstractContextManager[None]]
"""What goes on beside a run."""

_OF_OUR_MACHINE = (
    *("initrd", "busybox", "append", "memory", "entry", "engine", "cpus", "quantum", "serial"),
    *("from_snapshot", "stop_at"),
)


def _configuration(arguments: argparse.Namespace) -> Configuration:
    processors.chosen(arguments)
    if arguments.from_snapshot:
        return timeline.from_snapshot(arguments)
    return Configuration(
        arguments.kernel,
        linux.make_initrd(linux.cache(_say)) if arguments.busybox else arguments.initrd,
        arguments.append,
        arguments.memory or DEFAULT_MEMORY,
        entry=arguments.entry,
        serial=_serial(arguments),
        engine=arguments.engine,
        stop_at=arguments.stop_at,
        processors=processors.chosen(arguments),
    )


def _serial(arguments: argparse.Namespace) -> tuple[Spec, ...]:
    return tuple(arguments.serial or (STDIO,))


def _run(arguments: argparse.Namespace) -> int:
    timeline.check(arguments)
    guest, reason = _boot(_configuration(arguments), arguments, strace.tracing)
    return settle(_end(guest, reason), guest.lines.failures())


def _watched(guest: Guest, arguments: argparse.Namespace) -> AbstractContextManager[None]:
    """As the tracer's, for a machine that nobody traces."""
    return nullcontext()


def _boot(
    configuration: Configuration, arguments: argparse.Namespace, watched: Watched = _watched
) -> tuple[Guest, stop.Stop | None]:
    """Run a machine with its console here until it ends, or for ever again; None if the user left."""
    from ringscope import terminal
    from ringscope.boot import power_on

    guest = power_on(configuration, write_stdout)
    with guest.lines:
        with watched(guest, arguments):
            reason = timeline.begin(guest, configuration, arguments) or terminal.run(guest)
        while arguments.reboot and isinstance(reason, stop.Reset):
            guest = power_on(configuration, write_stdout, ends=guest.lines.ends)
            with watched(guest, arguments):
                reason = terminal.run(guest)
        return guest, reason


def _end(guest: Guest, reason: stop.Stop | None, *, halt_is_end: bool = False) -> int:
    """The exit status, with the reason on stderr; ``halt_is_end`` for a guest that can end only so."""
    if reason is None:
        return 0
    if isinstance(reason, stop.Exited):
        return reason.code & 0xFF
    if isinstance(reason, stop.Interrupted):
        return 130
    if isinstance(reason, stop.Reset):
        _say(f"the guest asked for a restart, by {reason.cause}: --reboot boots it again")
        return RESET_STATUS
    if halt_is_end and isinstance(reason, stop.Halted):
        _say("Linux halted, interrupts off: without ACPI that is its power-off")
        return 0
    from ringscope.commands.running import stop_lines
    from ringscope.local import LocalDebuggee
    from ringscope.session import Session

    for line in stop_lines(Session(LocalDebuggee(guest.machine), guest.symbols), reason):
        _say(line)
    return 0 if isinstance(reason, stop.Arrived) else 1


def _serve(arguments: argparse.Namespace) -> int:
    from ringscope import serve

    serve.check_address(arguments.listen, remote=arguments.allow_remote)
    trace = _trace if arguments.trace else None
    options = {name: getattr(arguments, name) for name in ("go", "view", "observers")}
    return serve.serve(_configuration(arguments), arguments.listen, trace=trace, **options)


def _debug(arguments: argparse.Namespace) -> int:
    from ringscope import debug

    return debug.debug(_configuration(arguments), gdb=arguments.gdb, commands=arguments.ex, view=arguments.view)


def _demo(arguments: argparse.Namespace) -> int:
    from ringscope.demo.main import demo

    return demo(gdb=arguments.gdb, color=False if arguments.no_color else None)


def _repl(arguments: argparse.Namespace) -> int:
    from ringscope.repl import repl

    if arguments.connect is None:
        return repl(_configuration(arguments))
    parse_address(arguments.connect)
    for name in _OF_OUR_MACHINE:
        if getattr(arguments, name):
            raise UsageError(f"--{name.replace('_', '-')} has no place beside --connect: it is of a machine of our own")
    return repl(Configuration(arguments.kernel), connect=arguments.connect)


def _linux(arguments: argparse.Namespace) -> int:
    timeline.check(arguments)
    processors.chosen(arguments)
    setup = timeline.from_snapshot(arguments) if arguments.from_snapshot else _linux_configuration(arguments)
    if arguments.gdb:
        from ringscope import debug

        return debug.debug(setup, view=arguments.view)
    guest, reason = _boot(setup, arguments)
    return settle(_end(guest, reason, halt_is_end=True), guest.lines.failures())


def _linux_configuration(arguments: argparse.Namespace) -> Configuration:
    base = linux.cache(_say)
    packages = linux.cache(_say, arguments.release) if arguments.release else base
    if arguments.update:
        for cache in {base, packages}:
            cache.update()
    initrd = arguments.initrd or linux.make_initrd(base)
    files = linux.fetch(packages, initrd=initrd, symbols=arguments.symbols, package=arguments.package or linux.KERNEL)
    setup = linux.configuration(
        files,
        append=arguments.append,
        memory=arguments.memory or linux.MEMORY,
        entry=arguments.entry,
        serial=_serial(arguments),
        engine=arguments.engine,
    )
    setup = replace(setup, stop_at=arguments.stop_at, processors=processors.chosen(arguments))
    return timeline.instant(setup, arguments) if arguments.instant else setup


def _doctor(_arguments: argparse.Namespace) -> int:
    from ringscope.doctor import examine

    findings = list(examine())
    write_stdout("".join(f"{finding}\n" for finding in findings).encode())
    return 0 if all(finding.good for finding in findings) else 1


def _trace(direction: str, payload: bytes) -> None:
    _say(f"{direction} {payload.decode('latin-1')!r}")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


ACTIONS = {
    "run": _run,
    "serve": _serve,
    "debug": _debug,
    "demo": _demo,
    "repl": _repl,
    "linux": _linux,
    "doctor": _doctor,
}


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status: 2 for a wrong argument, 1 for what failed while it ran."""
    open_standard_streams()
    try:
        try:
            return _run_command(words)
        finally:
            flush_stdout()
    except BrokenPipeError:
        return READER_GONE
    except OutputError as error:
        _say(f"ringscope: {error}")
        return 1


def _run_command(words: Sequence[str] | None) -> int:
    arguments, unknown = parse(sys.argv[1:] if words is None else words)
    if unknown:
        arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        status = ACTIONS[arguments.command](arguments)
    except (AddressError, UsageError) as error:
        _say(f"ringscope: {error}")
        return 2
    except BrokenPipeError:
        raise
    except OSError as error:
        _say(f"ringscope: {f'{error.filename}: {error.strerror}' if error.filename else error}")
        return 1
    except (MachineError, KernelError, PackageError) as error:
        _say(f"ringscope: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())

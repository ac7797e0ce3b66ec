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
from machine.limits import DEFAULT_MEMORY, ENTRY_NAMES
from ringscope import linux, processors, timeline
from ringscope.apt import PackageError
from ringscope.configuration import CPU, RESET_STATUS, VIEWS, Configuration, UsageError
from ringscope.output import READER_GONE, OutputError, flush_stdout, open_standard_streams, settle, write_stdout
from ringscope.parser import Parser, Version, existing_file, memory_size, serial_end, suite
from ringscope.serial.spec import FORMS, STDIO, Spec
from ringscope.strace import options as strace

if TYPE_CHECKING:
    from ringscope.boot import Guest

Watched = Callable[["Guest", argparse.Namespace], AbstractContextManager[None]]
"""What goes on beside a run."""

LISTEN = "127.0.0.1:1234"

_OF_OUR_MACHINE = (
    *("initrd", "busybox", "append", "memory", "entry", "engine", "cpus", "quantum", "serial"),
    *("from_snapshot", "stop_at"),
)

DESCRIPTION = """\
An emulated x86-64 PC, a small Linux-shaped kernel on it, and a GDB server in front.
Stock gdb attaches with `target remote`, breaks on do_syscall_64 or start_thread, steps over
an iretq and watches CS go from 0x10 to 0x33."""

EXAMPLES = """\
examples:
  ringscope demo                        the first user program's birth, watched by gdb
  ringscope debug                       gdb on a machine stopped at its first instruction
  ringscope serve --listen :4321        wait for `gdb -ex 'target remote :4321'`
  ringscope run --append init=/bin/sh   boot, with the serial console on this terminal
  ringscope repl                        look around without gdb
  ringscope linux                       Debian's own kernel, to a shell"""


def _machine_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the machine")
    group.add_argument(
        "--kernel",
        type=existing_file,
        metavar="IMAGE",
        help="Linux bzImage, ELF image (PVH, Multiboot 1, plain); default: ours",
    )
    disk = group.add_mutually_exclusive_group()
    disk.add_argument("--initrd", type=existing_file, metavar="FILE", help="initial RAM disk; default: ours")
    disk.add_argument("--busybox", action="store_true", help="a RAM disk with Debian's busybox, fetched once")
    group.add_argument("--append", default="", metavar="CMDLINE", help="the kernel's command line")
    _size_and_entry(group, DEFAULT_MEMORY)
    timeline.add_options(group)


def _size_and_entry(group: argparse._ArgumentGroup, memory: int) -> None:
    group.add_argument("--memory", type=memory_size, metavar="SIZE", help=f"RAM; default: {memory >> 20}M")
    group.add_argument("--entry", choices=ENTRY_NAMES, help="where a bzImage, ours too, is entered; default: unpacked")
    processors.add_options(group)
    group.add_argument(
        "--serial",
        type=serial_end,
        action="append",
        metavar="END",
        help=f"what the next serial port, COM1 first, is joined to: {FORMS}; default: stdio",
    )


def _reboot_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reboot",
        action="store_true",
        help=f"boot again when the guest asks for a restart; else it ends with status {RESET_STATUS}",
    )


def build_parser() -> Parser:
    """The whole command line."""
    parser = Parser(
        prog="ringscope",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="print the versions of ringscope and Unicorn")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)

    def command(name: str, action: Callable[[argparse.Namespace], int], help_text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help_text, description=help_text + ".", allow_abbrev=False)
        sub.set_defaults(action=action, parser=sub)
        return sub

    run = command("run", _run, "boot, with the serial console on this terminal (Ctrl-A x leaves)")
    _reboot_option(run)
    timeline.add_keeping_options(run)
    strace.add_options(run)
    _machine_options(run)
    server = command("serve", _serve, "boot stopped at the first instruction and wait for gdb")
    server.add_argument(
        "--listen", default=LISTEN, metavar="HOST:PORT|unix:PATH", help="where gdb connects; default: %(default)s"
    )
    server.add_argument(
        "--allow-remote", action="store_true", help="let --listen name an address that other hosts can reach"
    )
    server.add_argument("--go", action="store_true", help="let the machine run until gdb comes")
    server.add_argument("--observers", action="store_true", help="let other gdbs look, and no more, beside the first")
    server.add_argument("--trace", action="store_true", help="print every packet of both directions on stderr")
    _view_option(server)
    _machine_options(server)
    debugger = command("debug", _debug, "an interactive stock gdb, attached, with symbols and helper commands")
    debugger.add_argument("--gdb", default="gdb", metavar="PROGRAM", help="the gdb to start")
    debugger.add_argument(
        "-ex", dest="ex", action="append", default=[], metavar="COMMAND", help="a gdb command to begin with"
    )
    _view_option(debugger)
    _machine_options(debugger)
    demo = command("demo", _demo, "watch the first user program being born, in stock gdb, checked step by step")
    demo.add_argument("--gdb", default="gdb", metavar="PROGRAM", help="the gdb to start")
    demo.add_argument("--no-color", action="store_true", help="plain text")
    repl = command("repl", _repl, "look around and debug without gdb")
    repl.add_argument(
        "--connect",
        metavar="HOST:PORT|unix:PATH",
        help="any GDB stub instead of a machine of our own; --kernel then gives symbols",
    )
    _machine_options(repl)
    _linux_options(command("linux", _linux, "fetch Debian's kernel and busybox, once, and boot them to a shell"))
    command("doctor", _doctor, "say which engine runs here and why, and what is missing")
    return parser


def _view_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--view",
        choices=VIEWS,
        default=CPU,
        help="what gdb's threads are: the machine's processors, or the guest's tasks; default: %(default)s",
    )


def _linux_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--gdb", action="store_true", help="an interactive stock gdb, attached at the first instruction"
    )
    _view_option(parser)
    parser.add_argument(
        "--symbols", action="store_true", help="fetch the kernel's debug information too: several hundred megabytes"
    )
    parser.add_argument(
        "--update", action="store_true", help="take the newest packages: without it those of the first time are kept"
    )
    parser.add_argument(
        "--instant", action="store_true", help="go on from the prompt of an earlier start, or keep one for later"
    )
    parser.add_argument(
        "--release",
        type=suite,
        metavar="SUITE",
        help="a suite of Debian's other than those that apt knows here, for example bookworm-backports",
    )
    parser.add_argument("--package", metavar="NAME", help=f"the kernel's package; default: {linux.KERNEL}")
    _reboot_option(parser)
    timeline.add_keeping_options(parser)
    group = parser.add_argument_group("the machine")
    group.add_argument("--initrd", type=existing_file, metavar="FILE", help="initial RAM disk; default: busybox")
    group.add_argument(
        "--append",
        default="",
        metavar="CMDLINE",
        help=f"goes behind the default command line: {linux.COMMAND_LINE}",
    )
    _size_and_entry(group, linux.MEMORY)
    timeline.add_options(group)


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
    arguments, unknown = build_parser().parse_known_args(words)
    if unknown:
        arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        status: int = arguments.action(arguments)
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

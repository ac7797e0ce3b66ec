"""What may be typed on the command line: the commands and their options. What they do is in `ringscope.cli`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from machine.limits import DEFAULT_MEMORY, ENTRY_NAMES
from ringscope import linux, processors, timeline
from ringscope.configuration import CPU, RESET_STATUS, VIEWS
from ringscope.parser import Parser, Version, existing_file, memory_size, serial_end, suite
from ringscope.serial.spec import FORMS
from ringscope.strace import options as strace

LISTEN = "127.0.0.1:1234"

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


def build_parser() -> Parser:
    """The whole command line; what it understands has the command's name as ``command``, its parser as ``parser``."""
    parser = Parser(
        prog="ringscope",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="print the versions of ringscope and Unicorn")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for name, (text, add_options) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text + ".", allow_abbrev=False)
        command.set_defaults(command=name, parser=command)
        add_options(command)
    return parser


def parse(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """What was typed, and what of it no option takes. Exits with status 2 for what cannot be understood."""
    parser = build_parser()
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        parser.error(f"no command {words[0]!r}, {_hint(words[0])}")
    return parser.parse_known_args(words)


def _hint(word: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, COMMANDS, 1)
    return f"but there is {close[0]}" if close else f"there are {', '.join(COMMANDS)}"


def _run_options(parser: argparse.ArgumentParser) -> None:
    _reboot_option(parser)
    timeline.add_keeping_options(parser)
    strace.add_options(parser)
    _machine_options(parser)


def _serve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen",
        default=LISTEN,
        metavar="HOST:PORT|unix:PATH",
        help="where gdb connects; default: %(default)s",
    )
    parser.add_argument(
        "--allow-remote", action="store_true", help="let --listen name an address that other hosts can reach"
    )
    parser.add_argument("--go", action="store_true", help="let the machine run until gdb comes")
    parser.add_argument("--observers", action="store_true", help="let other gdbs look, and no more, beside the first")
    parser.add_argument("--trace", action="store_true", help="print every packet of both directions on stderr")
    _view_option(parser)
    _machine_options(parser)


def _debug_options(parser: argparse.ArgumentParser) -> None:
    _gdb_option(parser)
    parser.add_argument(
        "-ex", dest="ex", action="append", default=[], metavar="COMMAND", help="a gdb command to begin with"
    )
    _view_option(parser)
    _machine_options(parser)


def _demo_options(parser: argparse.ArgumentParser) -> None:
    _gdb_option(parser)
    parser.add_argument("--no-color", action="store_true", help="plain text")


def _repl_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--connect",
        metavar="HOST:PORT|unix:PATH",
        help="any GDB stub instead of a machine of our own; --kernel then gives symbols",
    )
    _machine_options(parser)


def _no_options(parser: argparse.ArgumentParser) -> None:
    """The doctor looks at everything."""


def _gdb_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gdb", default="gdb", metavar="PROGRAM", help="the gdb to start; default: %(default)s")


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


COMMANDS = {
    "run": ("boot, with the serial console on this terminal (Ctrl-A x leaves)", _run_options),
    "serve": ("boot stopped at the first instruction and wait for gdb", _serve_options),
    "debug": ("an interactive stock gdb, attached, with symbols and helper commands", _debug_options),
    "demo": ("watch the first user program being born, in stock gdb, checked step by step", _demo_options),
    "repl": ("look around and debug without gdb", _repl_options),
    "linux": ("fetch Debian's kernel and busybox, once, and boot them to a shell", _linux_options),
    "doctor": ("say which engine runs here and why, and what is missing", _no_options),
}
"""What each is for, and what adds its options."""

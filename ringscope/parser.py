"""Values on the command line: sizes, files, names, ends of serial ports; what is wrong with one is one sentence."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, NoReturn

from gdbstub.address import AddressError
from machine.limits import MAXIMUM, MINIMUM, PAGE
from ringscope.output import write_stdout
from ringscope.serial.spec import Spec, parse

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def memory_size(text: str) -> int:
    """A size such as 64M or 1G in bytes.  Raises argparse.ArgumentTypeError naming what is wrong with it."""
    number, unit = text.rstrip("KMGkmg"), text.lstrip("0123456789").upper()
    if not number.isascii() or not number.isdigit() or unit not in _UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: use bytes or K, M, G, as in 64M")
    size = int(number) * _UNITS[unit]
    if size % PAGE or not MINIMUM <= size <= MAXIMUM:
        raise argparse.ArgumentTypeError(f"{text} is not a multiple of 4K from 1M to 3G")
    return size


def suite(text: str) -> str:
    """The name of a suite of Debian's."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a suite; bookworm-backports is one")
    return text


def existing_file(text: str) -> Path:
    """A path of a readable file.  Raises argparse.ArgumentTypeError naming it."""
    path = Path(text)
    try:
        if path.exists() and not path.is_file():
            raise argparse.ArgumentTypeError(f"{text!r} is {'a directory' if path.is_dir() else 'no file'}")
        with path.open("rb"):
            return path
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise argparse.ArgumentTypeError(f"cannot read {text!r}: {reason}") from None


def output_file(text: str) -> Path:
    """A path that can be a file's, whether there is one or not.  Raises argparse.ArgumentTypeError naming it."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a directory")
    return path


def regular_file(text: str) -> Path:
    """As `output_file`, for a file that is replaced: a device or a FIFO is not.  Raises argparse.ArgumentTypeError."""
    path = output_file(text)
    if path.exists() and not path.is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is no regular file")
    return path


def serial_end(text: str) -> Spec:
    """What a serial port is joined to.  Raises argparse.ArgumentTypeError naming what is wrong with it."""
    try:
        return parse(text)
    except AddressError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


class Parser(argparse.ArgumentParser):
    """Says one sentence about a wrong argument, without the usage, and exits with status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")

    def print_help(self, file: Any = None) -> None:
        """argparse would say nothing of what cannot be written."""
        if file is None:
            write_stdout(self.format_help().encode())
        else:
            super().print_help(file)


class Version(argparse.Action):
    """Prints the versions of this program and of the processor's engine, and leaves."""

    def __call__(self, parser: argparse.ArgumentParser, *_rest: object) -> NoReturn:
        from importlib.metadata import version

        write_stdout(f"ringscope {version('ringscope')}, Unicorn {version('unicorn')}\n".encode())
        parser.exit()

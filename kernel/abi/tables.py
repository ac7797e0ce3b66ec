"""Read `layout.tbl` and `syscalls.tbl`. Knows the tables' form, nothing of C or of the kernel."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from kernel.errors import AbiError

HERE = Path(__file__).parent


class Constant(NamedTuple):
    """One layout constant: its C name, value, the value as the table writes it, meaning, and section."""

    name: str
    value: int
    text: str
    meaning: str
    section: str


class Parameter(NamedTuple):
    """One parameter of a system call: its C type, without `__user`, and its name."""

    type: str
    name: str


class Syscall(NamedTuple):
    """One system call: its numbers (None where a table lacks it) and its parameters, as in C."""

    name: str
    x86_64: int | None
    i386: int | None
    prototype: str

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters in order; empty for `void`."""
        if self.prototype == "void":
            return ()
        return tuple(_parameter(text) for text in self.prototype.split(","))


def _parameter(text: str) -> Parameter:
    match = re.fullmatch(r"(?P<type>.*?)(?P<name>\w+)", " ".join(text.replace("__user", "").split()))
    if match is None or not match["type"]:
        raise AbiError(f"not a C parameter: {text!r}")
    return Parameter(match["type"].strip(), match["name"])


def _rows(path: Path) -> list[tuple[str, str]]:
    """(where, line) of each line that says something."""
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return [(f"{path.name}:{number}", line) for number, line in lines if line.strip() and line[0] != "#"]


def parse_constants(path: Path) -> tuple[Constant, ...]:
    """The rows of a layout table. AbiError names the row that cannot be read."""
    section, found = "", list[Constant]()
    for where, line in _rows(path):
        if line.startswith("["):
            section = line.strip("[]")
            continue
        match line.split(None, 2):
            case [name, value, meaning]:
                found.append(Constant(name, _integer(value, where), value, meaning, section))
            case _:
                raise AbiError(f"{where}: want NAME VALUE MEANING, got {line!r}")
    _no_duplicates(path, [constant.name for constant in found])
    return tuple(found)


def parse_syscalls(path: Path) -> tuple[Syscall, ...]:
    """The rows of a system-call table. AbiError names the row or number that cannot be used."""
    found = []
    for where, line in _rows(path):
        match line.split(None, 3):
            case [name, x86_64, i386, prototype]:
                numbers = [None if text == "-" else _integer(text, where) for text in (x86_64, i386)]
                found.append(Syscall(name, numbers[0], numbers[1], prototype))
            case _:
                raise AbiError(f"{where}: want NAME X86-64 I386 PARAMETERS, got {line!r}")
    _no_duplicates(path, [call.name for call in found])
    for column in ("x86_64", "i386"):
        numbers = [getattr(call, column) for call in found]
        _no_duplicates(path, [f"{column} {number}" for number in numbers if number is not None])
    return tuple(found)


class LinuxCall(NamedTuple):
    """A system call of Linux's: its name, and whether programs ask for it just to see if it is there."""

    name: str
    probed: bool


def parse_names(path: Path) -> dict[int, LinuxCall]:
    """The rows of a table of numbers and names. AbiError names the row that cannot be read."""
    found: dict[int, LinuxCall] = {}
    for where, line in _rows(path):
        match line.split():
            case [number, name, *rest] if rest in ([], ["probed"]):
                found[_integer(number, where)] = LinuxCall(name, bool(rest))
            case _:
                raise AbiError(f"{where}: want NUMBER NAME [probed], got {line!r}")
    _no_duplicates(path, [call.name for call in found.values()])
    return found


def _integer(text: str, where: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise AbiError(f"{where}: not a number: {text!r}") from None


def _no_duplicates(path: Path, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise AbiError(f"{path.name}: more than one row for {', '.join(twice)}")


@cache
def constants() -> tuple[Constant, ...]:
    """The guest's layout constants, in the table's order."""
    return parse_constants(HERE / "layout.tbl")


@cache
def syscalls() -> tuple[Syscall, ...]:
    """The guest's system calls, in the table's order."""
    return parse_syscalls(HERE / "syscalls.tbl")


@cache
def linux_names() -> dict[int, str]:
    """Every x86-64 system call of Linux, by number: the guest's and those it lacks."""
    return {number: call.name for number, call in parse_names(HERE / "names.tbl").items()}


def probed_calls() -> frozenset[int]:
    """The numbers of those that programs try, and go on without."""
    return frozenset(number for number, call in parse_names(HERE / "names.tbl").items() if call.probed)


@cache
def constant(name: str) -> int:
    """The value of one layout constant. AbiError if the table has no such name."""
    for row in constants():
        if row.name == name:
            return row.value
    raise AbiError(f"layout.tbl has no constant {name!r}")

"""What a target says of itself and of what runs in it: plain values (gdb manual, the annexes of qXfer)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class ThreadInfo:
    """A thread as a list shows it: ``core`` is the processor it is on, ``details`` any text, ``process`` its process
    where those are told apart."""

    id: int
    name: str = ""
    core: int | None = None
    details: str = ""
    process: int | None = None


@dataclass(frozen=True, slots=True)
class MemoryRegion:
    """A range of memory: ``kind`` is ram, rom or flash; flash has a ``block_length`` in bytes."""

    kind: str
    start: int
    length: int
    block_length: int | None = None


@dataclass(frozen=True, slots=True)
class OsTable:
    """A table that ``info os NAME`` shows: its name, a title of some words, and what it lists, in a sentence."""

    name: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class OsRows:
    """What a table holds now: titles, and rows of as many cells."""

    columns: Sequence[str]
    rows: Iterable[Sequence[str]]


@dataclass(frozen=True, slots=True)
class HostInfo:
    """The processor as LLVM names it: ``triple``, bytes of a pointer, and the operating system or ``unknown``."""

    triple: str
    pointer_length: int
    system: str = "unknown"


@dataclass(frozen=True, slots=True)
class Region:
    """A range of addresses that are mapped alike; ``permissions`` are some of ``rwx``, none where nothing is mapped."""

    start: int
    length: int
    permissions: str


@dataclass(frozen=True, slots=True)
class Offsets:
    """How far the running program's sections lie from where it was linked; or where its ``segments`` are.

    Without an address of the data segment (0) all segments move as the first one does.
    """

    text: int
    data: int
    segments: bool = False


class BranchBlock(NamedTuple):
    """Code that ran without a branch: the addresses of its first and of its last instruction."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Program:
    """A program to start: its path in the target's system, its arguments, and variables beside those all programs
    get."""

    path: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

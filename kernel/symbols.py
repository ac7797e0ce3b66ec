"""Symbols and structure layouts of an ELF file, from its symbol table and its DWARF. Plain values, no target."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from struct import error as StructError
from typing import NamedTuple

from elftools.common.exceptions import DWARFError, ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from kernel.errors import SymbolsError
from kernel.structures import Member, Structures

KINDS = {"STT_FUNC": "function", "STT_OBJECT": "object", "STT_NOTYPE": "label"}

WELL_INFORMED = ("__switch_to", "copy_thread", "do_exit", "vfs_read", "d_path", "mas_walk", "get_signal", "xas_load")
"""Functions of Linux whose sources know the structures of tasks, memory and files."""

# What pyelftools raises on a file that is not what it claims to be: its own errors, and those of the
# containers it looks wild values up in.
BROKEN_FILE = (
    ELFError,
    DWARFError,
    ConstructError,
    StructError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


class Symbol(NamedTuple):
    """A name in the file: its linear address, size in bytes (0 if unknown), and kind."""

    name: str
    address: int
    size: int
    kind: str
    """`function`, `object` or `label`."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what a broken file makes the parser raise into one error that names the file."""
    try:
        yield
    except OSError as error:
        raise SymbolsError(f"{path}: {error.strerror or error}") from error
    except BROKEN_FILE as error:
        raise SymbolsError(f"{path}: broken ELF or DWARF: {error or type(error).__name__}") from error


class Symbols:
    """The symbols of one ELF file, by name and by address; iterating gives them by address."""

    def __init__(self, path: Path, symbols: list[Symbol]) -> None:
        """Symbols already read; `load` is the usual way."""
        self.path = path
        self._by_address = sorted(symbols, key=_address_order)
        self._addresses = [symbol.address for symbol in self._by_address]
        self._by_name = {symbol.name: symbol for symbol in reversed(self._by_address)}

    @classmethod
    def load(cls, path: Path) -> Symbols:
        """Read the symbol table. SymbolsError names the file and what is wrong with it."""
        with reading(path), path.open("rb") as stream:
            return cls(path, list(_symbols_of(ELFFile(stream))))

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self._by_address)

    def __len__(self) -> int:
        return len(self._by_address)

    def lookup(self, name: str) -> Symbol | None:
        """The symbol of that name, the one at the lowest address if there are several; None if there is none."""
        return self._by_name.get(name)

    def nearest(self, address: int) -> tuple[Symbol, int] | None:
        """The symbol that an address belongs to, and the offset into it in bytes; None if it belongs to none.

        A function or object whose size covers the address wins over a label inside it. A label, or a symbol
        without a size, reaches to the next symbol.
        """
        index = bisect_right(self._addresses, address)
        closest = self._by_address[index - 1] if index else None
        for symbol in reversed(self._by_address[:index]):
            if symbol.address <= address < symbol.address + symbol.size:
                return symbol, address - symbol.address
            if symbol.size:
                break
        if closest is None or closest.size or index == len(self._by_address):
            return None
        return closest, address - closest.address

    def offset_of(self, structure: str, member: str) -> int:
        """Offset in bytes of a member, like C's offsetof: `offset_of("struct task_struct", "thread.sp")`.

        SymbolsError if the file's debug information has no such structure or member, or it is a bit-field.
        """
        return self.member(structure, member).offset

    def size_of(self, structure: str) -> int:
        """Size in bytes of a structure or union. SymbolsError as in `offset_of`."""
        with reading(self.path):
            return self._structures.size_of(structure)

    def member(self, structure: str, path: str) -> Member:
        """A member of a structure, the path's dots followed into those that are structures. SymbolsError."""
        with reading(self.path):
            return self._structures.member(structure, path)

    @cached_property
    def _structures(self) -> Structures:
        return Structures(self.path, [self._by_name[name].address for name in WELL_INFORMED if name in self._by_name])


def _address_order(symbol: Symbol) -> tuple[int, bool, str]:
    """By address; at one address labels first, so that walking back meets functions and objects before them."""
    return symbol.address, symbol.size > 0, symbol.name


def _symbols_of(elf: ELFFile) -> Iterator[Symbol]:
    """The defined functions, objects and labels of all symbol tables, each once."""
    seen = set()
    for section in elf.iter_sections():
        if not isinstance(section, SymbolTableSection):
            continue
        for entry in section.iter_symbols():
            kind = KINDS.get(entry["st_info"]["type"])
            if kind is None or not entry.name or entry["st_shndx"] in ("SHN_UNDEF", "SHN_ABS"):
                continue
            symbol = Symbol(entry.name, entry["st_value"], entry["st_size"], kind)
            if symbol not in seen:
                seen.add(symbol)
                yield symbol

"""A user program as its ELF file describes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from kernel.errors import SymbolsError
from kernel.symbols import Symbols, reading


@dataclass(frozen=True)
class Program:
    """A static program; ``entry`` is a linear address."""

    path: Path
    entry: int
    entry_symbol: str
    first_word: int
    """The eight bytes at the entry, as a little-endian number."""
    rights: str
    """Of the segment that holds the entry: `r-x` and the like."""

    @classmethod
    def load(cls, path: Path) -> Program:
        """Read the headers.  Raises `SymbolsError` naming the file if the entry lies in no segment or has no name."""
        with reading(path), path.open("rb") as stream:
            elf = ELFFile(stream)
            entry = int(elf.header["e_entry"])
            for segment in elf.iter_segments("PT_LOAD"):
                offset = entry - segment["p_vaddr"]
                if 0 <= offset < segment["p_filesz"]:
                    word = int.from_bytes(segment.data()[offset : offset + 8], "little")
                    return cls(path, entry, _name_at(path, entry), word, _rights(segment["p_flags"]))
        raise SymbolsError(f"{path}: no segment holds the entry {entry:#x}")


def _rights(flags: int) -> str:
    return "".join(letter if flags & bit else "-" for letter, bit in zip("rwx", (4, 2, 1), strict=True))


def _name_at(path: Path, address: int) -> str:
    found = Symbols.load(path).nearest(address)
    if found is None:
        raise SymbolsError(f"{path}: no symbol at {address:#x}")
    return found[0].name

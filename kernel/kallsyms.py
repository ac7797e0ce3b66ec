"""The table of symbols that the kernel carries of itself, in the format of Linux's scripts/kallsyms.c.

Names are compressed: the bytes that no name has stand for the strings that occur most often, pair by pair. The first
character of each name is nm's letter for its kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section, Symbol, SymbolTableSection

from kernel.abi.tables import constant
from kernel.errors import BuildError

TOKENS = 256
LONGEST = 127
"""Tokens of a name: more would need two bytes for their number."""

MARKER_EVERY = 256
"""Names between two places that a search may begin at."""


class Row(NamedTuple):
    """A symbol: its address, and its name behind nm's letter."""

    address: int
    name: str


def read(vmlinux: Path) -> list[Row]:
    """The symbols of a linked kernel by address; labels of the code that runs at low addresses are left out."""
    with vmlinux.open("rb") as stream:
        elf = ELFFile(stream)
        table = elf.get_section_by_name(".symtab")
        if not isinstance(table, SymbolTableSection):
            raise BuildError(f"{vmlinux} has no symbol table")
        rows = [Row(entry["st_value"], letter + entry.name) for entry, letter in _named(elf, table)]
    first = constant("KERNEL_TEXT")
    return sorted((row for row in rows if row.address >= first), key=_order)


def _order(row: Row) -> tuple[int, bool, int, str]:
    """Of several names at an address the first is told: a function's rather than one of the linker script's."""
    name = row.name[1:]
    by_linker = name.startswith(("__start_", "__stop_")) or name.endswith(("_start", "_end"))
    return row.address, by_linker, len(name) - len(name.lstrip("_")), row.name


def _named(elf: ELFFile, table: SymbolTableSection) -> Iterator[tuple[Symbol, str]]:
    for entry in table.iter_symbols():
        index = entry["st_shndx"]
        if isinstance(index, int) and entry.name and entry["st_info"]["type"] not in ("STT_FILE", "STT_SECTION"):
            letter = _letter(elf.get_section(index))
            yield entry, letter.upper() if entry["st_info"]["bind"] == "STB_GLOBAL" else letter


def _letter(section: Section) -> str:
    """As nm(1) has it."""
    flags = section["sh_flags"]
    if flags & SH_FLAGS.SHF_EXECINSTR:
        return "t"
    if section["sh_type"] == "SHT_NOBITS":
        return "b"
    return "d" if flags & SH_FLAGS.SHF_WRITE else "r"


def compress(names: Sequence[str]) -> tuple[list[str], list[list[int]]]:
    """Tokens, the string of each byte, and the names as tokens."""
    coded = [list(name.encode("ascii")) for name in names]
    used = {byte for name in coded for byte in name}
    tokens = {byte: chr(byte) for byte in used}
    for token in sorted(set(range(TOKENS)) - used):
        pairs = Counter(pair for name in coded for pair in pairwise(name))
        if not pairs:
            break
        best, count = min(pairs.items(), key=lambda item: (-item[1], item[0]))
        if count < 2:
            break
        tokens[token] = tokens[best[0]] + tokens[best[1]]
        coded = [_replace(name, best, token) for name in coded]
    return [tokens.get(byte, "") for byte in range(TOKENS)], coded


def _replace(name: list[int], pair: tuple[int, int], token: int) -> list[int]:
    if pair[0] not in name:
        return name
    result: list[int] = []
    for byte in name:
        if result and (result[-1], byte) == pair:
            result[-1] = token
        else:
            result.append(byte)
    return result


def assembly(rows: Sequence[Row]) -> str:
    """The table as a source file; of no rows, what a first link is made with."""
    tokens, names = compress([row.name for row in rows])
    too_long = [row.name for row, name in zip(rows, names, strict=True) if len(name) > LONGEST]
    if too_long:
        raise BuildError(f"{too_long[0][1:]} is too long a name for kallsyms")
    return "".join(f"{line}\n" for line in _lines(rows, names, tokens))


def _lines(rows: Sequence[Row], names: Sequence[Sequence[int]], tokens: Sequence[str]) -> Iterator[str]:
    base = constant("KERNEL_TEXT")
    yield '\t.section .rodata, "a"'
    yield from _label("kallsyms_offsets", (f".long {row.address - base:#x}" for row in rows))
    yield from _label("kallsyms_relative_base", [f".quad {base:#x}"])
    yield from _label("kallsyms_num_syms", [f".long {len(rows)}"])
    yield from _label("kallsyms_names", (f".byte {', '.join(map(str, [len(name), *name]))}" for name in names))
    yield from _label("kallsyms_markers", (f".long {offset}" for offset in _markers(names)))
    yield from _label("kallsyms_token_table", (f'.asciz "{token}"' for token in tokens))
    yield from _label("kallsyms_token_index", (f".short {offset}" for offset in _starts(tokens)))


def _label(name: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"\t.globl {name}\n\t.balign 8\n{name}:"
    yield from (f"\t{line}" for line in lines)


def _markers(names: Sequence[Sequence[int]]) -> Iterator[int]:
    offset = 0
    for number, name in enumerate(names):
        if number % MARKER_EVERY == 0:
            yield offset
        offset += 1 + len(name)


def _starts(tokens: Sequence[str]) -> Iterator[int]:
    offset = 0
    for token in tokens:
        yield offset
        offset += len(token) + 1

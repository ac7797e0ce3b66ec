"""The structures that an ELF file's DWARF describes: where their members lie. A big file is read only where needed."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from elftools.elf.elffile import ELFFile

from kernel.errors import SymbolsError

STRUCTURE_TAGS = {
    "DW_TAG_structure_type": "struct",
    "DW_TAG_union_type": "union",
}
TRANSPARENT_TAGS = {"DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type"}
POINTER_BYTES = 8

MOST_SCANNED = 4 << 20
"""Bytes of debug information that are read in search of a structure; of a Linux kernel's hundred million, the units
that were named first have it."""


class Member(NamedTuple):
    """A member of a structure: where it begins, its bytes, and the structure that it is or points to, or nothing."""

    offset: int
    length: int
    structure: str


class Structures:
    """The structures of one file. Its units are read one by one, those that hold ``first`` before all others."""

    def __init__(self, path: Path, first: Sequence[int] = ()) -> None:
        """``first`` are addresses of functions whose sources know what will be asked for."""
        self._path = path
        self._first = first
        self._found: dict[tuple[str, str], Any] = {}

    def member(self, structure: str, path: str) -> Member:
        """A member, the path's dots followed into members that are structures themselves. Raises SymbolsError."""
        die, offset = self._find(structure), 0
        for name in path.split("."):
            found = _find_member(die, name)
            if found is None:
                raise SymbolsError(f"{self._path}: {structure} has no member {path!r}")
            offset, die = offset + found[0], found[1]
        return Member(offset, _length(die), _name_of_structure(die))

    def size_of(self, structure: str) -> int:
        """Bytes of a structure or union. Raises SymbolsError."""
        return _length(self._find(structure))

    def _find(self, structure: str) -> Any:
        keyword, _, name = structure.rpartition(" ")
        key = (keyword or "struct", name)
        while key not in self._found:
            unit = next(self._units, None)
            if unit is None:
                raise SymbolsError(f"{self._path}: the debug information has no {structure!r}")
            for die in unit.iter_DIEs():
                if die.tag in STRUCTURE_TAGS and "DW_AT_declaration" not in die.attributes:
                    self._remember(die)
        return self._found[key]

    def _remember(self, die: Any) -> None:
        name = die.attributes.get("DW_AT_name")
        if name is not None:
            self._found.setdefault((STRUCTURE_TAGS[die.tag], name.value.decode()), die)

    @cached_property
    def _units(self) -> Iterator[Any]:
        with self._path.open("rb") as stream:
            elf = ELFFile(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        if not elf.has_dwarf_info():
            raise SymbolsError(f"{self._path} has no debug information")
        # A kernel linked with its relocations kept has them applied already, and millions of them.
        kept = elf["e_type"] != "ET_REL"
        return self._in_order(elf.get_dwarf_info(relocate_dwarf_sections=not kept))

    def _in_order(self, dwarf: Any) -> Iterator[Any]:
        table = dwarf.get_aranges()
        offsets = [table.cu_offset_at_addr(address) for address in self._first] if table is not None else []
        known = {offset for offset in offsets if offset is not None}
        yield from (dwarf.get_CU_at(offset) for offset in dict.fromkeys(offsets) if offset is not None)
        scanned = 0
        for unit in dwarf.iter_CUs():
            if unit.cu_offset not in known:
                scanned += unit.size
                if scanned > MOST_SCANNED:
                    return
                yield unit


def _find_member(die: Any, name: str) -> tuple[int, Any] | None:
    """Offset and type of a direct member, or of one inside an anonymous structure or union."""
    for child in die.iter_children():
        if child.tag != "DW_TAG_member":
            continue
        offset = _member_offset(child, name)
        member = child.attributes.get("DW_AT_name")
        if member is not None and member.value.decode() == name:
            return offset, _type_of(child)
        inner = None if member is not None else _find_member(_type_of(child), name)
        if inner is not None:
            return offset + inner[0], inner[1]
    return None


def _member_offset(die: Any, name: str) -> int:
    """Bytes from the start of the structure; 0 in a union."""
    member = die.attributes.get("DW_AT_name")
    if "DW_AT_data_bit_offset" in die.attributes and member is not None and member.value.decode() == name:
        raise SymbolsError(f"member {name!r} is a bit-field and has no offset in bytes")
    location = die.attributes.get("DW_AT_data_member_location")
    return int(location.value) if location is not None else 0


def _type_of(die: Any) -> Any:
    """The type of a DIE, with typedefs and qualifiers taken off."""
    target = die.get_DIE_from_attribute("DW_AT_type")
    while target.tag in TRANSPARENT_TAGS and "DW_AT_type" in target.attributes:
        target = target.get_DIE_from_attribute("DW_AT_type")
    return target


def _length(die: Any) -> int:
    """Bytes of a type; 0 where only the program knows."""
    if die.tag == "DW_TAG_pointer_type":
        return POINTER_BYTES
    if die.tag == "DW_TAG_array_type":
        return _length(_type_of(die)) * _elements(die)
    size = die.attributes.get("DW_AT_byte_size")
    return int(size.value) if size is not None else 0


def _elements(die: Any) -> int:
    """Elements of an array, all dimensions together."""
    count = 1
    for child in die.iter_children():
        if child.tag == "DW_TAG_subrange_type":
            bound, elements = child.attributes.get("DW_AT_upper_bound"), child.attributes.get("DW_AT_count")
            count *= int(elements.value) if elements else int(bound.value) + 1 if bound else 0
    return count


def _name_of_structure(die: Any) -> str:
    """``struct X`` for that structure, a pointer to it or an array of either, else nothing."""
    while die.tag in ("DW_TAG_pointer_type", "DW_TAG_array_type") and "DW_AT_type" in die.attributes:
        die = _type_of(die)
    name = die.attributes.get("DW_AT_name")
    return f"{STRUCTURE_TAGS[die.tag]} {name.value.decode()}" if die.tag in STRUCTURE_TAGS and name else ""

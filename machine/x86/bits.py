"""Layouts: a table of bit columns that decodes, builds and prints a word; the same for structures of bytes.

A table's row is the manual's line: name, low bit, high bit, meaning, and for an enumeration its values.
A name that stands in two rows is one split field, whose later row holds the higher bits (a descriptor's
base and limit). Bits in no row are reserved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

Values = Mapping[int, str]
Row = tuple[str, int, int, str] | tuple[str, int, int, str, Values]


class Piece(NamedTuple):
    """One run of bits of a field: its place in the word, and where it goes in the field's value."""

    low: int
    high: int
    shift: int

    @property
    def ones(self) -> int:
        """As many ones as the piece has bits."""
        return (1 << (self.high - self.low + 1)) - 1


class FieldRow(NamedTuple):
    """A field of one word, ready for a table: bits as `high:low`, the value and the value's text."""

    name: str
    bits: str
    value: int
    text: str
    meaning: str


class Field:
    """A named run of bits (or several, low bits first) in a word."""

    __slots__ = ("mask", "maximum", "meaning", "name", "pieces", "values", "width")

    def __init__(self, name: str, pieces: Iterable[tuple[int, int]], meaning: str, values: Values | None):
        self.name = name
        self.meaning = meaning
        self.values = values
        self.width = 0
        self.mask = 0
        found = []
        for low, high in pieces:
            piece = Piece(low, high, self.width)
            self.width += high - low + 1
            self.mask |= piece.ones << low
            found.append(piece)
        self.pieces = tuple(found)
        self.maximum = (1 << self.width) - 1

    def __repr__(self) -> str:
        return f"Field({self.name!r}, {self.bits})"

    @property
    def low(self) -> int:
        """The lowest bit of the field's first piece."""
        return self.pieces[0].low

    @property
    def is_flag(self) -> bool:
        """One bit, and not an enumeration of two names."""
        return self.width == 1 and self.values is None

    @property
    def bits(self) -> str:
        """The bits as the manual writes them: `63`, `51:12`, or `63:56,39:16` for a split field."""
        spans = (f"{p.high}:{p.low}" if p.high > p.low else f"{p.low}" for p in reversed(self.pieces))
        return ",".join(spans)

    def get(self, word: int) -> int:
        """This field's value in `word`."""
        value = 0
        for low, high, shift in self.pieces:
            value |= (word >> low & (1 << (high - low + 1)) - 1) << shift
        return value

    def put(self, word: int, value: int) -> int:
        """`word` with this field set to `value`; ValueError if it does not fit."""
        if not 0 <= value <= self.maximum:
            raise ValueError(f"{self.name}: {value:#x} does not fit in {self.width} bits")
        word &= ~self.mask
        for piece in self.pieces:
            word |= (value >> piece.shift & piece.ones) << piece.low
        return word

    def text(self, value: int) -> str:
        """A value of this field as people write it: the name of an enumeration's value, else a number."""
        if self.values is not None and value in self.values:
            return self.values[value]
        return str(value) if self.width <= 3 else f"{value:#x}"


class Layout:
    """The bit columns of one register or structure of up to `width` bits.

    `fixed` holds the bits that always read as one. Raises ValueError if rows overlap or leave the width.
    """

    __slots__ = ("_by_name", "_pieces", "fields", "fixed", "name", "reserved", "width")

    def __init__(self, name: str, width: int, *rows: Row, fixed: int = 0):
        self.name = name
        self.width = width
        self.fixed = fixed
        self.fields = tuple(_fields(name, width, rows))
        self._by_name = {field.name: field for field in self.fields}
        self._pieces = tuple(tuple((p.low, p.ones, p.shift) for p in field.pieces) for field in self.fields)
        used = fixed
        for field in self.fields:
            used |= field.mask
        self.reserved = (1 << width) - 1 & ~used

    def __repr__(self) -> str:
        return f"Layout({self.name!r}, {self.width} bits)"

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Field:
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(f"{self.name} has no field {name!r}") from None

    def mask(self, *names: str) -> int:
        """The bits of the named fields."""
        word = 0
        for name in names:
            word |= self[name].mask
        return word

    def get(self, word: int, name: str) -> int:
        """One field's value in `word`."""
        return self[name].get(word)

    def values(self, word: int) -> list[int]:
        """All fields' values in the table's order (what NamedTuple._make takes)."""
        found = []
        for pieces in self._pieces:
            value = 0
            for low, ones, shift in pieces:
                value |= (word >> low & ones) << shift
            found.append(value)
        return found

    def decode(self, word: int) -> dict[str, int]:
        """All fields of `word` by name."""
        return dict(zip(self._by_name, self.values(word), strict=True))

    def build(self, **fields: int) -> int:
        """The word with these fields, others zero; KeyError or ValueError if one is unknown or too large."""
        return self.replace(self.fixed, **fields)

    def replace(self, word: int, **fields: int) -> int:
        """`word` with these fields changed; KeyError or ValueError if one is unknown or too large."""
        for name, value in fields.items():
            word = self[name].put(word, value)
        return word

    def reserved_bits(self, word: int) -> int:
        """The bits set in `word` that no field holds."""
        return word & self.reserved

    def format(self, word: int, *, skip: Iterable[str] = ()) -> str:
        """Set flags by name, other fields that are not zero as `name=value`: `CF IF IOPL=3`."""
        skipped = frozenset(skip)
        words = (_word(field, field.get(word)) for field in self.fields if field.name not in skipped)
        return " ".join(filter(None, words))

    def rows(self, word: int) -> Iterator[FieldRow]:
        """Every field of `word` as a table's row, in the table's order."""
        for field in self.fields:
            value = field.get(word)
            yield FieldRow(field.name, field.bits, value, field.text(value), field.meaning)


class Member(NamedTuple):
    """A member of a structure: little-endian unsigned, `offset` and `size` in bytes."""

    name: str
    offset: int
    size: int
    meaning: str

    def get(self, data: bytes) -> int:
        """This member's value in the structure's bytes."""
        return int.from_bytes(data[self.offset : self.offset + self.size], "little")


class Structure:
    """A structure in memory as a table of members (name, offset, size, meaning), `size` in bytes."""

    __slots__ = ("_by_name", "members", "name", "size")

    def __init__(self, name: str, size: int, *rows: tuple[str, int, int, str]):
        self.name = name
        self.size = size
        self.members = tuple(Member(*row) for row in rows)
        self._by_name = {member.name: member for member in self.members}
        _check_members(self)

    def __repr__(self) -> str:
        return f"Structure({self.name!r}, {self.size} bytes)"

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members)

    def __getitem__(self, name: str) -> Member:
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(f"{self.name} has no member {name!r}") from None

    def decode(self, data: bytes) -> dict[str, int]:
        """All members by name; ValueError if `data` is shorter than the structure."""
        if len(data) < self.size:
            raise ValueError(f"{self.name}: {len(data)} bytes of {self.size}")
        return {member.name: member.get(data) for member in self.members}

    def build(self, **members: int) -> bytes:
        """The structure's bytes with these members, others zero; errors as in Layout.build."""
        data = bytearray(self.size)
        for name, value in members.items():
            member = self[name]
            if not 0 <= value < 1 << 8 * member.size:
                raise ValueError(f"{name}: {value:#x} does not fit in {member.size} bytes")
            data[member.offset : member.offset + member.size] = value.to_bytes(member.size, "little")
        return bytes(data)


def flag_fields(layout: Layout) -> list[tuple[str, int, int]]:
    """A layout as the fields of a target description's flags type: (name, low bit, high bit), in order.

    A split field gives one entry a piece, numbered from 0 (gdb manual, "Target Description Format").
    """
    found = []
    for field in layout.fields:
        for number, piece in enumerate(field.pieces):
            name = field.name if len(field.pieces) == 1 else f"{field.name}{number}"
            found.append((name, piece.low, piece.high))
    return sorted(found, key=lambda entry: entry[1])


def sign_extend(value: int, bits: int) -> int:
    """The low `bits` bits of `value`, sign-extended to 64 bits, as an unsigned number."""
    value &= (1 << bits) - 1
    return value | (1 << 64) - (1 << bits) if value >> (bits - 1) else value


def _fields(layout: str, width: int, rows: Iterable[Row]) -> Iterator[Field]:
    pieces: dict[str, list[tuple[int, int]]] = {}
    meanings: dict[str, tuple[str, Values | None]] = {}
    used = 0
    for name, low, high, meaning, *values in rows:
        bits = (1 << high + 1) - (1 << low) if 0 <= low <= high < width else 0
        if not bits or used & bits:
            raise ValueError(f"{layout}.{name}: bits {high}:{low} overlap or leave {width} bits")
        used |= bits
        pieces.setdefault(name, []).append((low, high))
        meanings.setdefault(name, (meaning, values[0] if values else None))
    for name, (meaning, names) in meanings.items():
        yield Field(name, pieces[name], meaning, names)


def _word(field: Field, value: int) -> str:
    if field.is_flag:
        return field.name if value else ""
    return f"{field.name}={field.text(value)}" if value else ""


def _check_members(structure: Structure) -> None:
    end = 0
    for member in structure.members:
        if member.offset < end or member.offset + member.size > structure.size:
            raise ValueError(f"{structure.name}.{member.name}: overlaps or leaves {structure.size} bytes")
        end = member.offset + member.size

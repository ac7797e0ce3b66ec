"""C's printf for agent expressions: the conversions that gdb sends, by C's rules (C11 7.21.6.1)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gdbstub.errors import Error

LONGEST_STRING = 4096
"""Bytes that ``%s`` prints at most."""

_WIDEST = 4096

ReadString = Callable[[int, int], bytes]
"""Given an address and a most number of bytes, the bytes there up to a zero byte; raises TargetError."""


class FormatError(Error):
    """A format that cannot be printed; the message names the part."""


class Conversion(NamedTuple):
    """One ``%…``: flags, least width, precision or None, size of the argument in bytes, letter."""

    flags: str
    width: int
    precision: int | None
    size: int
    letter: str


@dataclass(frozen=True, slots=True)
class Format:
    """Literal texts and the conversions between them; there is one text more."""

    literals: tuple[bytes, ...]
    conversions: tuple[Conversion, ...]

    def print(self, arguments: Sequence[int], read_string: ReadString) -> bytes:
        """The text of some arguments, one for each conversion."""
        parts = [self.literals[0]]
        for conversion, argument, literal in zip(self.conversions, arguments, self.literals[1:], strict=True):
            parts += (_convert(conversion, argument, read_string), literal)
        return b"".join(parts)


_SIZES = {"hh": 1, "h": 2, "": 4, "l": 8, "ll": 8, "z": 8, "j": 8, "t": 8}
_BASES = {"d": 10, "i": 10, "u": 10, "o": 8, "x": 16, "X": 16, "p": 16}
_PART = re.compile(
    rb"(?P<percent>%%)|%(?P<flags>[-+ #0']*)(?P<width>\d*)(?:\.(?P<precision>\d*))?(?P<size>hh|h|ll|l|z|j|t)?"
    rb"(?P<letter>[diouxXcsp])|\\(?P<octal>[0-7]{1,3})|\\(?P<escape>.)|(?P<text>[^%\\]+)",
    re.DOTALL,
)
_ESCAPES = {
    letter: bytes([value]) for letter, value in zip(b"abefnrtv\\\"'?", b"\a\b\x1b\f\n\r\t\v\\\"'?", strict=True)
}


def parse_format(text: bytes) -> Format:
    """The format of a C string as it stands in source, escapes and all. Raises FormatError."""
    literals, conversions, at = [b""], [], 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise FormatError(f"{text[at : at + 8]!r} cannot be printed")
        at = part.end()
        if part["letter"]:
            conversions.append(_conversion(part))
            literals.append(b"")
        else:
            literals[-1] += _literal(part)
    return Format(tuple(literals), tuple(conversions))


def _literal(part: re.Match[bytes]) -> bytes:
    if part["percent"]:
        return b"%"
    if part["octal"]:
        return bytes([int(part["octal"], 8) & 0xFF])
    if part["escape"]:
        if part["escape"][0] not in _ESCAPES:
            raise FormatError(f"{part[0]!r} is no escape of C")
        return _ESCAPES[part["escape"][0]]
    return part["text"]


def _conversion(part: re.Match[bytes]) -> Conversion:
    letter, size = part["letter"].decode(), (part["size"] or b"").decode()
    if letter in "csp" and size:
        raise FormatError(f"{part[0]!r}: wide characters and strings are not printed")
    width, precision = int(part["width"] or b"0"), part["precision"]
    if max(width, int(precision or b"0")) > _WIDEST:
        raise FormatError(f"{part[0]!r} is wider than {_WIDEST}")
    bytes_of_argument = 8 if letter in "sp" else _SIZES[size]
    exact = None if precision is None else int(precision or b"0")
    return Conversion(part["flags"].decode(), width, exact, bytes_of_argument, letter)


def _convert(conversion: Conversion, argument: int, read_string: ReadString) -> bytes:
    flags, width, precision, _, letter = conversion
    if letter == "s":
        most = LONGEST_STRING if precision is None else min(precision, LONGEST_STRING)
        return _pad(read_string(argument, most) if most else b"", flags, width)
    if letter == "c":
        return _pad(bytes([argument & 0xFF]), flags, width)
    return _number(conversion, argument)


def _pad(text: bytes, flags: str, width: int) -> bytes:
    return text.ljust(width) if "-" in flags else text.rjust(width)


def _number(conversion: Conversion, argument: int) -> bytes:
    flags, width, precision, size, letter = conversion
    value = argument & (1 << 8 * size) - 1
    sign = ""
    if letter in "di":
        if value >> 8 * size - 1:
            value, sign = (1 << 8 * size) - value, "-"
        else:
            sign = "+" if "+" in flags else " " if " " in flags else ""
    digits = _digits(value, letter, precision)
    if "#" in flags and letter == "o" and not digits.startswith("0"):
        digits = "0" + digits
    if letter == "p" or ("#" in flags and letter in "xX" and value):
        sign = "0X" if letter == "X" else "0x"
    if "0" in flags and "-" not in flags and precision is None:
        digits = digits.rjust(width - len(sign), "0")
    return _pad((sign + digits).encode(), flags, width)


def _digits(value: int, letter: str, precision: int | None) -> str:
    text = format(value, {10: "d", 8: "o", 16: "X" if letter == "X" else "x"}[_BASES[letter]])
    return "" if precision == 0 and not value else text.rjust(precision or 0, "0")

"""Expressions in commands: numbers, ``$registers``, symbols, ``+ - *``, parentheses, and ``[address]`` for a word.

    do_syscall_64+4   $rip   $rsp-0x10   [current_task]+8   (1<<12)   0xf000:0xfff0

``segment:offset`` is a real-mode address; ``$pc`` is the linear address of the next instruction, whatever CS.base.
All arithmetic is unsigned, modulo 2**64. ``[e]`` is the little-endian 8-byte word at linear address e.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from machine.x86.mode import linear_address
from machine.x86.registers import GPR8, GPR8_LEGACY, GPR16, GPR32, GPR64
from ringscope.debuggee import Debuggee, Refused

MASK = (1 << 64) - 1

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F_]+|[0-9][0-9a-zA-Z_]*)"
    r"|\$(?P<register>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<symbol>[A-Za-z_.][A-Za-z0-9_.$@]*)"
    r"|(?P<operator><<|>>|[-+*&|^~:()\[\]]))"
)

# fmt: off
_BINARY: Mapping[str, tuple[int, Callable[[int, int], int]]] = {
    # operator: (binds tighter the higher, meaning)
    ":":  (0, lambda a, b: ((a & 0xFFFF) << 4) + (b & 0xFFFF)),  # SDM 3A 20.1.1
    "|":  (1, lambda a, b: a | b),
    "^":  (2, lambda a, b: a ^ b),
    "&":  (3, lambda a, b: a & b),
    "<<": (4, lambda a, b: a << min(b, 64)),
    ">>": (4, lambda a, b: a >> min(b, 64)),
    "+":  (5, lambda a, b: a + b),
    "-":  (5, lambda a, b: a - b),
    "*":  (6, lambda a, b: a * b),
}
# fmt: on

PC = "pc"
OTHER_NAMES = {PC: "rip", "sp": "rsp", "fp": "rbp", "rflags": "eflags", "flags": "eflags"}
"""gdb's general names, and the manual's names of what stubs call otherwise."""


class Symbol(Protocol):
    """A named address."""

    @property
    def name(self) -> str:
        """As the linker knows it."""
        ...

    @property
    def address(self) -> int:
        """Linear address."""
        ...


class Symbols(Protocol):
    """What commands ask of a symbol table (`kernel.symbols.Symbols` is one)."""

    def lookup(self, name: str) -> Symbol | None:
        """The symbol of a name."""
        ...

    def nearest(self, address: int) -> tuple[Symbol, int] | None:
        """The symbol that an address belongs to, and the offset within it."""
        ...

    def __iter__(self) -> Iterator[Symbol]:
        """All symbols."""
        ...


class ExpressionError(Exception):
    """An expression cannot be evaluated; the message names the part that cannot."""


class _Part(NamedTuple):
    """Where a register lies in a wider one."""

    whole: str
    shift: int
    bits: int


def _parts() -> dict[str, _Part]:
    found: dict[str, _Part] = {}
    for names, bits in ((GPR32, 32), (GPR16, 16), (GPR8, 8)):
        found |= {name: _Part(GPR64[index], 0, bits) for index, name in enumerate(names)}
    found |= {name: _Part(GPR64[index], 8, 8) for index, name in enumerate(GPR8_LEGACY[4:])}
    return found | {"eip": _Part("rip", 0, 32), "ip": _Part("rip", 0, 16)}


_PARTS = _parts()


def full_name(debuggee: Debuggee, name: str) -> str:
    """The debuggee's own name of a register: ``$pc`` is rip. Raises Refused if there is none."""
    lower = name.lower()
    known = debuggee.register_names()
    for candidate in (lower, OTHER_NAMES.get(lower, lower)):
        if candidate in known:
            return candidate
    debuggee.read_register(lower)  # some registers can be read though no list has them
    return lower


def register_value(debuggee: Debuggee, name: str) -> int:
    """A register by any of its names, parts like ``eax`` and ``ah`` included. Raises Refused."""
    if name.lower() == PC:
        return linear_address(debuggee.code_segment(), debuggee.read_register("rip"))
    part = _PARTS.get(name.lower())
    if part is None or name.lower() in debuggee.register_names():
        return debuggee.read_register(full_name(debuggee, name))
    return debuggee.read_register(part.whole) >> part.shift & (1 << part.bits) - 1


def evaluate(text: str, debuggee: Debuggee, symbols: Symbols | None) -> int:
    """The value of an expression, 0 to 2**64 - 1. Raises ExpressionError."""
    return _Parser(text, debuggee, symbols).value()


def number(text: str) -> int:
    """A decimal, 0x hexadecimal, 0b binary or 0o octal number. Raises ExpressionError."""
    try:
        return int(text, 0) if not text.isdecimal() else int(text)
    except ValueError:
        hint = f"; hexadecimal needs 0x: 0x{text}" if re.fullmatch("[0-9a-fA-F]+", text) else ""
        raise ExpressionError(f"{text!r} is no number{hint}") from None


def _word_of(text: str) -> int:
    value = number(text)
    if value > MASK:
        raise ExpressionError(f"{text:.40} has more than 64 bits")
    return value


DEEPEST = 100
"""Terms in one expression."""


class _Parser:
    """Precedence climbing over the tokens of one expression."""

    def __init__(self, text: str, debuggee: Debuggee, symbols: Symbols | None) -> None:
        self._text = text
        self._debuggee = debuggee
        self._symbols = symbols
        self._tokens = list(self._split(text))
        self._depth = 0

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        at, text = 0, text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise ExpressionError(f"{text[at:]!r} in {text!r} is no number, $register or symbol")
            assert found.lastgroup is not None
            yield found.lastgroup, found[found.lastgroup]
            at = found.end()

    def value(self) -> int:
        value = self._binary(-1)
        if self._tokens:
            raise ExpressionError(f"{self._tokens[0][1]!r} was not expected in {self._text!r}")
        return value

    def _binary(self, least: int) -> int:
        value = self._term()
        while self._tokens and (row := _BINARY.get(self._tokens[0][1])) and row[0] > least:
            self._tokens.pop(0)
            value = row[1](value, self._binary(row[0])) & MASK
        return value

    def _term(self) -> int:
        if not self._tokens:
            raise ExpressionError(f"{self._text!r} ends too early")
        self._depth += 1
        if self._depth > DEEPEST:
            raise ExpressionError(f"an expression of {len(self._text)} characters has more than {DEEPEST} terms")
        kind, text = self._tokens.pop(0)
        if kind == "operator":
            return self._operator(text) & MASK
        readers = {"number": _word_of, "register": self._register, "symbol": self._symbol}
        return readers[kind](text) & MASK

    def _operator(self, text: str) -> int:
        if text == "-":
            return -self._term()
        if text == "~":
            return ~self._term()
        if text not in "([":
            raise ExpressionError(f"{text!r} was not expected in {self._text!r}")
        value, end = self._binary(-1), ")" if text == "(" else "]"
        if not self._tokens or self._tokens.pop(0)[1] != end:
            raise ExpressionError(f"{end!r} is missing in {self._text!r}")
        return value if text == "(" else self._word(value)

    def _word(self, address: int) -> int:
        try:
            return int.from_bytes(self._debuggee.read_memory(address, 8), "little")
        except Refused as error:
            raise ExpressionError(str(error)) from None

    def _register(self, name: str) -> int:
        try:
            return register_value(self._debuggee, name)
        except Refused:
            raise ExpressionError(f"no register ${name} in {self._debuggee.name}") from None

    def _symbol(self, name: str) -> int:
        symbol = self._symbols.lookup(name) if self._symbols is not None else None
        if symbol is not None:
            return symbol.address
        raise ExpressionError(self._unknown(name))

    def _unknown(self, name: str) -> str:
        if name.lower() in self._debuggee.register_names() or name.lower() in OTHER_NAMES or name.lower() in _PARTS:
            return f"no symbol {name!r}; the register is ${name}"
        if re.fullmatch("[0-9a-fA-F]+", name):
            return f"no symbol {name!r}; the number is 0x{name}"
        return f"no symbol {name!r}" + ("" if self._symbols is not None else ": no symbols are loaded")

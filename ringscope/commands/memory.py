"""Memory and code: examine, write, disassemble, look up symbols."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator
from typing import Annotated, NamedTuple

from ringscope import processor
from ringscope.arguments import MOST, Count, Expression, Format, Name, Rest, choice
from ringscope.command import Lines, command
from ringscope.debuggee import PhysicalMemory, read_available
from ringscope.disassembly import instructions
from ringscope.session import CommandError, Session

LONGEST_STRING = 4096

_FORMAT = re.compile(r"(\d*)([xduotacsi]?)([bhwg]?)|(\d*)([bhwg])([xduotacsi])")
_SIZES = {"b": 1, "h": 2, "w": 4, "g": 8}
_LINE = 16  # bytes

Read = Callable[[int, int], bytes]


class _How(NamedTuple):
    """A parsed format: how many units of how many bytes, shown by which letter of gdb's ``x``."""

    number: int
    letter: str
    size: int


@command("x", repeats=True)
def examine(
    session: Session,
    address: Expression,
    count: Count | None = None,
    size: Annotated[str, choice("b", "h", "w", "g")] = "",
    format: Format = "",
) -> Lines:
    """Examine linear memory, as gdb's x.

    FORMAT is a count, a letter (x hexadecimal, d signed, u unsigned, o octal, t binary, a address with symbol,
    c character, s string, i instruction) and a size (b 1, h 2, w 4, g 8 bytes): x/4xg $rsp, x/8i $rip, x/s $rdi.
    COUNT and SIZE may also follow the address; without any, 16 bytes."""
    how = _how(format, count, size)
    if how.letter == "i":
        yield from _disassemble(session, address, how.number)
    elif how.letter == "s":
        yield from _strings(session, address, how.number)
    else:
        session.repeat = _continued("x", how, address)
        yield from _units(session, address, how, session.debuggee.read_memory)


@command("xp", needs=PhysicalMemory, repeats=True)
def examine_physical(
    session: Session,
    address: Expression,
    count: Count | None = None,
    size: Annotated[str, choice("b", "h", "w", "g")] = "",
    format: Format = "",
) -> Lines:
    """Examine physical memory; arguments as in `x`, without strings and instructions."""
    how = _how(format, count, size)
    if how.letter in "is":
        raise CommandError(f"xp shows no {'instructions' if how.letter == 'i' else 'strings'}: use x")
    assert isinstance(session.debuggee, PhysicalMemory), "the registry has checked it"
    session.repeat = _continued("xp", how, address)
    yield from _units(session, address, how, session.debuggee.read_physical)


@command("write", instead="type `set {char[N]}ADDRESS = ...` in gdb, which then knows of the change")
def write_memory(session: Session, address: Expression, bytes: Rest) -> Lines:
    """Write linear memory: bytes in hexadecimal (90 90 or 9090), or text in double quotes."""
    data = _data(bytes)
    session.debuggee.write_memory(address, data)
    yield f"{len(data)} bytes written at {session.address_text(address)}"


@command("writep", needs=PhysicalMemory)
def write_physical(session: Session, address: Expression, bytes: Rest) -> Lines:
    """Write physical memory; arguments as in `write`."""
    data = _data(bytes)
    assert isinstance(session.debuggee, PhysicalMemory), "the registry has checked it"
    session.debuggee.write_physical(address, data)
    yield f"{len(data)} bytes written at physical {address:#x}"


@command("disas", "u", repeats=True)
def disassemble(session: Session, address: Expression | None = None, count: Count = 8) -> Lines:
    """Disassemble, in the mode that CS says, from ADDRESS or else from the next instruction."""
    yield from _disassemble(session, processor.linear_pc(session.debuggee) if address is None else address, count)


@command("sym")
def symbol_of(session: Session, address: Expression) -> Lines:
    """Print the symbol that an address belongs to."""
    name = session.symbol(address)
    if not name:
        raise CommandError(f"{address:#x} belongs to no symbol" + ("" if session.symbols else ": none are loaded"))
    yield f"{address:#x} {name}"


@command("symbols")
def list_symbols(session: Session, pattern: Name = "") -> Lines:
    """List the symbols whose name holds PATTERN, in which * and ? stand for any characters, by address."""
    if session.symbols is None:
        raise CommandError("no symbols are loaded")
    wanted = f"*{pattern}*"
    found = sorted((s.address, s.name) for s in session.symbols if fnmatch.fnmatchcase(s.name, wanted))
    if not found:
        raise CommandError(f"no symbol's name holds {pattern!r}")
    for address, name in found:
        yield f"{address:016x}  {name}"


def _disassemble(session: Session, address: int, count: int) -> Iterator[str]:
    pc = processor.linear_pc(session.debuggee)
    last = ""
    for at, code, text in instructions(session, address, count):
        label = session.symbol(at).partition("+")[0].strip("<>")
        if label and label != last:
            yield f"{label}:"
            last = label
        mark = "=>" if at == pc else "* " if session.point_at(at) is not None else "  "
        yield f"{mark} {at:#x}  {code.hex(' '):<24}  {text}"
        session.repeat = f"disas {at + len(code):#x} {count}"


def _how(text: str, count: int | None, size: str) -> _How:
    found = _FORMAT.fullmatch(text)
    if found is None:
        raise CommandError(f"/{text} is no format: a count, one of x d u o t a c s i, one of b h w g")
    number, letter, unit = found.group(1, 2, 3) if found[1] is not None else found.group(4, 6, 5)
    letter = letter or "x"
    unit = unit or size or {"c": "b", "a": "g"}.get(letter, "b" if not text else "w")
    units = int(number) if number else count or (1 if text else 16)
    if not 1 <= units <= MOST:
        raise CommandError(f"/{text}: {units} is not a count from 1 to {MOST}")
    return _How(units, letter, _SIZES[unit])


def _continued(name: str, how: _How, address: int) -> str:
    """What an empty line does next: the units that follow."""
    unit = next(letter for letter, size in _SIZES.items() if size == how.size)
    return f"{name}/{how.number}{how.letter}{unit} {address + how.number * how.size:#x}"


def _units(session: Session, address: int, how: _How, read: Read) -> Iterator[str]:
    per_line = 2 if how.letter == "a" else _LINE // how.size
    for start in range(0, how.number, per_line):
        at = address + start * how.size
        data = read(at, min(per_line, how.number - start) * how.size)
        values = [int.from_bytes(data[i : i + how.size], "little") for i in range(0, len(data), how.size)]
        cells = "  ".join(_unit(session, value, how) for value in values)
        tail = f"  {_printable(data)}" if how.letter == "x" and how.size == 1 else ""
        yield f"{at:#x}: {cells}{tail}"


def _unit(session: Session, value: int, how: _How) -> str:
    bits = 8 * how.size
    if how.letter == "a":
        return session.address_text(value)
    if how.letter == "c":
        return f"{value:3d} {chr(value)!r}" if value < 128 else f"{value:3d} '\\x{value:02x}'"
    signed = value - (1 << bits) if value >> (bits - 1) else value
    formats = {"x": f"{value:0{bits // 4}x}", "o": f"{value:#o}", "t": f"{value:0{bits}b}", "u": str(value)}
    return formats.get(how.letter, str(signed))


def _printable(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)


def _strings(session: Session, address: int, count: int) -> Iterator[str]:
    for _ in range(count):
        data = read_available(session.debuggee, address, LONGEST_STRING)
        if not data:
            session.debuggee.read_memory(address, 1)  # says what is wrong
        text, end, _rest = data.partition(b"\0")
        shown = "".join(map(_shown, text.decode("utf-8", "surrogateescape")))
        yield f'{session.address_text(address)}: "{shown}"' + ("" if end else "...")
        address += len(text) + 1
        session.repeat = f"x/{count}s {address:#x}"


def _shown(character: str) -> str:
    """A character of a string: C escapes, and hexadecimal for what is no UTF-8."""
    if 0xDC80 <= ord(character) <= 0xDCFF:
        return f"\\x{ord(character) - 0xDC00:02x}"
    if character in '\\"':
        return "\\" + character
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _data(text: str) -> bytes:
    try:
        if len(text) >= 2 and text[0] == text[-1] == '"':
            return text[1:-1].encode().decode("unicode_escape").encode("latin-1")
        data = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise CommandError(f"{text!r} is neither bytes in hexadecimal nor text in double quotes") from None
    if not data:
        raise CommandError(f"{text!r} holds no byte")
    return data

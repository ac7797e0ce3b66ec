"""Arguments and results of system calls in words, by the types and names of the table's parameters."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable

from kernel.abi.tables import Parameter, Syscall
from ringscope.strace.values import ADDRESSES, FLAGS, WORDS, flags_in_words, open_flags

MOST_BYTES = 32
"""Of a string that are shown, as strace does."""

MOST_PATH = 4096
MOST_STRINGS = 32
"""Of an array of strings."""

AT_FDCWD = -100
MOST_ERRNO = 4095
POINTER = 8

Read = Callable[[int, int], bytes]
"""Bytes of the caller's memory; MemoryError where there are none."""

_STRINGS = {"filename", "pathname", "path", "oldname", "newname", "type", "dev_name", "dir_name", "name"}
_DESCRIPTORS = {"dfd", "olddfd", "newdfd"}
_MODES = {"umode_t"}


def quote(data: bytes, more: bool) -> str:
    """Bytes as a C string, cut with dots."""
    text = data.decode("latin-1")
    simple = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", '"': '\\"', "\\": "\\\\"}
    shown = "".join(simple.get(c, c if " " <= c <= "~" else f"\\x{ord(c):02x}") for c in text)
    return f'"{shown}"' + ("..." if more else "")


def _address(value: int) -> str:
    return f"{value:#x}" if value else "NULL"


def read_string(read: Read, address: int) -> bytes:
    """Up to a zero byte. MemoryError if that is not there."""
    found = b""
    while len(found) < MOST_PATH:
        found += read(address + len(found), 1)
        if found.endswith(b"\0"):
            return found[:-1]
    return found


def _string(read: Read, address: int) -> str:
    try:
        text = read_string(read, address)
    except MemoryError:
        return _address(address)
    return quote(text, more=False)


def _strings(read: Read, address: int) -> str:
    """An array of strings that a null pointer ends."""
    shown: list[str] = []
    try:
        while len(shown) < MOST_STRINGS:
            pointer = int.from_bytes(read(address + POINTER * len(shown), POINTER), "little")
            if not pointer:
                return f"[{', '.join(shown)}]"
            shown.append(_string(read, pointer))
    except MemoryError:
        return _address(address)
    return f"[{', '.join(shown)}, ...]"


def _bytes(read: Read, address: int, count: int) -> str:
    try:
        return quote(read(address, min(count, MOST_BYTES)), more=count > MOST_BYTES)
    except MemoryError:
        return _address(address)


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def signal_name(number: int) -> str:
    """SIGTERM and the like; the number itself where it has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _integer(parameter: Parameter, value: int) -> str:
    number = _signed(value, 64 if "long" in parameter.type or parameter.type in ("off_t", "loff_t") else 32)
    if parameter.name in _DESCRIPTORS and number == AT_FDCWD:
        return "AT_FDCWD"
    if parameter.name in ("sig", "signum"):
        return signal_name(number)
    if parameter.type in _MODES:
        return f"0{value & 0xFFFF:o}"
    if parameter.type == "size_t":
        return str(value)
    if parameter.type.startswith("unsigned") or parameter.type.startswith("u"):
        bits = 64 if "long" in parameter.type else 32
        return _large(value & (1 << bits) - 1)
    return str(number)


def _large(value: int) -> str:
    return str(value) if value < 1 << 16 else f"{value:#x}"


def is_stored(call: Syscall, index: int) -> bool:
    """Whether an argument is a buffer that the call fills: it is told when the call has come back."""
    kind = call.parameters[index].type
    return "char" in kind and "*" in kind and not kind.startswith("const")


def argument(call: Syscall, index: int, values: tuple[int, ...], read: Read, result: int | None) -> str:
    """One argument; ``result`` is how many bytes the call has stored, None if it has not come back."""
    parameter, value = call.parameters[index], values[index]
    key = (call.name, parameter.name)
    if key in FLAGS:
        return flags_in_words(value & 0xFFFFFFFF, FLAGS[key])
    if key in WORDS:
        number = value & 0xFFFFFFFF
        return WORDS[key].get(number, f"{number:#x}")
    if parameter.name == "flags" and call.name in ("open", "openat"):
        return open_flags(value & 0xFFFFFFFF)
    if "*" in parameter.type:
        return _pointer(call, index, values, read, result)
    return _integer(parameter, value)


def _pointer(call: Syscall, index: int, values: tuple[int, ...], read: Read, result: int | None) -> str:
    parameter, value = call.parameters[index], values[index]
    if not value:
        return "NULL"
    if parameter.name in ("argv", "envp"):
        return _strings(read, value)
    if "char" not in parameter.type:
        return _address(value)
    if parameter.type.startswith("const") and parameter.name in _STRINGS:
        return _string(read, value)
    if parameter.type.startswith("const"):
        return _bytes(read, value, values[index + 1]) if index + 1 < len(values) else _address(value)
    return _address(value) if result is None or result < 0 else _bytes(read, value, result)


def result_in_words(name: str, value: int) -> str:
    """As strace: a number, an address, or -1 with errno's name and meaning."""
    number = _signed(value, 64)
    if -MOST_ERRNO <= number < 0:
        known = errno.errorcode.get(-number)
        return f"-1 {known} ({os.strerror(-number)})" if known else f"-1 errno {-number}"
    return f"{value:#x}" if name in ADDRESSES else str(number)

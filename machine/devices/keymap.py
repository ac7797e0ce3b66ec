"""Text as key strokes of a US keyboard, in scan code set 2."""

from __future__ import annotations

from machine.devices.i8042 import BREAK
from machine.errors import Error

SHIFT, CONTROL = 0x12, 0x14

# fmt: off
_KEYS = (
    # plain            shifted          scan codes
    ("`1234567890-=",  "~!@#$%^&*()_+", "0e 16 1e 26 25 2e 36 3d 3e 46 45 4e 55"),
    ("qwertyuiop[]\\", "QWERTYUIOP{}|", "15 1d 24 2d 2c 35 3c 43 44 4d 54 5b 5d"),
    ("asdfghjkl;'",    "ASDFGHJKL:\"",  "1c 1b 23 2b 34 33 3b 42 4b 4c 52"),
    ("zxcvbnm,./",     "ZXCVBNM<>?",    "1a 22 21 2a 32 31 3a 41 49 4a"),
    (" \n\t\b\x1b",    "",              "29 5a 0d 66 76"),
)
# fmt: on


def _table() -> dict[str, tuple[int, int]]:
    """Of each character the key's code, and the modifier's or 0."""
    table: dict[str, tuple[int, int]] = {}
    for plain, shifted, codes in _KEYS:
        keys = bytes.fromhex(codes)
        table |= {character: (key, 0) for character, key in zip(plain, keys, strict=True)}
        table |= {character: (key, SHIFT) for character, key in zip(shifted, keys, strict=bool(shifted))}
    for letter in "abcdefghijklmnopqrstuvwxyz":
        table.setdefault(chr(ord(letter) & 0x1F), (table[letter][0], CONTROL))
    return table


STROKES = _table()


def strokes(text: str) -> bytes:
    """The codes of every key going down and up.  Raises `Error` for a character that no key has."""
    codes = bytearray()
    for character in text:
        if character not in STROKES:
            raise Error(f"the keyboard has no key for {character!r}")
        key, modifier = STROKES[character]
        inner = bytes((key, BREAK, key))
        codes += bytes((modifier, *inner, BREAK, modifier)) if modifier else inner
    return bytes(codes)

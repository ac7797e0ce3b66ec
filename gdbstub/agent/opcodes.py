"""The byte code's table (gdb manual, "Bytecode Descriptions"): one row per opcode, with the Python it means.

In ``python``, ``{0}`` is the lowest of the elements that the opcode pops and ``{1}`` the next; ``{n}`` is its operand.
Elements are numbers from 0 to 2**64 - 1, and so is every value. An opcode without ``python`` only moves elements,
jumps, or is told by ``kind`` to be refused.
"""

from enum import Enum
from typing import NamedTuple

BITS = 64
ALL = (1 << BITS) - 1
SIGN = 1 << BITS - 1


class Kind(Enum):
    """How an opcode is translated."""

    VALUE = "pushes what its Python says"
    EFFECT = "does what its Python says, and pushes nothing"
    KEPT = "does what its Python says, and leaves its element"
    MASK = "its operand counts bits"
    CONSTANT = "pushes its operand"
    MOVE = "moves elements"
    JUMP = "jumps"
    PRINT = "prints"
    END = "ends the expression"
    REFUSED = "is not evaluated"


class Opcode(NamedTuple):
    """A row: code, name, bytes of operand, elements popped and pushed, kind, Python, meaning."""

    code: int
    name: str
    operand: int
    pops: int
    pushes: int
    kind: Kind
    python: str
    meaning: str


VALUE, EFFECT, KEPT, MASK, CONSTANT, MOVE, JUMP, PRINT, END, REFUSED = Kind
_FLOAT = "floating point, which the manual leaves undefined"

# fmt: off
_ROWS: tuple[tuple[int, str, int, int, int, Kind, str, str], ...] = (
    # code name           operand pops pushes kind, Python, meaning
    (0x01, "float",          0, 0, 0, REFUSED,  "",                            _FLOAT),
    (0x02, "add",            0, 2, 1, VALUE,    "{0} + {1} & ALL",             "a + b"),
    (0x03, "sub",            0, 2, 1, VALUE,    "{0} - {1} & ALL",             "a - b"),
    (0x04, "mul",            0, 2, 1, VALUE,    "{0} * {1} & ALL",             "a * b"),
    (0x05, "div_signed",     0, 2, 1, VALUE,    "div_signed({0}, {1})",        "a / b, signed"),
    (0x06, "div_unsigned",   0, 2, 1, VALUE,    "div_unsigned({0}, {1})",      "a / b, unsigned"),
    (0x07, "rem_signed",     0, 2, 1, VALUE,    "rem_signed({0}, {1})",        "a % b, signed, as in C"),
    (0x08, "rem_unsigned",   0, 2, 1, VALUE,    "rem_unsigned({0}, {1})",      "a % b, unsigned"),
    (0x09, "lsh",            0, 2, 1, VALUE,    "{0} << min({1}, 64) & ALL",   "a << b"),
    (0x0A, "rsh_signed",     0, 2, 1, VALUE,    "({0} ^ SIGN) - SIGN >> min({1}, 64) & ALL", "a >> b, signed"),
    (0x0B, "rsh_unsigned",   0, 2, 1, VALUE,    "{0} >> {1}",                  "a >> b, unsigned"),
    (0x0C, "trace",          0, 2, 0, EFFECT,   "effects.trace(probe, {0}, {1})",     "record b bytes of memory at a"),
    (0x0D, "trace_quick",    1, 1, 1, KEPT,     "effects.trace(probe, {0}, {n})",     "record n bytes at a; a stays"),
    (0x0E, "log_not",        0, 1, 1, VALUE,    "0 if {0} else 1",             "1 if a is 0, else 0"),
    (0x0F, "bit_and",        0, 2, 1, VALUE,    "{0} & {1}",                   "a and b, bit by bit"),
    (0x10, "bit_or",         0, 2, 1, VALUE,    "{0} | {1}",                   "a or b, bit by bit"),
    (0x11, "bit_xor",        0, 2, 1, VALUE,    "{0} ^ {1}",                   "a exclusive-or b"),
    (0x12, "bit_not",        0, 1, 1, VALUE,    "{0} ^ ALL",                   "every bit of a turned"),
    (0x13, "equal",          0, 2, 1, VALUE,    "1 if {0} == {1} else 0",      "1 if a and b are equal, else 0"),
    (0x14, "less_signed",    0, 2, 1, VALUE,    "1 if {0} ^ SIGN < {1} ^ SIGN else 0", "1 if a < b, signed, else 0"),
    (0x15, "less_unsigned",  0, 2, 1, VALUE,    "1 if {0} < {1} else 0",       "1 if a < b, unsigned, else 0"),
    (0x16, "ext",            1, 1, 1, MASK,     "({0} & {mask} ^ {sign}) - {sign} & ALL", "the low n bits, signed"),
    (0x17, "ref8",           0, 1, 1, VALUE,    "probe.load({0}, 1)",          "the byte at address a"),
    (0x18, "ref16",          0, 1, 1, VALUE,    "probe.load({0}, 2)",          "the 2 bytes at address a"),
    (0x19, "ref32",          0, 1, 1, VALUE,    "probe.load({0}, 4)",          "the 4 bytes at address a"),
    (0x1A, "ref64",          0, 1, 1, VALUE,    "probe.load({0}, 8)",          "the 8 bytes at address a"),
    (0x1B, "ref_float",      0, 1, 1, REFUSED,  "",                            _FLOAT),
    (0x1C, "ref_double",     0, 1, 1, REFUSED,  "",                            _FLOAT),
    (0x1D, "ref_long_double",0, 1, 1, REFUSED,  "",                            _FLOAT),
    (0x1E, "l_to_d",         0, 1, 1, REFUSED,  "",                            _FLOAT),
    (0x1F, "d_to_l",         0, 1, 1, REFUSED,  "",                            _FLOAT),
    (0x20, "if_goto",        2, 1, 0, JUMP,     "",                            "go to offset n if a is not 0"),
    (0x21, "goto",           2, 0, 0, JUMP,     "",                            "go to offset n"),
    (0x22, "const8",         1, 0, 1, CONSTANT, "",                            "n, one byte"),
    (0x23, "const16",        2, 0, 1, CONSTANT, "",                            "n, 2 bytes, the highest first"),
    (0x24, "const32",        4, 0, 1, CONSTANT, "",                            "n, 4 bytes"),
    (0x25, "const64",        8, 0, 1, CONSTANT, "",                            "n, 8 bytes"),
    (0x26, "reg",            2, 0, 1, VALUE,    "probe.register({n})",         "register n, its low 64 bits"),
    (0x27, "end",            0, 0, 0, END,      "",                            "done; the top is the value"),
    (0x28, "dup",            0, 1, 2, MOVE,     "",                            "a, a"),
    (0x29, "pop",            0, 1, 0, MOVE,     "",                            "throw a away"),
    (0x2A, "zero_ext",       1, 1, 1, MASK,     "{0} & {mask}",                "the low n bits"),
    (0x2B, "swap",           0, 2, 2, MOVE,     "",                            "a b become b a"),
    (0x2C, "getv",           2, 0, 1, VALUE,    "effects.variable({n})",       "trace state variable n"),
    (0x2D, "setv",           2, 1, 1, KEPT,     "effects.set_variable({n}, {0})", "variable n becomes a; a stays"),
    (0x2E, "tracev",         2, 0, 0, EFFECT,   "effects.trace_variable({n})", "record variable n; pushes nothing"),
    (0x2F, "tracenz",        0, 2, 0, EFFECT,   "effects.trace_string(probe, {0}, {1})", "to a zero byte, b at most"),
    (0x30, "trace16",        2, 1, 1, KEPT,     "effects.trace(probe, {0}, {n})",     "record n bytes at a; a stays"),
    (0x32, "pick",           1, 0, 1, MOVE,     "",                            "copy the element n below the top"),
    (0x33, "rot",            0, 3, 3, MOVE,     "",                            "a b c become c a b"),
    (0x34, "printf",         1, 2, 0, PRINT,    "",                            "print n arguments by a format"),
)
# fmt: on

TABLE = tuple(Opcode(*row) for row in _ROWS)
"""Every opcode, in order of code."""

BY_CODE: dict[int, Opcode] = {opcode.code: opcode for opcode in TABLE}

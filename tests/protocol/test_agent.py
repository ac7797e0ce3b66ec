"""Agent expressions: every opcode, what is refused and why."""

import errno
import struct

import pytest

from gdbstub.agent.errors import EvaluationError, ExpressionError
from gdbstub.agent.expression import DEEPEST, LONGEST, check, split
from gdbstub.agent.framebase import mend
from gdbstub.agent.opcodes import TABLE, Kind
from gdbstub.agent.translate import MOST_REPEATED, translate
from gdbstub.errors import TargetError

END = b"\x27"
MEMORY = bytes(range(1, 65)) * 4
BASE = 0x100


class Probe:
    """Sixteen registers and 256 bytes of memory."""

    def register(self, number):
        if number > 15:
            raise TargetError(errno.EINVAL, f"there is no register {number}")
        return (number * 0x1111_1111_1111_1111) & (1 << 64) - 1

    def load(self, address, length):
        if not BASE <= address <= BASE + len(MEMORY) - length:
            raise TargetError(errno.EFAULT, f"{address:#x} is not mapped")
        return int.from_bytes(MEMORY[address - BASE :][:length], "little")


class Effects:
    """Records what an expression did."""

    def __init__(self):
        self.log, self.variables = [], {}

    def variable(self, number):
        return self.variables.get(number, 0)

    def set_variable(self, number, value):
        self.variables[number] = value

    def trace_variable(self, number):
        self.log.append(("tracev", number))

    def trace(self, probe, address, length):
        self.log.append(("trace", address, length))

    def trace_string(self, probe, address, most):
        self.log.append(("tracenz", address, most))

    def print(self, probe, format, arguments):
        self.log.append(("printf", format.print(arguments, lambda address, most: b"text"[:most])))


def evaluate(code, effects=None):
    return translate(check(code))(Probe(), effects or Effects())


def push(value):
    return b"\x25" + struct.pack(">Q", value & (1 << 64) - 1)


# fmt: off
VALUES = [
    # code                                        value
    (push(2) + push(3) + b"\x02",                 5),
    (push(-1) + push(3) + b"\x02",                2),
    (push(2) + push(3) + b"\x03",                 -1),
    (push(-2) + push(3) + b"\x04",                -6),
    (push(-7) + push(2) + b"\x05",                -3),
    (push(-1 << 63) + push(-1) + b"\x05",         1 << 63),
    (push(-7) + push(2) + b"\x06",                ((1 << 64) - 7) // 2),
    (push(-7) + push(2) + b"\x07",                -1),
    (push(7) + push(-2) + b"\x07",                1),
    (push(-7) + push(10) + b"\x08",               ((1 << 64) - 7) % 10),
    (push(3) + push(62) + b"\x09",                3 << 62),
    (push(3) + push(64) + b"\x09",                0),
    (push(3) + push(-1) + b"\x09",                0),
    (push(-8) + push(1) + b"\x0a",                -4),
    (push(-8) + push(1 << 63) + b"\x0a",          -1),
    (push(-8) + push(1) + b"\x0b",                ((1 << 64) - 8) >> 1),
    (push(-8) + push(1 << 63) + b"\x0b",          0),
    (push(0) + b"\x0e",                           1),
    (push(5) + b"\x0e",                           0),
    (push(12) + push(10) + b"\x0f",               8),
    (push(12) + push(10) + b"\x10",               14),
    (push(12) + push(10) + b"\x11",               6),
    (push(0) + b"\x12",                           -1),
    (push(4) + push(4) + b"\x13",                 1),
    (push(-1) + push(1) + b"\x14",                1),
    (push(-1) + push(1) + b"\x15",                0),
    (push(0x80) + b"\x16\x08",                    -128),
    (push(0x17f) + b"\x16\x08",                   127),
    (push(0x17f) + b"\x16\x00",                   0),
    (push(0x17f) + b"\x16\x40",                   0x17f),
    (push(-1) + b"\x2a\x0c",                      0xfff),
    (push(-1) + b"\x2a\x00",                      0),
    (push(-1) + b"\x2a\xff",                      -1),
    (push(BASE) + b"\x17",                        1),
    (push(BASE) + b"\x18",                        0x201),
    (push(BASE) + b"\x19",                        0x4030201),
    (push(BASE) + b"\x1a",                        0x807060504030201),
    (b"\x22\xff",                                 255),
    (b"\x23\x12\x34",                             0x1234),
    (b"\x24\x12\x34\x56\x78",                     0x12345678),
    (b"\x26\x00\x02",                             0x2222222222222222),
    (b"\x22\x07\x28\x02",                         14),
    (b"\x22\x07\x22\x08\x29",                     7),
    (b"\x22\x07\x22\x02\x2b\x03",                 -5),
    (b"\x22\x07\x22\x02\x32\x01",                 7),
    (b"\x22\x07\x22\x02\x32\x00",                 2),
    (b"\x22\x05\x22\x03\x22\x09\x33",             3),     # 5 3 9 become 9 5 3
    (b"\x22\x05\x22\x03\x22\x09\x33\x29",         5),
    (b"\x22\x05\x22\x03\x22\x09\x33\x29\x29",     9),
    (b"\x22\x05\x2d\x00\x07\x29\x2c\x00\x07",     5),
    (b"\x2c\x00\x09",                             0),
    (b"\x22\x01\x20\x00\x08\x22\x07\x27\x22\x09", 9),     # if_goto 8
    (b"\x22\x00\x20\x00\x08\x22\x07\x27\x22\x09", 7),
    (b"\x22\x05\x21\x00\x06\x31\x22\x02\x02",     7),     # goto over a byte that is no opcode
]
# fmt: on


@pytest.mark.parametrize(("code", "value"), VALUES, ids=lambda item: item.hex() if isinstance(item, bytes) else "")
def test_opcodes(code, value):
    assert evaluate(code + END) == value & (1 << 64) - 1


def test_every_opcode_has_a_row_and_a_value_or_an_effect():
    assert [opcode.code for opcode in TABLE] == [*range(0x01, 0x31), 0x32, 0x33, 0x34]
    tried = {instruction.opcode.name for code, _ in VALUES for instruction in check(code + END).instructions.values()}
    others = {"trace", "trace_quick", "trace16", "tracenz", "tracev", "printf"}
    assert tried | others == {opcode.name for opcode in TABLE if opcode.kind is not Kind.REFUSED}


@pytest.mark.parametrize(
    ("code", "done"),
    [
        (b"\x22\x10\x22\x04\x0c", ("trace", 16, 4)),
        (b"\x22\x10\x0d\x08\x29", ("trace", 16, 8)),
        (b"\x22\x10\x30\x01\x00\x29", ("trace", 16, 256)),
        (b"\x22\x10\x22\x40\x2f", ("tracenz", 16, 64)),
        (b"\x2e\x00\x05", ("tracev", 5)),
        (b"\x22\x02\x22\x01\x22\x00\x22\x00\x34\x02\x00\x09%d-%d\\n!\0", ("printf", b"1-2\n!")),
    ],
)
def test_effects(code, done):
    effects = Effects()
    assert evaluate(code + END, effects) == 0
    assert effects.log == [done]


def test_a_loop_ends_or_is_ended():
    counting = b"\x22\x05" + b"\x22\x01\x03\x28\x20\x00\x02" + END  # 5; again: 1 sub dup if_goto again
    assert evaluate(counting) == 0
    with pytest.raises(EvaluationError, match=str(MOST_REPEATED)):
        evaluate(b"\x21\x00\x00")


@pytest.mark.parametrize("opcode", range(0x05, 0x09))
def test_division_by_zero(opcode):
    with pytest.raises(EvaluationError, match="division by zero"):
        evaluate(push(1) + push(0) + bytes([opcode]) + END)


def test_what_cannot_be_read_is_the_targets_error():
    with pytest.raises(TargetError, match="0x10 is not mapped"):
        evaluate(b"\x22\x10\x19" + END)
    with pytest.raises(TargetError, match="no register 255"):
        evaluate(b"\x26\x00\xff" + END)


# fmt: off
REFUSED = [
    (b"",                                "offset 0: the code ends at 0 without an end"),
    (b"\x22\x01",                        "offset 2: the code ends at 2 without an end"),
    (b"\x00",                            "offset 0: there is no opcode 0x00"),
    (b"\x22\x01\x31" + END,              "offset 2: there is no opcode 0x31"),
    (b"\x35" + END,                      "offset 0: there is no opcode 0x35"),
    (b"\x22\x01\x1b" + END,              "offset 2: ref_float: floating point"),
    (b"\x01\x02" + END,                  "offset 0: float: floating point"),
    (b"\x23\x01",                        "offset 0: const16 lacks its operand"),
    (b"\x22\x01\x02" + END,              "offset 2: add needs 2 elements on the stack, there are 1"),
    (b"\x22\x01\x32\x01" + END,          "offset 2: pick needs 2 elements on the stack, there are 1"),
    (b"\x22\x01" * (DEEPEST + 1) + END,  f"offset {2 * DEEPEST}: const8 would be element {DEEPEST + 1}"),
    (b"\x22\x01\x20\x00\x99" + END,      "offset 153: the code ends at 6 without an end"),
    (b"\x22\x01\x21\x00\x00",            "offset 0: reached with 0 and with 1 elements"),
    (b"\x22\x00\x20\x00\x06\x23\x22\x27" + END, "offset 6: a jump leads into the middle"),
    (b"\x22\x00\x22\x00\x34\x00\x00\x03%d\0" + END, "printf of 0 arguments has 1 conversions"),
    (b"\x22\x00\x22\x00\x34\x00\x00\x03abc" + END,  "printf lacks the zero byte"),
    (b"\x22\x00\x22\x00\x34\x00\xff\xff" + END,     "printf lacks the zero byte"),
    (b"\x22\x00\x22\x00\x34\x00\x00\x03%f\0" + END, "printf: b'%f' cannot be printed"),
    (b"\x22\x01" * LONGEST,              f"bytes are more than the {LONGEST}"),
]
# fmt: on


@pytest.mark.parametrize(("code", "text"), REFUSED, ids=[str(n) for n in range(len(REFUSED))])
def test_refused(code, text):
    with pytest.raises(ExpressionError, match=text):
        check(code)


def test_lists_of_expressions():
    assert split(b"") == []
    assert split(b"X3,220127X1,27") == [b"\x22\x01\x27", b"\x27"]
    for bad in (b"X", b"X3", b"X3,2201", b"Y1,27", b"X1,2g", b"X,27", b"X1,27Z", b"X2, 27 ", b"Xffffffffffffffffff,"):
        with pytest.raises(ExpressionError):
            split(bad)


# -- variables whose frame base is a register


class Stack:
    """A frame at an address that needs 64 bits."""

    def __init__(self):
        self.read = []

    def register(self, number):
        return 0xFFFF_C900_0000_7F48

    def load(self, address, length):
        self.read.append(address)
        return 7


# What gdb 13 sends for variables of code from clang: int, char, with a positive offset; the last one is traced.
@pytest.mark.parametrize(
    ("code", "address"),
    [
        ("260006 1620 22f4 1608 02 19 1620 27", 0xFFFF_C900_0000_7F3C),
        ("260006 1608 22f4 1608 02 17 27", 0xFFFF_C900_0000_7F3C),
        ("260006 2a20 2210 02 19 27", 0xFFFF_C900_0000_7F58),
        ("260006 1620 23ff00 1610 02 19 27", 0xFFFF_C900_0000_7E48),
        ("260006 1620 22f4 1608 02 2204 0c 27", 0xFFFF_C900_0000_7F3C),
        ("260006 1620 22f4 1608 02 0d04 29 27", 0xFFFF_C900_0000_7F3C),
    ],
)
def test_a_frame_base_is_a_whole_register(code, address):
    stack, effects = Stack(), Effects()
    translate(check(bytes.fromhex(code)))(stack, effects)
    assert [*stack.read, *(entry[1] for entry in effects.log)] == [address]


# *(int *)((int)$rbp - 12), *((char *)(int)$rbp - 12), *(char *)((char)$rbp), (int)$rbp + 4 == 8, as gdb 13 sends them.
@pytest.mark.parametrize(
    "code",
    [
        "260006 2a40 1620 220c 03 1620 19 1620 27",
        "260006 2a40 1620 22f4 1608 02 2a40 17 1608 27",
        "260006 2a40 1608 17 1608 27",
        "260006 2a40 1620 2204 02 1620 2208 13 27",
        "260006 1620 2204 02 2208 13 27",
        "260006 1620 2204 02 27",
        "260006 1620 27",
        "260006 27",
    ],
)
def test_other_uses_of_a_register_are_as_they_were(code):
    instructions = check(bytes.fromhex(code)).instructions
    assert mend(instructions) == instructions

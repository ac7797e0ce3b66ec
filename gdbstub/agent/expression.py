"""Reading and checking an agent expression, before anything of it is evaluated.

Every path through the code is followed once with the number of elements on the stack. So a checked expression has
known opcodes whole, jumps to opcodes only, never takes from an empty stack, never fills it, and always ends.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from gdbstub.agent.errors import ExpressionError
from gdbstub.agent.opcodes import BY_CODE, Kind, Opcode
from gdbstub.agent.printf import Format, FormatError, parse_format
from gdbstub.errors import quoted

DEEPEST = 100
"""Elements that the stack has room for."""

LONGEST = 0x2000
"""Bytes of the longest expression."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """An opcode with its operand and what it prints, the offset behind it, and the elements on the stack before it."""

    opcode: Opcode
    operand: int
    next: int
    height: int
    format: Format | None = None

    @property
    def pops(self) -> int:
        """How many elements it takes."""
        return self.opcode.pops + (self.operand if self.opcode.kind is Kind.PRINT else 0)

    @property
    def height_after(self) -> int:
        """Elements on the stack behind it."""
        return self.height - self.pops + self.opcode.pushes

    def successors(self) -> Iterator[int]:
        """The offsets where evaluation may go on."""
        if self.opcode.kind is Kind.JUMP:
            yield self.operand
        if self.opcode.kind is not Kind.END and self.opcode.name != "goto":
            yield self.next


@dataclass(frozen=True)
class Expression:
    """A checked expression: what can be reached of it, by offset in order."""

    code: bytes
    instructions: dict[int, Instruction]

    @cached_property
    def registers(self) -> frozenset[int]:
        """Numbers of the registers that it reads."""
        return frozenset(i.operand for i in self.instructions.values() if i.opcode.name == "reg")

    @cached_property
    def has_value(self) -> bool:
        """Whether every end leaves an element."""
        return all(i.height > 0 for i in self.instructions.values() if i.opcode.kind is Kind.END)


def check(code: bytes) -> Expression:
    """The expression of some byte code. Raises ExpressionError."""
    if len(code) > LONGEST:
        raise ExpressionError(LONGEST, f"{len(code)} bytes are more than the {LONGEST} there is room for")
    found: dict[int, Instruction] = {}
    waiting = [(0, 0)]
    while waiting:
        offset, height = waiting.pop()
        if (known := found.get(offset)) is not None:
            if known.height != height:
                raise ExpressionError(offset, f"reached with {known.height} and with {height} elements on the stack")
            continue
        instruction = found[offset] = _read(code, offset, height)
        waiting += [(there, instruction.height_after) for there in instruction.successors()]
    _refuse_overlaps(found)
    return Expression(code, dict(sorted(found.items())))


def _read(code: bytes, offset: int, height: int) -> Instruction:
    if offset >= len(code):
        raise ExpressionError(offset, f"the code ends at {len(code)} without an end")
    opcode = BY_CODE.get(code[offset])
    if opcode is None:
        raise ExpressionError(offset, f"there is no opcode {code[offset]:#04x}")
    if opcode.kind is Kind.REFUSED:
        raise ExpressionError(offset, f"{opcode.name}: {opcode.meaning}")
    end = offset + 1 + opcode.operand
    if end > len(code):
        raise ExpressionError(offset, f"{opcode.name} lacks its operand")
    operand, printed = int.from_bytes(code[offset + 1 : end], "big"), None
    if opcode.kind is Kind.PRINT:
        printed, end = _read_format(code, offset, end, operand)
    instruction = Instruction(opcode, operand, end, height, printed)
    _check_stack(instruction, offset)
    return instruction


def _check_stack(instruction: Instruction, offset: int) -> None:
    opcode, height = instruction.opcode, instruction.height
    needed = instruction.operand + 1 if opcode.name == "pick" else instruction.pops
    if needed > height:
        raise ExpressionError(offset, f"{opcode.name} needs {needed} elements on the stack, there are {height}")
    if instruction.height_after > DEEPEST:
        raise ExpressionError(offset, f"{opcode.name} would be element {instruction.height_after} on the stack")


def _read_format(code: bytes, offset: int, start: int, arguments: int) -> tuple[Format, int]:
    """What printf prints, and the offset behind its text."""
    length = int.from_bytes(code[start : start + 2], "big")
    end = start + 2 + length
    text = code[start + 2 : end]
    if end > len(code) or text[-1:] != b"\0":
        raise ExpressionError(offset, "printf lacks the zero byte that ends its format")
    try:
        printed = parse_format(text[:-1])
    except FormatError as error:
        raise ExpressionError(offset, f"printf: {error}") from None
    if len(printed.conversions) != arguments:
        raise ExpressionError(offset, f"printf of {arguments} arguments has {len(printed.conversions)} conversions")
    return printed, end


def _refuse_overlaps(found: dict[int, Instruction]) -> None:
    """A jump into the middle of an instruction is code for nobody."""
    end = 0
    for offset, instruction in sorted(found.items()):
        if offset < end:
            raise ExpressionError(offset, "a jump leads into the middle of an opcode")
        end = instruction.next


_DIGITS = frozenset(b"0123456789abcdefABCDEF")


def split(text: bytes) -> list[bytes]:
    """The byte codes of a list ``Xlen,hex…`` without separators, as packets carry it. Raises ExpressionError."""
    return list(_split(text))


def _split(text: bytes) -> Iterable[bytes]:
    at = 0
    while at < len(text):
        head, comma, _ = text[at : at + 20].partition(b",")
        digits = head[1:]
        if not comma or head[:1] != b"X" or not digits or not set(digits) <= _DIGITS:
            raise ExpressionError(0, f"{quoted(text[at:])} is not Xlength,code")
        start = at + len(head) + 1
        at = start + 2 * int(digits, 16)
        try:
            code = bytes.fromhex(text[start:at].decode("ascii"))
        except ValueError:
            raise ExpressionError(0, f"the code is not hexadecimal: {quoted(text[start:at])}") from None
        if len(code) != int(digits, 16) or b" " in text[start:at]:
            raise ExpressionError(0, f"{len(code)} bytes of code where {int(digits, 16)} were announced")
        yield code

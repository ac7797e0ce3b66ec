"""A checked expression becomes one Python function: straight code on local variables, no loop over opcodes.

A jump forward sets ``at``, and every later piece of code runs only if ``at`` is not beyond it. A jump back goes once
more round an outer loop, and what it repeats is counted. What an opcode means is the table's text.
"""

from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import Any, Protocol

from gdbstub.agent.errors import EvaluationError
from gdbstub.agent.expression import Expression, Instruction
from gdbstub.agent.framebase import mend
from gdbstub.agent.opcodes import ALL, BITS, SIGN, Kind
from gdbstub.agent.printf import Format
from gdbstub.target import Probe

MOST_REPEATED = 100_000
"""Bytes of code that jumps back repeat in one evaluation, before it fails."""


class Effects(Protocol):
    """What an expression does besides having a value."""

    def variable(self, number: int) -> int:
        """A trace state variable's value, 0 to 2**64 - 1."""
        ...

    def set_variable(self, number: int, value: int) -> None:
        """Set a trace state variable."""
        ...

    def trace_variable(self, number: int) -> None:
        """Record a trace state variable."""
        ...

    def trace(self, probe: Probe, address: int, length: int) -> None:
        """Record memory."""
        ...

    def trace_string(self, probe: Probe, address: int, most: int) -> None:
        """Record memory up to a zero byte, which is recorded too."""
        ...

    def print(self, probe: Probe, format: Format, arguments: Sequence[int]) -> None:
        """Print on the client's console."""
        ...

    def fail(self, address: int, text: str) -> None:
        """A command at an address could not be run: print why."""
        ...


Evaluate = Callable[[Probe, Effects], int]
"""The value of an expression, 0 if it leaves none. Raises TargetError if something cannot be read."""


def _signed(value: int) -> int:
    return (value ^ SIGN) - SIGN


def _divided(a: int, b: int) -> tuple[int, int]:
    if not b:
        raise EvaluationError("division by zero")
    return divmod(a, b)


def _div_signed(a: int, b: int) -> int:
    """C's division: towards zero."""
    x, y = _signed(a), _signed(b)
    quotient, _ = _divided(abs(x), abs(y))
    return (quotient if (x < 0) is (y < 0) else -quotient) & ALL


def _rem_signed(a: int, b: int) -> int:
    x, y = _signed(a), _signed(b)
    _, remainder = _divided(abs(x), abs(y))
    return (-remainder if x < 0 else remainder) & ALL


def _too_long() -> None:
    raise EvaluationError(f"the expression repeated more than {MOST_REPEATED} bytes of itself")


def translate(expression: Expression) -> Evaluate:
    """The function of an expression."""
    formats: list[Format] = []
    lines = ["def evaluate(probe, effects):", *_body(expression, formats)]
    code: CodeType = compile("\n".join(lines), "<agent expression>", "exec")
    names: dict[str, Any] = {
        "ALL": ALL, "SIGN": SIGN, "formats": formats, "too_long": _too_long, "min": min,
        "div_signed": _div_signed, "rem_signed": _rem_signed,
        "div_unsigned": lambda a, b: _divided(a, b)[0], "rem_unsigned": lambda a, b: _divided(a, b)[1],
        "__builtins__": {},
    }  # fmt: skip
    exec(code, names)
    evaluate: Evaluate = names["evaluate"]
    return evaluate


def _body(expression: Expression, formats: list[Format]) -> Iterator[str]:
    instructions = mend(expression.instructions)
    targets = {i.operand for i in instructions.values() if i.opcode.kind is Kind.JUMP}
    if not targets:
        yield from (f" {line}" for line in _Block(formats, 0).lines(instructions, 0, targets))
        return
    yield from (" at = repeated = 0", " while True:")
    behind = {i.next for i in instructions.values() if i.opcode.kind is Kind.JUMP} & instructions.keys()
    starts = sorted({0} | targets | behind)
    for start in starts:
        yield f"  if at <= {start}:"
        block = _Block(formats, instructions[start].height)
        lines = [*block.lines(instructions, start, set(starts))]
        yield from (f"   {line}" for line in lines or ["pass"])


class _Block:
    """The Python of code without a jump into it. The stack holds texts: numbers, or names of local variables."""

    def __init__(self, formats: list[Format], height: int) -> None:
        self._formats = formats
        self._stack = [f"s{index}" for index in range(height)]
        self._temporaries = 0

    def lines(self, instructions: dict[int, Instruction], start: int, starts: set[int]) -> Iterator[str]:
        """From one offset to the next jump, end, or offset that can be jumped to."""
        offset = start
        while True:
            instruction = instructions[offset]
            yield from self._line(instruction, offset)
            offset = instruction.next
            if instruction.opcode.kind in (Kind.JUMP, Kind.END):
                return
            if offset in starts:
                yield from self._spill()
                return

    def _line(self, instruction: Instruction, offset: int) -> Iterator[str]:
        opcode, n, stack = instruction.opcode, instruction.operand, self._stack
        match opcode.kind:
            case Kind.CONSTANT | Kind.MOVE:
                self._move(opcode.name, n)
            case Kind.END:
                yield f"return {stack[-1] if stack else 0}"
            case Kind.JUMP:
                yield from self._jump(instruction, offset)
            case Kind.PRINT:
                yield self._print(instruction)
            case Kind.KEPT:
                yield opcode.python.format(stack[-1], n=n)
            case Kind.EFFECT:
                yield opcode.python.format(*self._pop(opcode.pops), n=n)
            case _:
                yield from self._value(instruction)

    def _pop(self, count: int) -> list[str]:
        taken = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return taken

    def _value(self, instruction: Instruction) -> Iterator[str]:
        opcode, n = instruction.opcode, instruction.operand
        if opcode.kind is Kind.MASK and n >= BITS:
            return
        taken = self._pop(opcode.pops)
        sign = 1 << n >> 1
        text = opcode.python.format(*taken, n=n, mask=f"{(1 << min(n, BITS)) - 1:#x}", sign=f"{sign:#x}")
        self._temporaries += 1
        name = f"t{self._temporaries}"
        self._stack.append(name)
        yield f"{name} = {text}"

    def _move(self, name: str, n: int) -> None:
        stack = self._stack
        match name:
            case "dup":
                stack.append(stack[-1])
            case "pop":
                stack.pop()
            case "swap":
                stack[-2:] = stack[-1], stack[-2]
            case "pick":
                stack.append(stack[-1 - n])
            case "rot":
                stack[-3:] = stack[-1], stack[-3], stack[-2]
            case _:
                stack.append(f"{n:#x}")

    def _spill(self) -> Iterator[str]:
        """Give the elements the names under which the next block finds them."""
        moved = [(f"s{index}", text) for index, text in enumerate(self._stack) if text != f"s{index}"]
        if moved:
            yield f"{', '.join(name for name, _ in moved)} = {', '.join(text for _, text in moved)}"

    def _jump(self, instruction: Instruction, offset: int) -> Iterator[str]:
        condition = self._stack.pop() if instruction.opcode.name == "if_goto" else ""
        if condition.startswith("s"):  # the spill may give this name to another element
            yield f"c = {condition}"
            condition = "c"
        yield from self._spill()
        steps = [f"at = {instruction.operand}"]
        if instruction.operand <= offset:
            repeated = instruction.next - instruction.operand
            steps += [f"repeated += {repeated}", f"if repeated > {MOST_REPEATED}: too_long()", "continue"]
        yield from ([f"if {condition}:", *(f" {step}" for step in steps)] if condition else steps)

    def _print(self, instruction: Instruction) -> str:
        assert instruction.format is not None
        taken = self._pop(instruction.pops)[:-2]
        self._formats.append(instruction.format)
        arguments = "".join(f"{text}, " for text in reversed(taken))  # the first argument is the highest
        return f"effects.print(probe, formats[{len(self._formats) - 1}], ({arguments}))"

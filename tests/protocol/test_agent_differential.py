"""Agent expressions at random, against an evaluation written apart: a plain loop, as the manual tells them."""

import ctypes
import errno
import struct
from functools import partial

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gdbstub.agent.errors import EvaluationError, ExpressionError
from gdbstub.agent.expression import check
from gdbstub.agent.framebase import mend
from gdbstub.agent.opcodes import BY_CODE, TABLE
from gdbstub.agent.translate import MOST_REPEATED, translate
from gdbstub.errors import TargetError
from tests.protocol.test_agent import BASE, END, Effects, Probe, evaluate, push

WORDS = {0x17: 1, 0x18: 2, 0x19: 4, 0x1A: 8}
CONSTANTS = {0x22: 1, 0x23: 2, 0x24: 4, 0x25: 8}


def u(value):
    return ctypes.c_uint64(value).value


def s(value):
    return ctypes.c_int64(value).value


def divide(a, b):
    if b == 0:
        raise EvaluationError("division by zero")
    return int(abs(a) // abs(b)) * (1 if (a >= 0) == (b >= 0) else -1)


BINARY = {
    0x02: lambda a, b: a + b,
    0x03: lambda a, b: a - b,
    0x04: lambda a, b: a * b,
    0x05: lambda a, b: divide(s(a), s(b)),
    0x06: divide,
    0x07: lambda a, b: s(a) - divide(s(a), s(b)) * s(b),
    0x08: lambda a, b: a - divide(a, b) * b,
    0x09: lambda a, b: a << b if b < 64 else 0,
    0x0A: lambda a, b: s(a) >> b if b < 64 else (-1 if s(a) < 0 else 0),
    0x0B: lambda a, b: a >> b if b < 64 else 0,
    0x0F: lambda a, b: a & b,
    0x10: lambda a, b: a | b,
    0x11: lambda a, b: a ^ b,
    0x13: lambda a, b: int(a == b),
    0x14: lambda a, b: int(s(a) < s(b)),
    0x15: lambda a, b: int(a < b),
}


def extended(value, bits):
    """The low bits with their sign."""
    low = value % (1 << bits)
    return u(low - (1 << bits) if bits and low >> (bits - 1) else low)


def combine(operation, stack, _n):
    b, a = stack.pop(), stack.pop()
    stack.append(u(operation(a, b)))


def load(length, stack, _n):
    stack.append(Probe().load(stack.pop(), length))


# fmt: off
MOVES = {
    # what becomes of the stack, top last; n is the operand
    **{op: partial(combine, operation) for op, operation in BINARY.items()},
    **{op: partial(load, length) for op, length in WORDS.items()},
    **{op: lambda stack, n: stack.append(n) for op in CONSTANTS},
    0x0E: lambda stack, n: stack.append(int(not stack.pop())),
    0x12: lambda stack, n: stack.append(u(~stack.pop())),
    0x16: lambda stack, n: stack.append(extended(stack.pop(), n)) if n < 64 else None,
    0x26: lambda stack, n: stack.append(Probe().register(n)),
    0x28: lambda stack, n: stack.append(stack[-1]),
    0x29: lambda stack, n: stack.pop(),
    0x2A: lambda stack, n: stack.append(stack.pop() % (1 << n)) if n < 64 else None,
    0x2B: lambda stack, n: stack.extend((stack.pop(), stack.pop())),
    0x32: lambda stack, n: stack.append(stack[len(stack) - 1 - n]),
    0x33: lambda stack, n: stack.extend((stack.pop(), *reversed((stack.pop(), stack.pop())))),
}
TELLS = {
    # and of what else there is
    0x0C: lambda effects, stack, n: effects.trace(None, *reversed((stack.pop(), stack.pop()))),
    0x0D: lambda effects, stack, n: effects.trace(None, stack[-1], n),
    0x2C: lambda effects, stack, n: stack.append(effects.variable(n)),
    0x2D: lambda effects, stack, n: effects.set_variable(n, stack[-1]),
    0x2E: lambda effects, stack, n: effects.trace_variable(n),
    0x2F: lambda effects, stack, n: effects.trace_string(None, *reversed((stack.pop(), stack.pop()))),
    0x30: lambda effects, stack, n: effects.trace(None, stack[-1], n),
}
# fmt: on


def plain(code, effects):
    """The reference: top of the stack last; raises what the translated code raises."""
    stack, pc, back = [], 0, 0
    while True:
        op, here = code[pc], pc
        size = BY_CODE[op].operand
        n = int.from_bytes(code[pc + 1 : pc + 1 + size], "big")
        pc += 1 + size
        if op == 0x27:
            return u(stack[-1]) if stack else 0
        if op in MOVES:
            MOVES[op](stack, n)
        elif op in TELLS:
            TELLS[op](effects, stack, n)
        elif op == 0x21 or (op == 0x20 and stack.pop()):
            back += pc - n if n <= here else 0
            pc = n
            if back > MOST_REPEATED:
                raise EvaluationError("too long")


numbers = st.one_of(
    st.integers(0, (1 << 64) - 1),
    st.sampled_from([0, 1, 2, 63, 64, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, BASE, BASE + 255]),
)


def jump(condition, first, second, at):
    """condition ? first : second, at an offset."""
    head = condition(at)
    other = second(at + len(head) + 3)
    end_of_other = at + len(head) + 3 + len(other) + 3
    then = first(end_of_other)
    goto = b"\x21" + struct.pack(">H", end_of_other + len(then))
    return head + b"\x20" + struct.pack(">H", end_of_other) + other + goto + then


def wider(inner):
    """Expressions that leave one element, made of ones that do; a function from offset to code."""
    unary = st.sampled_from(
        [b"\x0e", b"\x12", b"\x16\x08", b"\x16\x01", b"\x16\x3f", b"\x2a\x10", b"\x28\x02", b"\x17", b"\x1a",
         b"\x0d\x08", b"\x30\x01\x02", b"\x2d\x00\x03", b"\x2e\x00\x03", b"\x28\x22\x02\x33\x03\x2b\x04",
         b"\x28\x2b\x32\x01\x33\x29\x02", b"\x28\x28\x0c", b"\x28\x28\x2f"]
    )  # fmt: skip
    return st.one_of(
        st.tuples(inner, unary).map(lambda two: lambda at: two[0](at) + two[1]),
        st.tuples(inner, inner, st.sampled_from(sorted(BINARY))).map(
            lambda three: lambda at: (a := three[0](at)) + three[1](at + len(a)) + bytes([three[2]])
        ),
        st.tuples(inner, inner, inner).map(lambda three: lambda at: jump(*three, at)),
    )


leaves = st.one_of(
    numbers.map(lambda value: lambda at: push(value)),
    st.integers(0, 15).map(lambda number: lambda at: b"\x26" + struct.pack(">H", number)),
    st.just(lambda at: b"\x2c\x00\x03"),
)
expressions = st.recursive(leaves, wider, max_leaves=12).map(lambda make: make(0) + END)


def outcome(run, code):
    effects = Effects()
    try:
        return run(code, effects), effects.log, effects.variables
    except TargetError as error:
        return error.errno, effects.log, effects.variables


@settings(max_examples=600, deadline=None)
@given(expressions)
def test_random_expressions(code):
    assert outcome(evaluate, code) == outcome(plain, code)


pieces = st.one_of(
    st.sampled_from([bytes([opcode.code]) for opcode in TABLE if not opcode.operand and opcode.code != 0x27]),
    st.tuples(st.sampled_from([0x20, 0x21]), st.integers(0, 24)).map(lambda two: struct.pack(">BH", *two)),
    st.tuples(st.sampled_from([0x22, 0x16, 0x2A, 0x32]), st.integers(0, 70)).map(bytes),
    st.just(b"\x26\x00\x02"),
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(pieces, max_size=14).map(lambda parts: b"\x22\x02\x22\x03\x22\x04" + b"".join(parts) + END))
@example(b"\x22\x01\x20\x00\x08\x22\x00\x29\x27")
@example(b"\x22\x05\x22\x01\x03\x28\x20\x00\x02\x27")
def test_random_bytes_are_refused_or_evaluated(code):
    try:
        check(code)
    except ExpressionError:
        return
    instructions = check(code).instructions
    if b"\x34" not in code and mend(instructions) == instructions:
        assert outcome(evaluate, code) == outcome(plain, code)


@given(st.binary(max_size=60))
def test_bytes_never_raise_anything_else(code):
    try:
        expression = check(code)
    except ExpressionError as error:
        assert error.errno == errno.EINVAL
        return
    outcome(lambda _code, effects: translate(expression)(Probe(), effects), code)

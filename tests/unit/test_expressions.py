"""Expressions: numbers, registers, symbols, memory and arithmetic; and how a line is cut into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringscope.arguments import split_words
from ringscope.expressions import evaluate
from tests.machine.bare import KERNEL


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0x10", 16),
        ("10", 10),
        ("010", 10),
        ("0b11", 3),
        ("1_000", 1000),
        ("2+3*4", 14),
        ("(2+3)*4", 20),
        ("-1", 2**64 - 1),
        ("~0", 2**64 - 1),
        ("10-3-2", 5),
        ("1<<12|7", 0x1007),
        ("0xff&0x3c^4", 0x38),
        ("0x100>>4", 16),
        ("store-start", 16),
        ("$rip", KERNEL),
        ("$pc+1", KERNEL + 1),
        ("$RSP", 0x280000),
        ("[current_task]", 0x200200),
        ("$esp&0xffff", 0),
        ("[init_task + 8]", 1),
        ("$ah", 0),
    ],
)
def test_an_expression(session, expression, value):
    assert session.evaluate(expression) == value


def operation(parts):
    (left, a), operator, (right, b) = parts
    value = {"+": a + b, "-": a - b, "*": a * b, "&": a & b, "|": a | b, "^": a ^ b}[operator]
    return f"({left} {operator} {right})", value % 2**64


LEAVES = st.integers(0, 2**64 - 1).flatmap(
    lambda n: st.sampled_from([(str(n), n), (hex(n), n), (f"~{n}", n ^ 2**64 - 1)])
)
TREES = st.recursive(LEAVES, lambda below: st.tuples(below, st.sampled_from("+-*&|^"), below).map(operation))


@given(TREES)
def test_arithmetic_is_modulo_two_to_the_64(tree):
    expression, value = tree
    assert evaluate(expression, None, None) == value


def test_words_keep_brackets_together():
    assert split_words("a (b c) [d e]f  g") == ["a", "(b c)", "[d e]f", "g"]
    assert split_words(" a b  c d ", 2) == ["a", "b", "c d"]

"""gdb's monitor: hostile lines are refused in a sentence, long output comes in large pieces."""

import pytest

from gdbstub.errors import TargetError
from ringscope.boot import Configuration, power_on
from ringscope.monitor import PIECE, make_monitor


@pytest.fixture(scope="module")
def monitor():
    return make_monitor(power_on(Configuration()))


@pytest.mark.parametrize("line", [f"sym {character * 3000}" for character in "([-~"] + ["sym " + "1+" * 3000 + "1"])
def test_deep_expressions_are_refused(monitor, line):
    with pytest.raises(TargetError, match="terms"):
        monitor(line, lambda text: None)


def test_a_pattern_is_no_program(monitor):
    with pytest.raises(TargetError, match="holds"):
        monitor("symbols ([a-z]+_?)+9", lambda text: None)


def test_patterns_find(monitor):
    said = []
    monitor("symbols do_sys*64", said.append)
    assert "do_syscall_64" in "".join(said)


def test_long_output_comes_in_large_pieces(monitor):
    said = []
    monitor("symbols", said.append)
    assert len("".join(said)) > 2 * PIECE
    assert all(len(piece) >= PIECE for piece in said[:-1])


def test_an_unknown_command_names_itself(monitor):
    with pytest.raises(TargetError, match="frobnicate"):
        monitor("frobnicate", lambda text: None)

"""Stock gdb with `monitor view-memory` and `monitor step-policy`; a wrong word gets a suggestion."""

import pytest

from tests.realgdb.harness import gdb_batch

pytestmark = pytest.mark.gdb


def test_memory_through_other_tables_and_physical(socket, guest):
    output = gdb_batch(
        *("break do_syscall_64", "continue", "p/x $cr3", "set $user = 0x400000", "x/gx $user"),
        *("monitor view-memory physical", "x/gx 0x1000000", "monitor view-memory current", "x/gx &_text"),
        *("monitor view-memory 0xff0000", "x/gx &_text", "monitor view-memory $cr3", "x/gx $user"),
        *("monitor view-memory nonsense", "kill"),
        connect=socket,
        file=guest.kernel,
    )
    lines = output.splitlines()
    user = [line for line in lines if line.startswith("0x400000:")]
    assert len(user) >= 2 and user[0] == user[-1]
    physical = next(line.split(":")[1] for line in lines if line.startswith("0x1000000"))
    assert next(line for line in lines if line.startswith("0xffffffff81000000")).endswith(physical)
    assert "Cannot access memory at address 0xffffffff81000000" in output
    assert "no symbol 'nonsense'" in output


def test_a_step_policy_is_told_and_ends_with_the_session(socket, guest):
    said = gdb_batch("monitor step-policy over", "monitor step-policy", "detach", connect=socket)
    assert said.count("The step policy is over-exceptions.") == 2
    assert "The step policy is raw." in gdb_batch("monitor step-policy", "kill", connect=socket)


def test_an_unknown_command_gets_a_suggestion(socket):
    said = gdb_batch("monitor stp-policy", "monitor cach list", "monitor frobnicate", "kill", connect=socket)
    assert "did you mean step-policy?" in said
    assert "did you mean catch?" in said
    assert "no command 'frobnicate'; `help` lists what there is" in said

"""What stock gdb sends for one step, packet by packet: what docs/gdb.md says of it."""

import re

import pytest

from ringscope.serve import gdb_commands, scripts
from tests.realgdb.served import booted

pytestmark = pytest.mark.gdb

TO_A_STEP = ("hbreak do_syscall_64", "continue", "stepi", "stepi")
AFTER_IT = ("maint packet qC", "kill")
"""Ends the step that is looked at: gdb asks for nothing else at a prompt."""
KEEPS_BREAKPOINTS = "set breakpoint always-inserted on"
KEEPS_MEMORY = ("python gdb.execute('delete mem')", "mem 0 0 rw cache")


def sent_for(served, command, *settings):
    """The packets of one command, by what they are for."""
    served.gdb(*settings, *TO_A_STEP, "maint packet qC", command, *AFTER_IT)
    marks = [index for index, packet in enumerate(served.packets) if packet == b"qC"]
    kinds = [kind(packet) for packet in served.packets[marks[-2] + 1 : marks[-1]]]
    # A frame may lie on two of the lines of 64 bytes that gdb reads of a stack.
    return [this for this, before in zip(kinds, ["", *kinds], strict=False) if (this, before) != ("64 of stack",) * 2]


def kind(packet):
    if match := re.fullmatch(rb"m([0-9a-f]+),([0-9a-f]+)", packet):
        where = "code" if match[1].startswith(b"ffffffff8") else "stack"
        return f"{int(match[2], 16)} of {where}"
    return re.match(rb"vCont;[sr]|[zZ][01]|qXfer:threads|.*", packet)[0].decode()


def test_a_step(served):
    code = ["1 of code"] * 2
    assert sent_for(served, "stepi") == [
        *("Z1", "vCont;s", *code, "64 of stack", "qXfer:threads", "z1", *code),
    ]


def test_breakpoints_that_stay_cost_a_step_nothing(served):
    code = ["1 of code"] * 2
    assert sent_for(served, "stepi", KEEPS_BREAKPOINTS) == [
        *("vCont;s", *code, "64 of stack", "qXfer:threads", *code),
    ]


def test_memory_that_gdb_keeps_while_nothing_runs(served):
    found = sent_for(served, "stepi", KEEPS_BREAKPOINTS, *KEEPS_MEMORY)
    assert found == ["vCont;s", "64 of code", "64 of stack", "qXfer:threads"]


def test_no_register_is_asked_for(served):
    assert not {"g", "p"} & {packet[:1] for packet in sent_for(served, "step")}


def test_a_page_at_two_addresses(served):
    output = served.gdb(
        *(f"source {scripts() / 'loader.py'}", "hbreak do_syscall_64", "continue", "print nr"),
        *(r"python walk = gdb.execute('x86 walk &nr', to_string=True)", "python import re"),
        "python physical = int(re.search('physical (0x[0-9a-f]+)', walk)[1], 16)",
        "python gdb.execute(f'set var *(int *) (0xffff888000000000 + {physical}) = 77')",
        *("print nr", "kill"),
    )
    assert "$1 = 1\n" in output and "$2 = 77\n" in output


def test_the_commands_that_attach_keep_breakpoints():
    assert KEEPS_BREAKPOINTS in gdb_commands(booted(), "127.0.0.1:1234")

"""`record btrace bts` in stock gdb: what ran, across rings and system calls, and back through it."""

import re

import pytest

pytestmark = pytest.mark.gdb

LISTS = ("info record", "record instruction-history")
AT_A_WRITE = ("break do_syscall_64 if regs->orig_ax == 1", "continue")


def test_what_ran_is_listed(served):
    output = served.gdb(*AT_A_WRITE, "record btrace bts", "continue", *LISTS, "kill")
    assert "Recording format: Branch Trace Store.\nBuffer size: 64kB." in output
    assert re.search(r"Recorded [0-9]{4,} instructions in [0-9]+ functions \(0 gaps\)", output)
    history = re.findall(r"^\d+\s+0x[0-9a-f]+ <(\w+)\+\d+>:\s+(\w+)", output, re.MULTILINE)
    assert ("entry_SYSCALL_64", "call") in history and history[-1][0] == "do_syscall_64"


def test_functions_of_both_rings(served):
    output = served.gdb(
        *(*AT_A_WRITE, "record btrace bts", "continue"),
        *("set record function-call-history-size 0", "record function-call-history", "kill"),
    )
    names = re.findall(r"^\d+\s+(\S+)$", output, re.MULTILINE)
    assert {"??", "entry_SYSCALL_64", "do_syscall_64", "vfs_write"} <= set(names), "?? is code of ring 3"


def test_back_and_forth(served):
    output = served.gdb(
        *(*AT_A_WRITE, "delete", "record btrace bts", "tbreak entry_SYSCALL_64", "continue"),
        *("reverse-stepi", "set record btrace replay-memory-access read-write", "x/i $pc", "stepi"),
        *("record stop", "print $rsp != 0", "kill"),
    )
    assert re.search(r"=> 0x4[0-9a-f]+:\s+syscall", output), "ring 3's instruction that entered the kernel"
    assert "No more reverse-execution history.\nentry_SYSCALL_64 ()" in output and "$1 = 1" in output


def test_to_the_beginning_and_to_the_end(served):
    output = served.gdb(
        *(*AT_A_WRITE, "delete", "record btrace bts", "tbreak vfs_write", "continue", "reverse-stepi", "print/x $pc"),
        *("reverse-continue", "print $rsp", "print/x $pc", "continue", "print/x $pc"),
        *("record stop", "kill"),
    )
    values = re.findall(r"^\$\d+ = (\S+)", output, re.MULTILINE)
    assert values[1] == "<unavailable>", "the trace holds no registers but the program counter"
    assert output.count("No more reverse-execution history.") == 2
    assert int(values[2], 16) < int(values[0], 16) < int(values[3], 16)


def test_a_trace_that_grows_is_read_in_pieces(served):
    served.gdb(*AT_A_WRITE, "record btrace bts", *("stepi", "info record") * 3, "kill")
    deltas = served.sent(b"qXfer:btrace:read:delta")
    assert len(deltas) >= 3 and not served.sent(b"qXfer:btrace:read:all")


def test_the_buffers_size(served):
    output = served.gdb(
        *("set record btrace bts buffer-size 2400", *AT_A_WRITE, "record btrace bts", "continue", "info record", "kill")
    )
    assert "Buffer size: 2400" in output
    functions = int(re.search(r"instructions in (\d+) functions", output)[1])
    assert 1 < functions <= 101


def test_the_record_ends_with_the_session(served):
    served.gdb(*AT_A_WRITE, "record btrace bts", "stepi")
    assert served.target.machine.cpu.progress.trace is None

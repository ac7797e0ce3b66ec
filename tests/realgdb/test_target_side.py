"""Stock gdb leaves conditions and dprintf to the target: what the user types, and what gdb then says and sends."""

import re
import threading

import pytest

pytestmark = pytest.mark.gdb


def test_a_condition_is_asked_at_the_target(served):
    output = served.gdb(
        "break do_syscall_64 if regs->orig_ax == 59",
        *("continue", "info breakpoints", "print regs->orig_ax", "print $cs", "delete", "kill"),
    )
    assert "stop only if regs->orig_ax == 59 (target evals)" in output
    assert "breakpoint already hit 1 time" in output and "$1 = 59" in output and "$2 = 16" in output
    assert len(served.sent(b"vCont;c")) == 1, "no false hit came to gdb"
    assert re.match(rb"Z0,[0-9a-f]+,1;X", served.sent(b"Z0")[0])


def test_a_condition_in_a_program_of_ring_3(served):
    output = served.gdb(
        *("tbreak do_syscall_64 if regs->orig_ax == 1", "continue"),
        *("break *regs->ip if $rax != 1 && $cs == 0x33", "continue", "print $cs", "kill"),
    )
    assert "$1 = 51" in output and len(served.sent(b"vCont;c")) == 2


def test_a_variable_on_a_frame_base_that_is_a_register(served):
    output = served.gdb(*("break do_syscall_64 if nr == 59", "continue", "print nr", "kill"))
    assert "$1 = 59" in output
    assert len(served.sent(b"vCont;c")) == 1


def test_a_watchpoint_with_a_condition(served):
    output = served.gdb(
        *("watch jiffies if jiffies % 4 == 0 && jiffies > 4", "continue", "continue", "print jiffies"),
        *("info breakpoints", "kill"),
    )
    assert "New value = 8" in output and "New value = 12" in output and "$1 = 12" in output
    assert b";X" not in served.sent(b"Z2")[0], "gdb 13 asks the conditions of watchpoints itself"


def test_dprintf_prints_at_the_target_and_never_stops(served):
    output = served.gdb(
        r'dprintf do_syscall_64,"syscall %ld from %#lx %s\n", regs->orig_ax, regs->ip, (char *) &init_task.comm',
        *("break do_exit", "continue", "info breakpoints", "kill"),
    )
    lines = re.findall(r"^syscall (\d+) from (0x4[0-9a-f]+) (\S+)$", output, re.MULTILINE)
    assert len(lines) > 5 and {name for *_, name in lines} == {"swapper"}
    assert output.index("syscall 1 ") < output.index("Breakpoint 2, do_exit")
    assert re.search(r"dprintf.*\n.*agent-printf", output)
    assert len(served.sent(b"vCont;c")) == 1
    assert b";cmds:1,X" in served.sent(b"Z0")[0]


def test_a_conditional_dprintf(served):
    output = served.gdb(
        r'dprintf do_syscall_64,"exec of %s\n", (char *) regs->di',
        *("condition 1 regs->orig_ax == 59", "break do_execveat_common", "continue", "continue", "continue", "kill"),
    )
    assert re.findall(r"^exec of (\S+)$", output, re.MULTILINE) == ["/bin/sh"]


def test_dprintf_goes_on_when_gdb_is_gone(served):
    served.gdb(
        *("set disconnected-dprintf on", "set breakpoint always-inserted on"),
        *(r'dprintf do_syscall_64,"syscall %ld\n", regs->orig_ax', "detach"),
    )
    for _ in range(1000):
        if len(served.server._resident.console._text) > 40:
            break
        threading.Event().wait(0.01)
    assert not served.sent(b"z0")
    output = served.gdb("break timer_interrupt", "continue", "kill")
    assert "syscall 1\nsyscall 2\n" in output

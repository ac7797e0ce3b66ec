"""Stock gdb on the contexts of kernel code: task, interrupt, softirq, and ksoftirqd when there is too much."""

import re

import pytest

from tests.realgdb.harness import values
from tests.realgdb.served import gdb_from_boot

pytestmark = pytest.mark.gdb


@pytest.fixture
def gdb(tmp_path):
    """gdb(append, commands…) -> what gdb printed, from the first instruction on."""

    return lambda append, *commands: gdb_from_boot(tmp_path, f"quiet {append}", *commands)


def test_each_context_has_its_name(gdb):
    output = gdb(
        "init_action=poweroff /bin/signals",
        *("tbreak sys_write", "continue", "print current_context", "print __preempt_count"),
        *("tbreak timer_interrupt", "continue", "print current_context", "print/x __preempt_count"),
        *("tbreak run_timer_softirq", "continue", "print current_context", "print/x __preempt_count", "bt"),
    )
    assert values(output) == ["PROCESS_CONTEXT", "0", "HARDIRQ_CONTEXT", "0x10000", "SOFTIRQ_CONTEXT", "0x100"]
    assert re.search(r"(?s)run_timer_softirq .* __do_softirq .* irq_exit .* common_interrupt ", output)


def test_an_interrupt_returns_to_ring_3_by_iretq(gdb):
    output = gdb(
        "init_action=poweroff /bin/hogs hogs=1",
        *("tbreak timer_interrupt if (irq_regs->cs & 3) == 3", "continue", "print/x irq_regs->cs"),
        *("tbreak irqentry_exit_to_user_mode", "continue", "print current_context"),
        *(
            "tbreak swapgs_restore_regs_and_return_to_usermode",
            "continue",
            "tbreak *native_irq_return_iret",
            "continue",
        ),
        *("print/x $cs", "stepi", "print/x $cs"),
    )
    assert values(output) == ["0x33", "PROCESS_CONTEXT", "0x10", "0x33"]


def test_too_much_is_left_to_ksoftirqd(gdb):
    output = gdb(
        "panic=-1 init=/bin/usertests -- ksoftirqd_takes_over",
        *("tbreak wakeup_softirqd", "continue", "bt 3", "tbreak spawn_ksoftirqd if ksoftirqd_wanted", "continue"),
        *("print current_context", "tbreak run_ksoftirqd", "continue", "print current_task->comm"),
        *("print current_task->parent->pid", "tbreak storm_callback", "continue", "print current_context", "bt"),
    )
    assert values(output)[0] == "PROCESS_CONTEXT" and values(output)[1].startswith('"ksoftirqd/0')
    assert values(output)[2:] == ["0", "SOFTIRQ_CONTEXT"]
    assert re.search(r"(?s)storm_callback .* tasklet_action .* __do_softirq .* run_ksoftirqd ", output)

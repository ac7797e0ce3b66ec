"""Stock gdb on our kernel on several processors: start-up, the lock, interrupts from one to another, shootdown, moving."""

import re

import pytest

from machine.limits import QUANTUM
from ringscope.boot import power_on
from ringscope.configuration import Configuration
from tests.realgdb.harness import gdb_batch
from tests.realgdb.served import served

pytestmark = pytest.mark.gdb

TRAMPOLINE = 0x9E000


@pytest.fixture
def gdb(tmp_path):
    """gdb(append, commands…) -> what gdb printed, from the first instruction on, of two processors."""

    def run(append, *commands):
        guest = power_on(Configuration(append=f"quiet init_action=poweroff {append}", processors=(2, QUANTUM)))
        with served(guest, tmp_path / "gdb.sock") as server:
            return gdb_batch(*commands, file=guest.kernel, connect=server.address, seconds=100)

    return run


def values(output):
    return re.findall(r"^\$\d+ = (.*)", output, re.MULTILINE)


def test_from_real_mode_to_an_idle_task(gdb):
    output = gdb(
        "",
        *("tbreak wakeup_secondary_cpu_via_init", "continue", "print/x start_eip", "info threads"),
        *(f"hbreak *{TRAMPOLINE:#x}", "continue", "thread", "print/x $cs", "print $cr0 & 1", "delete"),
        *("tbreak startup_32_smp", "continue", "thread", "print $cr0 & 1", "print ($efer & 0x500) != 0"),
        *("tbreak startup_64_smp", "continue", "print/x $efer & 0x500", "tbreak start_secondary", "continue", "bt"),
        *("tbreak cpu_idle", "continue", "thread", "print $lx_current(1).comm" if False else "print runqueues.cpu"),
        *("print/x __cpu_online_mask.bits[0]", "print kernel_flag.owner"),
    )
    assert "not started" in output.split("hbreak")[0]
    assert re.findall(r"Current thread is (\d)", output) == ["2", "2", "2"]
    assert values(output) == [
        *(hex(TRAMPOLINE), hex(TRAMPOLINE >> 4), "0", "1", "0", "0x500", "0", "0x3", "1")
    ]
    assert re.search(r"#0  start_secondary \(\).*\n#1 .* secondary_startup_64 \(\)", output)


def test_one_at_a_time_is_in_the_kernel(gdb):
    """The other one waits at its door, in wait_for_lock, for whoever has the lock."""
    output = gdb(
        "/bin/hogs hogs=2",
        *("tbreak wait_for_lock", "continue", "print cpu", "print kernel_flag.owner == cpu", "print kernel_flag.owner"),
        *("bt", "print kernel_flag.waiting", "tbreak smp_poll", "continue", "print kernel_flag.waiting"),
    )
    waits, same, owner, before, after = values(output)
    assert {waits, owner} == {"0", "1"} and same == "0" and (before, after) == ("0", "1")
    assert re.search(r"(?s)#0  wait_for_lock .*#1 .* lock_kernel \(\)", output)


def test_each_has_its_own_variables(gdb):
    output = gdb(
        "/bin/hogs hogs=2",
        *("tbreak sysvec_tick if (regs->cs & 3) == 3", "continue", "thread"),
        *("print *(int *) ((char *) &cpu_number + __per_cpu_offset[1])", "print cpu_number"),
        *("set $second = *(struct task_struct **) ((char *) &current_task + __per_cpu_offset[1])",),
        *("print $second->comm", "print $second->thread_info.cpu", "print $second == current_task"),
        *("print $gs_base == (unsigned long) &__per_cpu_start + __per_cpu_offset[1]",),
    )
    assert "Current thread is 2" in output
    assert values(output) == ["1", "0", '"hogs\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000"', "1", "0", "1"]


def test_a_shootdown(gdb):
    """mprotect of a page that the other processor writes to: an interrupt, and the sender waits until it was served."""
    output = gdb(
        "/bin/threads",
        *("tbreak smp_flush_tlb if mask->bits[0] & 2", "continue", "bt", "print/x mask->bits[0]"),
        *("tbreak sysvec_invalidate_tlb", "continue", "thread", "tbreak local_flush_tlb_range", "continue", "bt 4"),
        *("print/x flush.cpus.bits[0]", "finish", "next", "next", "print/x flush.cpus.bits[0]"),
    )
    assert re.search(r"(?s)#0  smp_flush_tlb .*flush_tlb_others", output)
    assert "Current thread is 2" in output
    assert re.search(r"(?s)#0  local_flush_tlb_range .*do_flush_tlb", output)


def test_a_task_moves_to_another_processor(gdb):
    output = gdb(
        "/bin/hogs hogs=3",
        *("tbreak move_task", "continue", "print task_cpu(p) == cpu", "print p->comm", "finish"),
    )
    assert values(output)[0] == "0"


def test_a_signal_reaches_the_other_processor(gdb):
    output = gdb("/bin/hogs hogs=2", "tbreak smp_send_reschedule", "continue", "bt", "print cpu", "tbreak sysvec_reschedule", "continue", "thread")
    assert re.search(r"#0  smp_send_reschedule \(cpu=1\)", output)
    assert "Current thread is 2" in output

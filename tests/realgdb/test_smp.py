"""Stock gdb on our kernel on two processors: start-up, lock, interrupts from one to the other, shootdown, moving."""

import re

import pytest

from machine.limits import QUANTUM
from tests.realgdb.harness import values
from tests.realgdb.served import booted, gdb_on

pytestmark = pytest.mark.gdb

TRAMPOLINE = 0x9E000
HERE = r"Current thread is (\d)"


@pytest.fixture
def gdb(tmp_path):
    """gdb(append, commands…) -> what gdb printed, from the first instruction on."""

    def run(append, *commands):
        guest = booted(f"quiet init_action=poweroff {append}", processors=(2, QUANTUM))
        return gdb_on(guest, tmp_path, *commands)

    return run


def test_from_real_mode_to_an_idle_task(gdb):
    output = gdb(
        "",
        *("tbreak wakeup_secondary_cpu_via_init", "continue", "print/x start_eip", "info threads"),
        *(f"hbreak *{TRAMPOLINE:#x}", "continue", "thread", "print/x $cs", "print $cr0 & 1", "delete"),
        *("tbreak startup_32_smp", "continue", "thread", "print $cr0 & 1", "print $efer & 0x500"),
        *("tbreak startup_64_smp", "continue", "print/x $efer & 0x500", "tbreak start_secondary", "continue", "bt"),
        *("tbreak cpu_idle", "continue", "thread", "print/x __cpu_online_mask.bits[0]", "print kernel_flag.owner"),
    )
    assert "(not started)" in output.partition("Hardware assisted")[0]
    assert re.findall(HERE, output) == ["2", "2", "2"]
    real_mode, protected, long_mode, idle = (
        values(output)[:3],
        values(output)[3:5],
        values(output)[5],
        values(output)[6:],
    )
    assert real_mode == [hex(TRAMPOLINE), hex(TRAMPOLINE >> 4), "0"]
    assert (protected, long_mode, idle) == (["1", "0"], "0x500", ["0x3", "1"])
    assert re.search(r"#0  start_secondary \(\).*\n#1 .* secondary_startup_64 \(\)", output)


def test_one_at_a_time_is_in_the_kernel(gdb):
    """The other one waits at its door for whoever has the lock."""
    output = gdb(
        "/bin/hogs hogs=2",
        *(
            "tbreak wait_for_lock",
            "continue",
            "bt",
            "print cpu",
            "print kernel_flag.owner",
            "print kernel_flag.waiting",
        ),
        *("tbreak smp_poll", "continue", "print kernel_flag.waiting"),
    )
    waits, owner, before, after = values(output)
    assert {waits, owner} == {"0", "1"} and (before, after) == ("0", "1")
    assert re.search(r"(?s)#0  wait_for_lock .*#1 .* lock_kernel \(\)", output)


def test_each_has_its_own_variables(gdb):
    mine = "((char *) &{} + __per_cpu_offset[1])".format
    output = gdb(
        "/bin/hogs hogs=2",
        *("tbreak sysvec_tick if (regs->cs & 3) == 3", "continue", "thread"),
        *(f"print *(int *) {mine('cpu_number')}", "print cpu_number"),
        f"set $second = *(struct task_struct **) {mine('current_task')}",
        *("print (char *) $second->comm", "print $second->thread_info.cpu", "print $second == current_task"),
        *("print $gs_base == (unsigned long) &__per_cpu_start + __per_cpu_offset[1]", "info threads"),
    )
    assert re.search(r"^\* 2 .* \(hogs \(\d+\), ring 0\)", output, re.MULTILINE)
    assert re.findall(HERE, output) == ["2"]
    number, first, comm, cpu, same, area = values(output)
    assert (number, first, cpu, same, area) == ("1", "0", "1", "0", "1") and comm.endswith('"hogs"')


def test_a_shootdown(gdb):
    """Pages of a space that both have loaded go: the sender waits until the other has forgotten them."""
    output = gdb(
        "/bin/threads",
        *("tbreak smp_flush_tlb", "continue", "bt", "set $sender = cpu_number", "print mask->bits[0] & 3"),
        *("tbreak local_flush_tlb_range if flush.cpus.bits[0] != 0", "continue", "bt", "print flush.cpus.bits[0]"),
        *(
            "finish",
            "tbreak cpumask_clear_cpu if mask == &flush.cpus",
            "continue",
            "finish",
            "print flush.cpus.bits[0]",
        ),
    )
    assert re.search(r"(?s)#0  smp_flush_tlb .*flush_tlb_others.*flush_tlb_", output)
    assert re.search(r"(?s)#0  local_flush_tlb_range .*#1 .* do_flush_tlb ", output)
    asked, before, after = values(output)
    assert asked == before in ("1", "2") and after == "0"


def test_a_task_moves_to_another_processor(gdb):
    output = gdb(
        "/bin/hogs hogs=3",
        *(
            "tbreak move_task",
            "continue",
            "bt",
            "print p->thread_info.cpu != cpu",
            "set $moved = p",
            "set $there = cpu",
        ),
        *("finish", "print $moved->thread_info.cpu == $there", "print $moved->on_rq"),
    )
    assert values(output) == ["1", "1", "1"]
    assert re.search(r"newidle_balance|trigger_load_balance|put_prev_task|set_cpus_allowed", output)


def test_an_interrupt_tells_the_other_to_reschedule(gdb):
    output = gdb(
        "/bin/hogs hogs=2",
        *("tbreak smp_send_reschedule if cpu == 1", "continue", "bt", "tbreak sysvec_reschedule", "continue", "thread"),
    )
    assert re.search(r"(?s)#0  smp_send_reschedule \(cpu=1\).*resched_curr.*activate_task", output)
    assert re.findall(HERE, output) == ["2"]

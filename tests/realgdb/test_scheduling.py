"""Stock gdb on the guest's scheduler: why a turn ends, who is next, and that each breakpoint has Linux's name."""

import re

import pytest

from ringscope.boot import power_on
from ringscope.configuration import Configuration
from tests.realgdb.harness import values
from tests.realgdb.served import gdb_from_boot, gdb_on

pytestmark = pytest.mark.gdb

HOGS = "init_action=poweroff /bin/hogs hogs=9"


@pytest.fixture
def gdb(tmp_path):
    """gdb(command line, commands…) -> what gdb printed, from the first instruction on."""

    return lambda append, *commands: gdb_from_boot(tmp_path, f"{HOGS} {append}", *commands)


TEN_RUNNABLE = "tbreak check_preempt_tick if runqueues.nr_running == 9"


def test_a_slice_is_computed_before_the_eyes(gdb):
    output = gdb(
        "sched_latency_ns=15000000",
        *(TEN_RUNNABLE, "continue", "tbreak task_tick_fair", "continue"),
        *("tbreak sched_slice", "continue", "finish", "bt 3"),
    )
    assert "Value returned is $1 = 1666666" in output  # 15 ms for nine
    assert re.search(r"#1 .* task_tick_fair .*\n#2 .* scheduler_tick ", output)


def test_a_turn_ends_in_resched_curr_and_the_leftmost_is_next(gdb):
    output = gdb(
        "",
        TEN_RUNNABLE,
        "continue",
        "tbreak resched_curr",
        "continue",
        "bt 2",
        "tbreak pick_task_fair",
        "continue",
        "print rq->cfs.tasks_timeline.rb_leftmost == &current_task->se.run_node",
        "finish",
        "tbreak __switch_to",
        "continue",
        "print next_p->pid != prev_p->pid",
        "print prev_p->nivcsw > 0",
        "print &next_p->se.run_node != runqueues.cfs.tasks_timeline.rb_leftmost",
    )
    assert re.search(r"#1 .* check_preempt_tick ", output)
    assert values(output)[:1] + values(output)[-3:] == ["0", "1", "1", "1"]


def test_long_work_in_the_kernel_lets_others_run(tmp_path):
    guest = power_on(Configuration(append="init_action=poweroff /bin/usertests"))
    preempted = ("tbreak read_zero", "continue", "set var current_task->need_resched = 1")
    output = gdb_on(guest, tmp_path, *preempted, "tbreak schedule", "continue", "bt 3")
    assert re.search(r"#1 .* cond_resched .*\n#2 .* read_zero ", output)


def test_a_turn_ends_by_the_local_apics_timer(gdb):
    output = gdb(
        "", TEN_RUNNABLE, "continue", "tbreak hrtick", "continue", "bt 3", "tbreak context_switch", "continue", "bt"
    )
    assert re.search(r"#1 .* sysvec_apic_timer_interrupt .*\n#2 +<signal handler called>", output)
    assert re.search(r"context_switch .*\n#1 .* schedule .*\n#2 .* exit_to_user_mode_loop ", output)


@pytest.mark.parametrize(
    ("policy", "tick"), [("cfs", "task_tick_fair"), ("rr", "task_tick_rr"), ("coop", "task_tick_coop")]
)
def test_the_policy_decides_what_a_tick_does(gdb, policy, tick):
    output = gdb(f"hrtick=off sched={policy}", f"tbreak {tick}", "continue", "bt 3", "print sched_class->name")
    assert re.search(rf"#0 +{tick} .*\n#1 .* scheduler_tick .*\n#2 .* timer_interrupt ", output)
    assert f'"{policy}"' in output

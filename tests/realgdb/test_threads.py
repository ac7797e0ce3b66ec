"""Stock gdb on the guest's threads: what clone makes, how one waits for another, and the end of each."""

import re

import pytest

from ringscope.boot import power_on
from ringscope.configuration import Configuration
from tests.realgdb.harness import values
from tests.realgdb.served import gdb_on

pytestmark = pytest.mark.gdb

CLONE_THREAD = 0x00010000


@pytest.fixture
def gdb(tmp_path):
    """gdb(commands…) -> what gdb printed, from the first instruction on."""

    def run(*commands):
        guest = power_on(Configuration(append="quiet init_action=poweroff /bin/threads"))
        return gdb_on(guest, tmp_path, *commands)

    return run


def test_a_thread_shares_what_clone_says(gdb):
    output = gdb(
        *(f"tbreak copy_process if args->flags & {CLONE_THREAD}", "continue", "tbreak wake_up_new_task", "continue"),
        *("print p->tgid == current_task->tgid", "print p->pid == p->tgid", "print p->mm == current_task->mm"),
        *("print p->signal == current_task->signal", "print p->files->count", "print p->signal->nr_threads"),
    )
    assert values(output) == ["1", "0", "1", "1", "2", "2"]


def test_the_first_sleeps_on_a_word_that_the_kernel_clears(gdb):
    output = gdb(
        *("tbreak futex_wait", "continue", "print uaddr == (unsigned int *) 0", "print val == current_task->tgid + 1"),
        *("tbreak futex_wake", "continue", "bt", "print current_task->clear_child_tid == uaddr"),
    )
    assert values(output) == ["0", "1", "1"]
    assert re.search(r"(?s)futex_wake .* mm_release .* do_exit ", output)


def test_a_thread_is_released_at_once_and_the_leader_waited_for(gdb):
    output = gdb(
        *("tbreak release_task if p->pid != p->tgid", "continue", "print p == current_task", "print p->exit_state"),
        *("tbreak wait_task_zombie if p->comm[0] == 't'", "continue", "print p->signal->nr_threads"),
    )
    assert values(output) == ["1", "16", "1"]

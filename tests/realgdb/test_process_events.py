"""Stock gdb follows the guest's processes: fork, exec and their ends."""

import re

import pytest

from ringscope.boot import power_on
from ringscope.configuration import TASKS, Configuration
from tests.realgdb.served import AS_PROCESSES, gdb_on

pytestmark = pytest.mark.gdb

ON = ("inferior 1", "continue")
"""Go on where the inferior that was looked at has ended."""


@pytest.fixture
def gdb(tmp_path):
    """gdb(commands…) -> what gdb printed, from the kernel's first instruction to the commands' end."""

    def run(*commands):
        guest = power_on(Configuration(append="init_action=shell"))
        return gdb_on(guest, tmp_path, *commands, view=TASKS, before=AS_PROCESSES)

    return run


def test_catch_exec_stops_at_the_programs_first_instruction(gdb):
    output = gdb("catch exec", "continue", "info registers cs", "continue")
    assert "process 1 is executing new program: /sbin/init" in output
    assert re.search(r"Catchpoint 1 \(exec'd /sbin/init\), 0x0000000000401\w+ in _start", output)
    assert re.search(r"cs +0x33 ", output)
    assert re.search(r"Catchpoint 1 \(exec'd /sbin/helper\)", output)


def test_the_end_of_a_process_is_told(gdb):
    output = gdb("continue", "info inferiors", "print $_exitcode")
    assert "[Inferior 3 (process 2) exited normally]" in output
    assert re.search(r"3 +<null>", output) and "$1 = 0" in output


def test_catch_fork(gdb):
    output = gdb("catch fork", "continue", *ON, "info inferiors", "tbreak sys_wait4", *ON, "info threads")
    assert re.search(r'"init" hit Catchpoint 1 \(forked process 3\)', output)
    assert "[Detaching after fork from child process 3]" in output
    assert re.search(r'Thread 3\.3 "\w+" \(pid 3', output)  # it runs on, and is in the list


def test_the_child_is_followed(gdb):
    output = gdb("set follow-fork-mode child", "catch exec", "continue", "continue", "continue", *ON, "info inferiors")
    assert re.search(r"\[Attaching after Thread 1\.1 fork to child Thread 3\.3\]", output)
    assert "[Detaching after fork from parent process 1]" in output
    assert re.search(r"Catchpoint 1 \(exec'd /bin/sh\)", output)
    assert re.search(r"\* 4 +process 3 ", output) and re.search(r"2 +<null>", output)


def test_both_are_held(gdb):
    """What `detach` leaves then is out of sight, and runs on."""
    commands = ("set detach-on-fork off", "catch fork", "catch exec", "continue", "continue", "continue", *ON)
    output = gdb(*commands, "continue", "info inferiors", "detach inferiors 2", "info threads")
    assert re.search(r"\[New inferior 4 \(process 3\)\]", output)
    assert re.search(r"Catchpoint 2 \(exec'd /bin/sh\)", output)
    inferiors, _, threads = output.rpartition("[Inferior 2 (process 1) detached]")
    assert re.search(r"2 +process 1 ", inferiors)
    assert "pid 3," in threads and "pid 1," not in threads.partition("[Inferior")[0]

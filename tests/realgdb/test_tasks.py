"""Stock gdb with the guest's tasks as its threads: of one process by `monitor view`, of their own by `--view`."""

import re

import pytest

from ringscope.boot import power_on
from ringscope.configuration import CPU, TASKS, Configuration
from tests.guest.places import at_the_prompt, run_to, until_idle
from tests.realgdb.harness import functions, gdb_batch
from tests.realgdb.served import AS_PROCESSES, booted, gdb_on, served

pytestmark = pytest.mark.gdb

ONE = 0x3FFF8000000000000000
"""1.0 in an x87 register."""


@pytest.fixture
def gdb(tmp_path):
    """gdb(view, commands…) -> what gdb printed, with the shell waiting for input."""

    def run(view, *commands, guest=None):
        guest = guest or at_the_prompt()
        return gdb_on(guest, tmp_path, *commands, view=view, before=AS_PROCESSES)

    return run


@pytest.mark.parametrize("ending", ["detach", "disconnect"])
def test_a_view_ends_with_its_session(tmp_path, ending):
    guest = at_the_prompt()
    with served(guest, tmp_path / "gdb.sock") as server:
        first = ("monitor view tasks", "maintenance flush register-cache", "info threads", ending)
        assert "swapper" in gdb_batch(*first, file=guest.kernel, connect=server.address)
        output = gdb_batch("info threads", "stepi", "info inferiors", file=guest.kernel, connect=server.address)
        assert 'Thread 1 "CPU#0"' in output and "Remote target" in output


def test_processes_stay_processes(gdb):
    output = gdb(TASKS, "monitor view cpu", "info threads")
    assert "gdb has learnt of the tasks as processes" in output and 'Thread 3.3 "sh"' in output


def test_the_view_is_changed_in_a_session(gdb):
    output = gdb(
        CPU,
        "monitor view tasks",
        "maintenance flush register-cache",
        "info threads",
        "thread find sh",
        "thread 2",
        "bt",
    )
    assert "Threads are now the tasks of the guest." in output
    assert re.search(r'Thread 1 "init" \(pid 1, sleeping\) +0x\w+ in context_switch', output)
    assert re.search(r'Thread 4194305 "swapper" \(pid 0, running, ', output)
    assert "Thread 3 has target name 'sh'" in output
    assert functions(output)[-1] == "secondary_startup_64"


def test_a_sleeping_task_has_a_stack(gdb):
    output = gdb(TASKS, "info threads", "inferior 2", f'symbol-file "{at_the_prompt().kernel}"', "bt")
    names = functions(output)
    assert "context_switch" in names, output
    at = names.index("context_switch")
    assert names[at : at + 6] == [
        "context_switch",
        "schedule",
        "do_wait",
        "sys_wait4",
        "do_syscall_64",
        "entry_SYSCALL_64",
    ]


def test_processes_are_inferiors(gdb):
    output = gdb(TASKS, "info inferiors", "info threads")
    assert re.search(r"1 +process 4194304 .*vmlinux", output)
    assert re.search(r"process 1 ", output) and re.search(r"process 3 ", output)
    assert re.search(r'Thread 3\.3 "sh" \(pid 3, sleeping\)', output)


def test_registers_that_were_not_kept_are_said_to_be_unavailable(gdb):
    output = gdb(TASKS, "inferior 2", "print $rax", "print/x $rbx", "print $sp", "info registers rip")
    assert "$1 = <unavailable>" in output
    assert re.search(r"\$2 = 0x[0-9a-f]+", output)
    assert "$3 = (void *) 0xffffc9" in output


def test_floating_point_registers_of_a_sleeping_task(gdb):
    """What the shell had in them as it began to wait stands in its task_struct."""
    guest = power_on(Configuration(append="init_action=shell"))
    run_to(guest, "n_tty_read")
    for name, value in (("xmm5", 0x1234 << 64), ("mxcsr", 0x9F80), ("ftag", 0x3FFF), ("fstat", 0x3800), ("st0", ONE)):
        guest.machine.cpu.write_register(name, value)
    until_idle(guest)
    output = gdb(TASKS, "inferior 3", "print/x $xmm5.v2_int64", "info registers mxcsr", "info float", guest=guest)
    assert "= {0x0, 0x1234}" in output
    assert re.search(r"mxcsr +0x9f80 +\[ IM DM ZM OM UM PM FZ \]", output)
    assert re.search(r"=>R7: Valid +0x3fff8000000000000000 \+1", output)
    assert re.search(r"Control Word: +0x037f .*\n +PC: Extended", output)
    assert output.count(": Empty   0x") == 7


def test_info_proc_reads_the_guests_proc(gdb):
    output = gdb(
        TASKS, "inferior 3", "info proc", "info proc mappings", "info proc status", "info auxv", "info inferiors"
    )
    assert "cmdline = '/bin/sh'" in output and "exe = '/bin/sh'" in output
    assert re.search(r"0x401000 +0x\w+ +0x\w+ +0x1000 +r-xp +/bin/sh", output)
    assert re.search(r"0x7ffffffff000 .*\[stack\]", output)
    assert "Name:\tsh" in output


def test_programs_come_from_the_guest(gdb):
    output = gdb(CPU, "info proc mappings 3", "info os processes", "file target:/bin/sh", "info symbol 0x401000")
    assert re.search(r"0x401000 .* r-xp +/bin/sh", output) and "[swapper]" in output
    assert "in section .text" in output


def test_a_process_is_followed_from_its_first_stop(gdb):
    """gdb asks for the auxiliary vector once, as it learns of a process."""
    output = gdb(TASKS, "break sys_wait4", "continue", "inferior 2", "info auxv", "bt 1", guest=booted())
    assert re.search(r"AT_PAGESZ +System page size +4096", output)
    assert re.search(r'AT_EXECFN .*"/sbin/init"', output)


def test_system_calls_are_caught(gdb):
    output = gdb(CPU, "catch syscall write", "continue", "continue", "info registers cs", "continue", guest=booted())
    first, second, *_ = re.findall(r"Catchpoint 1 \((.*?)\), (\S+)", output)
    assert first == ("call to syscall write", "entry_SYSCALL_64")
    assert second[0] == "returned from syscall write" and second[1].startswith("0x0000000000401")
    assert re.search(r"cs +0x33 ", output)


def test_system_calls_of_one_process(gdb):
    there = ("break sys_wait4", "continue", "inferior 1", "continue", "delete")  # the first stop is the helper's end
    output = gdb(TASKS, *there, "inferior 4", "catch syscall", "continue", "thread", guest=booted())
    assert re.search(r"Catchpoint 2 \(call to syscall \w+\)|Catchpoint 2 \(returned from syscall \w+\)", output)

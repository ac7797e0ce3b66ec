"""Stock gdb's extended-remote: `run` with the machine and with programs of the guest, kill, attach."""

import pytest

from ringscope.boot import power_on
from ringscope.configuration import CPU, TASKS, Configuration
from tests.guest.places import at_the_prompt
from tests.guest.test_kills import Prompt
from tests.realgdb.served import AS_PROCESSES, gdb_on

pytestmark = pytest.mark.gdb

LS = ("set remote exec-file /bin/ls", "set args /bin")


@pytest.fixture
def printed():
    return bytearray()


@pytest.fixture
def gdb(tmp_path, printed):
    """gdb(view, commands…) -> what gdb printed, from the kernel's first instruction to the commands' end."""

    def run(view, *commands, guest=None):
        guest = guest or power_on(Configuration(append="init_action=shell"), printed.extend)
        return gdb_on(guest, tmp_path, *commands, view=view, before=AS_PROCESSES, remote="extended-remote")

    return run


def test_run_switches_the_machine_on_anew(gdb, printed):
    output = gdb(CPU, "hbreak rest_init", "run", "run", "kill", "run", "delete", "starti", "p $pc == 0x1000000")
    assert output.count("Breakpoint 1, rest_init ()") == 3 and output.rstrip().endswith(
        "= 1\n[Inferior 1 (Remote target) detached]"
    )
    assert printed.count(b"Kernel command line: init_action=shell\r\n") >= 3  # after gdb has detached once more


def test_a_program_of_the_guest_is_run(gdb, printed):
    variables = ("set environment COLOUR=red", "set environment SHADE=dark", "unset environment SHADE")
    output = gdb(TASKS, *LS, *variables, "starti", "info threads", "info proc cmdline", "info proc environ", "continue")
    assert '* 1    Thread 1.1 "ls" (pid 1, running, ring 3)' in output
    assert "cmdline = '/bin/ls /bin'" in output
    assert "[Inferior 1 (process 1) exited normally]" in output
    assert b"init_action=shell COLOUR=red init=/bin/ls -- /bin\r\n" in printed and b"\r\nsh\r\n" in printed


def test_a_program_is_run_again_with_its_breakpoints(gdb):
    again = ("starti", "break *$pc+2", "run", "run", "info inferiors")
    output = gdb(TASKS, *LS, *again)
    assert output.count("Breakpoint 1, 0x") == 2 and "* 1    process 1 " in output


def test_a_program_is_run_in_the_midst_of_a_session(gdb):
    """gdb keeps the inferiors of the machine that was: they are killed, and removed, first."""
    away = ("kill inferiors 1 2 3", "remove-inferiors 2 3")
    refused = ("starti", "monitor position")
    output = gdb(TASKS, *LS, *refused, *away, "starti", "info threads", "continue", guest=at_the_prompt())
    assert "/bin/ls is not started while processes 1, 3 are the client's: kill and remove-inferiors first" in output
    assert '* 1    Thread 1.1 "ls" (pid 1, running, ring 3)' in output
    assert "[Inferior 1 (process 1) exited normally]" in output


def test_a_program_begins_where_threads_are_processors_too(gdb):
    output = gdb(CPU, *LS, "starti", "p $cs", "info threads")
    assert "= 51" in output and '"CPU#0" (ls (1), ring 3)' in output


@pytest.mark.parametrize(
    "commands, words",
    [
        (("set remote exec-file /bin/nothing", "starti"), 'Running "/bin/nothing" on the remote target failed'),
        (
            ("set remote exec-file /bin/ls", "set args 'two words'", "starti"),
            'Running "/bin/ls" on the remote target failed',
        ),
        (("set cwd /tmp", "starti"), "Remote replied unexpectedly while setting the inferior's working"),
        (("set disable-randomization off", "starti"), "Target returns error code '5f'."),
    ],
)
def test_what_cannot_be_run_is_told(gdb, commands, words):
    output = gdb(TASKS, *commands, "info threads")
    assert words in output and "No threads." in output


@pytest.mark.parametrize("remote", ["remote", "extended-remote"])
def test_one_process_of_the_guest_is_killed(tmp_path, remote):
    """The inner one of two shells: the other one prompts again, and gdb stays with it."""
    prompt = Prompt()
    kills = ("kill inferiors 4", "info inferiors", "tbreak n_tty_read", "continue", "info threads")
    output = gdb_on(prompt.guest, tmp_path, *kills, view=TASKS, before=AS_PROCESSES, remote=remote)
    before, after = output.split("received signal SIGTRAP")
    assert "  4    <null> " in before and '"sh" (pid 3, running' in after
    assert prompt.pids() == {0, 1, 3}
    assert prompt.output.endswith(b"# ")


def test_the_process_that_stops_is_killed(tmp_path):
    prompt = Prompt()
    prompt.guest.lines.terminal.receive(b"echo killed\n")
    kills = ("catch syscall write", "continue", "kill", "inferior 1", "tbreak n_tty_read", "continue", "info threads")
    output = gdb_on(prompt.guest, tmp_path, "inferior 4", *kills, view=TASKS, before=AS_PROCESSES)
    assert "(call to syscall write)" in output and "[Inferior 4 (process 4) killed]" in output
    assert '"sh" (pid 3, running' in output
    assert prompt.output.endswith(b"# Killed\r\n# ")


def test_the_first_process_is_not_killed_with_the_machine(gdb):
    output = gdb(TASKS, "kill inferiors 2", "monitor position", "info threads", guest=at_the_prompt())
    assert "process 1 cannot be killed: it is the kernel's first, which may not end" in output
    assert '"init" (pid 1, sleeping)' in output and "] killed" not in output


def test_a_process_that_was_left_is_attached_to(gdb):
    output = gdb(
        TASKS,
        "detach inferiors 3",
        "info threads",
        "add-inferior",
        "inferior 4",
        "attach 3",
        "info threads",
        guest=at_the_prompt(),
    )
    first, second = output.split("[Switching to inferior 4", 1)
    assert "(pid 3" not in first and "(pid 3, sleeping)" in second

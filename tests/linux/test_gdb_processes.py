"""Stock gdb with the tasks of Debian's kernel as processes: signals, system calls by every way, programs that it runs.

gdb itself gets no symbols: what it is told, the stub knows by the kernel's debug information.
"""

import errno
import re

import pytest

from kernel.symbols import Symbols
from kernel.tasks import for_each_process
from ringscope.boot import power_on
from ringscope.configuration import CPU, TASKS
from ringscope.linux import configuration
from tests.linux.debian import Debian, with_programs
from tests.realgdb.harness import gdb_batch, values
from tests.realgdb.served import AS_PROCESSES, served

pytestmark = [pytest.mark.linux, pytest.mark.gdb, pytest.mark.timeout(200)]

PROGRAMS = ("signals", "hello32", "int80")
KERNEL_CS, USER32_CS, USER_CS = 0x10, 0x23, 0x33
GETPID, GETPID_32, CLOSE_32 = 39, 20, 6


@pytest.fixture(scope="module")
def files(files_with_symbols, tmp_path_factory):
    return with_programs(files_with_symbols, tmp_path_factory.mktemp("initrd"), *PROGRAMS)


@pytest.fixture
def gdb(tmp_path):
    """gdb(guest, commands…) -> what gdb printed."""

    def run(guest, *commands, view=TASKS, remote="remote"):
        with served(guest, tmp_path / "gdb.sock", view=view) as server:
            return gdb_batch(*AS_PROCESSES, f"target {remote} {server.address}", *commands, seconds=100)

    return run


@pytest.fixture
def at_the_shell(gdb, files):
    """at_the_shell(line, commands…) -> what gdb printed that came as a line had been typed."""

    def run(line, *commands, view=TASKS, append=""):
        debian = Debian(files, append=append).shell()
        debian.type(line)
        return gdb(debian.guest, "set follow-fork-mode child", *commands, view=view)

    return run


def received(output):
    return re.findall(r"received signal (SIG\w+)", output)


def test_signals_stop_with_what_their_sender_told(at_the_shell):
    """A fault and an alarm with handlers, and one that ends the process, whose details stay in its queue."""
    output = at_the_shell(
        "signals",
        "handle SIGALRM stop print",
        *("continue", "print/x $_siginfo._sifields._sigfault.si_addr", "print $_siginfo.si_code"),
        *("continue", "print $_siginfo.si_code", "continue", "print $_siginfo._sifields._kill", "info inferiors"),
        "continue",
    )
    assert received(output) == ["SIGSEGV", "SIGALRM", "SIGTERM"]
    assert re.search(r"^\* \d+ .* target:/bin/signals", output, re.MULTILINE), "the program comes from the guest"
    *known, sender = values(output)
    assert known == ["0x1000", "1", "128"]
    (process,) = re.findall(r"^\* \d+ +process (\d+)", output, re.MULTILINE)
    assert sender == f"{{si_pid = {process}, si_uid = 0}}"
    assert "Program terminated with signal SIGTERM" in output


def test_a_signal_that_stops_a_job_is_caught(at_the_shell):
    output = at_the_shell("sh -c 'kill -STOP $$'", "catch signal SIGSTOP", "continue", "print $_siginfo.si_signo")
    assert '"sh" hit Catchpoint 1 (signal SIGSTOP)' in output and values(output) == ["19"]


def test_signals_of_a_child_that_was_let_go_do_not_stop(at_the_shell):
    catch = ("set follow-fork-mode parent", "catch signal SIGUSR1 SIGUSR2", "continue")
    output = at_the_shell("sh -c 'kill -USR1 $$'; kill -USR2 $$", *catch)
    assert "Detaching after fork from child" in output
    assert re.findall(r"hit Catchpoint 1 \(signal (\w+)\)", output) == ["SIGUSR2"]


def test_signals_that_are_passed_do_not_stop(at_the_shell):
    output = at_the_shell("signals", "handle all nostop noprint pass", "continue")
    assert not received(output) and "terminated with signal SIGTERM" in output


WHERE = ("continue", "print/x $rip", "print/x $cs", "print $rax")
"""Stop at one end of a call, and tell which."""


@pytest.fixture(scope="module")
def entries(files):
    """entries(output) -> for each call: how the kernel was entered, from which code segment, the number, the result."""
    symbols = Symbols.load(files.symbols)

    def entered(output):
        numbers = [int(value, 0) for value in values(output)]
        ends = [numbers[at : at + 3] for at in range(0, len(numbers), 3)]
        for (place, inside, number), (_, segment, result) in zip(ends[::2], ends[1::2], strict=True):
            assert inside == KERNEL_CS
            yield symbols.nearest(place)[0].name, segment, number, result

    return lambda output: list(entered(output))


@pytest.mark.parametrize("append", ["", "mitigations=auto pti=on"])
def test_system_calls_of_a_32_bit_program(at_the_shell, entries, append):
    output = at_the_shell(
        "hello32",
        "catch exec",
        "continue",
        "catch syscall getpid",
        *WHERE * 4,
        "delete",
        "catch syscall close",
        *WHERE * 2,
        append=append,
    )
    pid = int(re.search(r"process (\d+) is executing new program: /bin/hello32", output)[1])
    assert output.count("(call to syscall getpid)") == output.count("(returned from syscall getpid)") == 2
    assert entries(output) == [
        ("asm_int80_emulation", USER32_CS, GETPID_32, pid),
        ("entry_SYSENTER_compat", USER32_CS, GETPID_32, pid),
        ("entry_SYSENTER_compat", USER32_CS, CLOSE_32, -errno.EBADF),
    ]


def test_system_calls_of_any_program_where_threads_are_processors(at_the_shell, entries):
    output = at_the_shell("int80", "catch syscall getpid", *WHERE * 6, view=CPU)
    shell, *program = entries(output)
    assert shell[:3] == ("entry_SYSCALL_64", USER_CS, GETPID)
    assert [call[:3] for call in program] == [
        ("asm_int80_emulation", USER_CS, GETPID_32),
        ("entry_SYSCALL_64", USER_CS, GETPID),
    ]
    assert {call[3] for call in program} == {shell[3]}


def test_a_program_is_run_in_place_of_init(gdb, files):
    """From power-on to the program's first instruction, and again."""
    printed = bytearray()
    guest = power_on(configuration(files), printed.extend)
    output = gdb(
        guest,
        *("set remote exec-file /bin/signals", "set args one", "set environment COLOUR=red", "starti"),
        *("info threads", "info proc cmdline", "print/x $cs"),
        *("handle all nostop noprint pass", "continue"),
        *("set remote exec-file /bin/int80", "set args", "catch syscall write", "run", "kill", "info threads"),
        remote="extended-remote",
    )
    assert '* 1    Thread 1.1 "signals" (pid 1, running, ring 3)' in output
    assert "cmdline = '/bin/signals one'" in output
    assert values(output) == [f"{USER_CS:#x}"]
    assert "[Inferior 1 (process 1) exited normally]" in output
    assert "(call to syscall write)" in output and output.rstrip().endswith("No threads.")
    assert b" COLOUR=red init=/bin/signals rdinit=/bin/signals -- one\r\n" in printed


def test_one_process_is_killed(gdb, files):
    """Its parent, which waits for it, says what it died of."""
    debian = Debian(files).shell()
    debian.type("sleep 1000; echo status $?")
    while "sleep" not in {task.comm for task in for_each_process(debian.guest.running_kernel)}:
        debian.run()
    kill = ("kill inferiors 5", "info inferiors", "inferior 4", "catch syscall write", "continue", "info threads")
    output = gdb(debian.guest, *kill)
    assert "  5    <null> " in output
    assert "(call to syscall write)" in output and '"sleep"' not in output.split("call to syscall write")[1]
    assert "Killed" in debian.expect("status 137\r\n")

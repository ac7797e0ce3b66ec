"""With tasks as threads, stock gdb stops where the guest's kernel delivers a signal, as for a program of its own."""

import re

import pytest

from ringscope.boot import power_on
from ringscope.configuration import TASKS, Configuration
from tests.realgdb.harness import gdb_batch
from tests.realgdb.served import served

pytestmark = pytest.mark.gdb

BEFORE = (
    "set sysroot target:",
    "set architecture i386:x86-64",
    "set schedule-multiple on",
    "set follow-fork-mode child",
)
HERE = ("continue", "inferior 1")
"""To where the kernel's helper has ended; the next process is the program."""


@pytest.fixture
def gdb(tmp_path):
    """gdb(commands…) -> what gdb printed while `/bin/signals` ran: a fault and an alarm with handlers, a SIGTERM."""

    def run(*commands):
        guest = power_on(Configuration(append="init_action=poweroff /bin/signals"))
        with served(guest, tmp_path / "gdb.sock", view=TASKS) as server:
            return gdb_batch(
                *BEFORE, f"target remote {server.address}", *HERE, *commands, file=guest.kernel, seconds=60
            )

    return run


def received(output):
    return re.findall(r"received signal (SIG\w+)", output)


def test_every_signal_stops_that_is_not_passed(gdb):
    output = gdb(*("continue",) * 3)
    assert received(output) == ["SIGSEGV", "SIGTERM"], "gdb passes SIGALRM unless told otherwise"
    assert output.index("received signal SIGTERM") < output.index("terminated with signal SIGTERM")


def test_signals_that_are_passed_do_not_stop(gdb):
    output = gdb("handle all nostop noprint pass", "continue")
    assert not received(output) and "terminated with signal SIGTERM" in output


def test_a_signal_is_caught_with_its_details(gdb):
    output = gdb(
        *("catch signal SIGSEGV", "continue", "print $_siginfo.si_signo", "print $_siginfo.si_code"),
        "print/x $_siginfo._sifields._sigfault.si_addr",
    )
    assert re.search(r"Catchpoint 1 \(signal SIGSEGV\)", output)
    assert re.findall(r"^\$\d+ = (.*)", output, re.MULTILINE) == ["11", "1", "0x1000"]


def test_an_alarm_if_it_is_wanted(gdb):
    output = gdb("handle SIGALRM stop print", "handle SIGSEGV nostop noprint", "continue", "print $_siginfo.si_code")
    assert received(output) == ["SIGALRM"] and "$1 = 128" in output

"""Stock gdb at catches: it stops, is told why in a line with and without scripts, and goes on."""

import pytest

from ringscope.serve import scripts
from tests.realgdb.harness import Gdb, gdb_batch

pytestmark = pytest.mark.gdb

SCRIPTS = f"source {scripts() / 'loader.py'}"


def test_ring_changes_of_the_kernel(socket, guest):
    output = gdb_batch(
        *("monitor catch ring", "continue", "p/x $cs", "continue", "p/x $cs", "monitor why", "continue", "p/x $cs"),
        *("monitor catch delete", "delete", "kill"),
        connect=socket,
        file=guest.kernel,
    )
    lines = output.splitlines()
    assert [line for line in lines if line.startswith("$")] == ["$1 = 0x33", "$2 = 0x10", "$3 = 0x33"]
    assert "Catch 1: ring 0 -> ring 3 by iretq" in lines
    (entered,) = (line for line in lines if line.startswith("Catch 1: ring 3 -> ring 0 by ") and ", at 0x" not in line)
    assert any(line.startswith(f"{entered}, at 0x") for line in lines)
    assert output.count("received signal SIGTRAP") == 3


def test_the_gdb_command(socket, guest):
    output = gdb_batch(
        SCRIPTS,
        *("x86 catch cr3", "x86 catch exception pf", "x86 catch", "x86 catch delete 1", "x86 catch delete 1"),
        connect=socket,
        file=guest.kernel,
    )
    assert "Catch 1: cr3" in output and "2  exception 0xe (#PF Page Fault)" in output
    assert "Deleted catch 1: cr3" in output and "no catch 1; there are: 2" in output


def test_mi_gets_the_line_and_one_stop(socket, guest):
    with Gdb(guest.kernel, seconds=60) as gdb:
        gdb.connect(socket)
        gdb.console("monitor catch msr lstar")
        stop = gdb.cont()
        assert stop.reason == "signal-received" and stop.payload["signal-name"] == "SIGTRAP"
        said = [record.payload for record in gdb.records if record.kind == "target"]
        assert any("Catch 1: MSR 0xc0000082 (LSTAR) 0x0 -> 0xffffffff81" in text for text in said), said
        gdb.step_instruction()
        assert gdb.register("lstar") == gdb.value("&entry_SYSCALL_64")
        assert not gdb.unclaimed


def test_the_signal_that_linux_would_make_of_an_exception(socket, guest):
    output = gdb_batch(
        *("monitor catch exception pf", "continue", "p $_siginfo.si_signo", "p $_siginfo.si_code"),
        *("p $_siginfo._sifields._sigfault.si_addr == $cr2", "monitor catch delete", "stepi", "p $_siginfo.si_signo"),
        "kill",
        connect=socket,
        file=guest.kernel,
    )
    assert [line for line in output.splitlines() if line.startswith("$")] == ["$1 = 11", "$2 = 1", "$3 = 1"]
    assert "Unable to read siginfo" in output


def test_catches_go_with_their_client(socket, guest):
    gdb_batch("monitor catch ring", "detach", connect=socket)
    assert guest.machine.cpu.catches.wanted() == {}

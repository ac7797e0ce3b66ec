"""Stock gdb in non-stop mode: commands while the machine runs, threads that stop one by one, one clock for all."""

import pytest

from ringscope.boot import power_on
from ringscope.configuration import CPU, TASKS, Configuration
from tests.guest.places import at_the_prompt
from tests.realgdb.harness import Gdb
from tests.realgdb.served import served

KERNEL_CS = 0x10

pytestmark = pytest.mark.gdb

BEFORE = ("set non-stop on", "set architecture i386:x86-64", "set sysroot target:", "set displaced-stepping off")


def attach(gdb, server):
    for line in BEFORE:
        gdb.console(line)
    gdb.console(f"target extended-remote {server.address}")
    assert gdb.stop().payload["signal-name"] == "0"


@pytest.fixture
def gdb(tmp_path):
    """gdb(view, guest=…) -> a gdb that has attached."""
    opened = []

    def start(view, guest):
        server = served(guest, tmp_path / "gdb.sock", view=view)
        gdb = Gdb(guest.kernel, seconds=60)
        opened.extend([server, gdb])
        at = server.__enter__()
        gdb.__enter__()
        attach(gdb, at)
        return gdb

    yield start
    for context in reversed(opened):
        context.__exit__(None, None, None)


def test_a_processor_is_debugged_while_it_runs(gdb):
    gdb = gdb(CPU, power_on(Configuration()))
    gdb.console("break start_thread")
    gdb.console("continue &")
    stop = gdb.stop()
    assert (stop.reason, stop.function) == ("breakpoint-hit", "start_thread")
    gdb.console("next &")
    assert gdb.stop().reason == "end-stepping-range"
    gdb.console("delete")
    gdb.console("continue &")
    assert "(running)" in gdb.console("info threads")
    assert gdb.refusal("info registers") == "Selected thread is running."
    gdb.console("interrupt")
    assert gdb.stop().payload["signal-name"] == "0"
    assert gdb.register("cs") == KERNEL_CS


def test_a_sleeping_task_is_stopped_and_goes_on(gdb):
    gdb = gdb(TASKS, at_the_prompt())
    gdb.console("continue -a &")
    assert gdb.console("info threads").count("(running)") == 3
    gdb.console("thread 3.1")
    gdb.console("interrupt")
    stop = gdb.stop()
    assert (stop.payload["thread-id"], stop.payload["signal-name"]) == ("3", "0")
    threads = gdb.console("info threads")
    assert threads.count("(running)") == 2 and '"sh" (pid 3, sleeping)' in threads
    gdb.console("continue &")
    assert gdb.console("info threads").count("(running)") == 3
    gdb.console("interrupt -a")
    assert {gdb.stop().payload["thread-id"] for _ in range(3)} == {"1", "2", "3"}
    assert "(running)" not in gdb.console("info threads")


def test_a_breakpoint_set_while_the_tasks_run_stops_one_of_them(gdb):
    gdb = gdb(TASKS, at_the_prompt())
    gdb.console("continue -a &")
    gdb.break_at("timer_interrupt")
    for way in ("continue", "next"):  # the second leaves the breakpoint by a step beside stopped threads
        stop = gdb.stop()
        assert (stop.reason, stop.function, stop.payload["thread-id"]) == ("breakpoint-hit", "timer_interrupt", "1")
        assert gdb.console("info threads").count("(running)") == 2
        gdb.console(f"{way} &")
    assert gdb.stop().reason == "end-stepping-range"
    gdb.console("detach inferiors 3")
    assert gdb.console("info threads").count("Thread") == 2

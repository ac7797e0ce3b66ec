"""Several processors in stock gdb: each is a thread, stops name theirs, a step belongs to one."""

import re

import pytest

from tests.machine.bare import KERNEL
from tests.machine.processors import OTHERS, TRAMPOLINE, Several
from tests.realgdb.harness import gdb_batch, values
from tests.realgdb.served import bare_guest, served

pytestmark = pytest.mark.gdb

FIRST, LOOP = KERNEL + 0x400, OTHERS + 0x100
CODE = ".org 0x400\n1: incl %ebx\njmp 1b\n", ".org 0x900\n1: incl %ebp\njmp 1b\n"


@pytest.fixture
def server(tmp_path):
    guest = Several(*CODE, cpus=3)
    jump = (OTHERS + 0x100 - OTHERS - 5).to_bytes(4, "little")
    guest.machine.memory.write(OTHERS, b"\xe9" + jump)
    with served(bare_guest(guest.machine), tmp_path / "gdb.sock") as server:
        yield server


def batch(server, *commands):
    return gdb_batch("set architecture i386:x86-64", *commands, connect=server.address)


def test_each_is_a_thread(server):
    output = batch(server, "info threads", f"hbreak *{FIRST:#x}", "continue", "info threads")
    before, after = output.split("Hardware assisted breakpoint")
    assert re.findall(r"CPU#(\d)\" \((.*?)\)", before) == [("0", "ring 0"), ("1", "not started"), ("2", "not started")]
    assert re.findall(r"CPU#(\d)\" \((.*?)\)", after) == [("0", "ring 0"), ("1", "ring 0"), ("2", "ring 0")]


def test_a_stop_names_its_thread(server):
    output = batch(
        server, f"hbreak *{TRAMPOLINE:#x}", "continue", "thread", "continue", "thread", "p/x $cs", "info registers cr0"
    )
    assert re.findall(r"Current thread is (\d)", output) in (["2", "3"], ["3", "2"])
    assert values(output)[0] == hex(TRAMPOLINE >> 4)


def test_registers_and_memory_of_each(server):
    output = batch(
        server,
        *(f"hbreak *{TRAMPOLINE:#x}", "continue", "thread 1", "p $cr0 & 0x80000000", "x/i $pc"),
        *("thread 3", "p $cr0 & 0x80000000", "p $edi = 77", "p $edi", "thread 1", "p $edi == 77"),
    )
    assert values(output)[0] == "2147483648"
    assert values(output)[-4:] == ["0", "77", "77", "0"]


def test_a_step_is_of_one_thread(server):
    output = batch(
        server,
        *(f"hbreak *{FIRST:#x}", "continue", "delete", "thread 2", "stepi", "stepi", "stepi", "stepi", "thread"),
        *("p/x (long) $pc & ~0xff", "thread 3", "p $pc", "stepi", "thread"),
    )
    assert re.findall(r"Current thread is (\d)", output) == ["2", "3"]
    assert int(values(output)[0], 16) == LOOP


def test_breakpoints_stop_all(server):
    output = batch(server, f"hbreak *{LOOP:#x} if ($ebp & 0x7ff) == 0x7ff", *("continue", "thread") * 8)
    assert set(re.findall(r"Current thread is (\d)", output)) == {"2", "3"}


def test_a_breakpoint_of_one_thread(server):
    output = batch(server, f"hbreak *{LOOP:#x} thread 3", *("continue", "thread", "p $edi") * 4)
    assert re.findall(r"Current thread is (\d)", output) == ["3"] * 4
    assert values(output) == ["2"] * 4


def test_a_condition_is_of_the_thread_that_comes(server):
    output = batch(server, f"hbreak *{LOOP:#x} if $edi == 2", "continue", "thread", "p $ebp", "continue", "thread")
    assert re.findall(r"Current thread is (\d)", output) == ["3", "3"]


def test_others_rest_where_the_scheduler_is_locked(server):
    output = batch(
        server,
        *(f"hbreak *{LOOP:#x} thread 2", "continue", "delete", "thread 1", "p $ebx", "thread 2", "p $ebp"),
        *("set scheduler-locking on", f"hbreak *{LOOP:#x} if $ebp > 9000", "continue", "thread", "p $ebp"),
        *("thread 1", "p $ebx", "thread 3", "p $ebp"),
    )
    before, _, after, same, third = map(int, values(output))
    assert after > 9000 and same == before and third < 9000


def test_a_watchpoint_stops_whoever_stores(server):
    output = batch(server, "watch *(int *) 0x200800", "continue", "thread", "continue", "thread", "p *(int *) 0x200800")
    assert set(re.findall(r"Current thread is (\d)", output)) == {"2", "3"}
    assert values(output)[-1] == "2"


def test_what_is_of_one_processor_alone(server):
    output = batch(server, "monitor view tasks", "record btrace bts", "info threads")
    assert "--cpus 3: gdb's threads are the processors" in output
    assert "Could not enable branch tracing for Thread 1" in output

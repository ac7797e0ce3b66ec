"""Page-table isolation, pti=on: what ring 3's tables have of the kernel, and how entry code changes tables."""

import re

import pytest

from kernel.abi.tables import constant
from kernel.tasks import current_task, for_each_process_thread
from ringscope.boot import power_on
from ringscope.configuration import Configuration
from tests.guest.boot import on_machine
from tests.guest.places import run_to
from tests.guest.test_address_space import FRAME, pages
from tests.guest.test_swap import LITTLE, WORDS
from tests.realgdb.harness import values
from tests.realgdb.qemu_machine import LOADER
from tests.realgdb.served import gdb_on

USER_TABLE = 1 << 12
SHARED = ("entry_text", "per_cpu", "cpu_entry_bss")


@pytest.fixture(scope="module")
def guest():
    """The shell waits for a line."""
    guest = power_on(Configuration(append="init_action=shell pti=on"))
    run_to(guest, "n_tty_read")
    return guest


def tables(guest):
    return [task.page_table & FRAME for task in for_each_process_thread(guest.running_kernel) if task.page_table]


def both(guest, table):
    """The mappings of an address space's two top tables, by address: the kernel's, ring 3's."""
    memory = guest.machine.memory
    return tuple({page.linear: page for page in pages(memory, top)} for top in (table, table | USER_TABLE))


def test_ring_3s_tables_have_the_ways_in_and_no_more(guest):
    shared = set()
    for name in SHARED:
        start, end = (guest.symbols.lookup(f"__{name}_{edge}").address for edge in ("start", "end"))
        shared |= set(range(start, end, 4096))
    assert len(tables(guest)) == 2, "init's and the shell's"
    for table in tables(guest):
        kernel, user = both(guest, table)
        assert {address for address in user if address >= constant("TASK_SIZE")} == shared
        assert all(user[address] == kernel[address] for address in shared)
        assert not any(user[address].user or user[address].is_global for address in shared)
        assert guest.symbols.lookup("do_syscall_64").address & -4096 not in user


def test_the_users_half_is_in_both_and_the_kernels_does_not_execute(guest):
    for table in tables(guest):
        kernel, user = ({a: page for a, page in half.items() if page.user} for half in both(guest, table))
        assert user and {page._replace(executable=False) for page in user.values()} == set(kernel.values())
        assert any(page.executable for page in user.values())


def test_what_the_kernel_has_is_seen_while_ring_3s_tables_are_loaded(guest):
    guest.machine.serial.receive(b"ls\n")
    run_to(guest, "entry_SYSCALL_64")
    assert guest.machine.cpu.read_register("cr3") & USER_TABLE
    assert current_task(guest.running_kernel).comm in ("init", "sh")


@pytest.mark.parametrize("program", ["usertests", "rings"])
def test_programs_do_not_notice(program):
    run = on_machine(f"pti=on quiet panic=-1 init_action=poweroff /bin/{program}")
    assert not re.search(r"^(FAIL|no  )", run.console, re.MULTILINE), run.console
    assert re.search(r"usertests: (\d+) of \1 passed|rings: 0 answers were not", run.console), run.console


def test_no_way_in_or_out_notices(boot):
    tests = "program_of_32_bits ldt_segments bad_iret vsyscall_page cli_dies copy_on_write"
    run = boot(f"pti=on panic=-1 init=/bin/usertests -- {tests}")
    assert "usertests: " in run.console and "FAIL" not in run.console, run.console


def test_top_tables_are_found_when_memory_is_short():
    """They are two pages side by side, in memory whose free pages lie anywhere."""
    tests = "pages_out_and_in swapped_and_shared kernel_finds_it hog_dies_alone"
    run = on_machine(f"pti=on {WORDS} swap=on -- {tests}", **LITTLE)
    assert "usertests: 4 of 4 passed" in run.lines(), run.console


@pytest.mark.gdb
def test_a_system_call_changes_tables_in_gdb(tmp_path):
    guest = power_on(Configuration(append="pti=on"))
    commands = (
        *(f"source {LOADER}", "break start_thread", "continue", "delete", "break entry_SYSCALL_64", "continue"),
        *("p/x $cr3 & 0x1000", "x86 walk do_syscall_64", "x86 walk entry_SYSCALL_64"),
        *("stepi 7", "p/x $cr3 & 0x1000", "x86 walk do_syscall_64", "delete"),
        *("break native_sysret", "break native_irq_return_iret", "continue", "p/x $cr3 & 0x1000", "stepi", "p $cpl()"),
    )
    output = gdb_on(guest, tmp_path, *commands)
    assert values(output) == ["0x1000", "0x0", "0x1000", "3"], output
    outcomes = re.findall(r"^(physical|not mapped)", output, re.MULTILINE)
    assert outcomes == ["not mapped", "physical", "physical"], output

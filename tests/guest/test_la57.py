"""Five levels of page tables: chosen at boot, walked by the machine, by the kernel and in gdb."""

import re

import pytest

from ringscope.boot import power_on
from ringscope.configuration import Configuration
from tests.guest.boot import on_machine
from tests.realgdb.qemu_machine import LOADER
from tests.realgdb.served import gdb_on

LA57 = "la57 setcpuid=la57"
"""CPUID does not tell of it; see docs/machine.md."""


def test_programs_do_not_notice():
    run = on_machine(f"{LA57} quiet panic=-1 init_action=poweroff /bin/usertests")
    assert re.search(r"usertests: (\d+) of \1 passed", run.console) and "FAIL" not in run.console, run.console


def test_a_processor_that_has_them_is_asked(boot):
    lines = boot("la57 panic=-1 init=/bin/usertests -- copy_on_write page_tables_dumped faults_kill").lines()
    told = {"la57: five levels of page tables", "la57: the processor has no fifth: four levels of page tables"}
    assert len(told & set(lines)) == 1 and "usertests: 3 of 3 passed" in lines, lines


def test_isolation_comes_first(boot):
    lines = boot(f"{LA57} pti=on panic=-1 init=/bin/usertests -- copy_on_write").lines()
    assert "la57: not with pti=on: four levels of page tables" in lines and "usertests: 1 of 1 passed" in lines, lines


@pytest.mark.gdb
def test_five_levels_in_gdb(tmp_path):
    guest = power_on(Configuration(append=f"{LA57} panic=-1 init=/bin/usertests -- sysinfo_counts"))
    commands = (
        *(f"source {LOADER}", "break la57_enable", "continue", "p $cr4", "finish", "p $cr4", "delete"),
        *("break sys_sysinfo", "continue", "x86 walk info", "x86 walk $rip"),
        *("p __pgtable_l5_enabled", "p current_task->comm"),
    )
    output = gdb_on(guest, tmp_path, *commands)
    before, after = re.findall(r"^\$[12] = \[(.*)\]$", output, re.MULTILINE)
    assert "LA57" not in before and "LA57" in after, output
    assert output.count("5-level paging") == 2, output
    assert [line.split()[:2] for line in re.findall(r"^(?:PGD|P4D|PUD|PMD|PTE) .*", output, re.MULTILINE)] == [
        ["PGD", "PML5"], ["P4D", "PML4"], ["PUD", "PDPT"], ["PMD", "PD"], ["PTE", "PT"],
    ] * 2, output  # fmt: skip

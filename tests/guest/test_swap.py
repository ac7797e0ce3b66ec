"""More memory than there is: pages to the disk and back, and who ends when that is full too."""

import re

import pytest

from ringscope.boot import power_on
from ringscope.configuration import Configuration
from tests.realgdb.served import gdb_on

LITTLE = {"memory": 20}
"""MiB. The kernel lies at 16; of what is below it, most is kept from it by memmap=."""

WORDS = "panic=-1 memmap=14M$1M init=/bin/usertests"


def results(run):
    return [line for line in run.console.splitlines() if line.startswith(("ok ", "FAIL "))]


def test_pages_go_to_the_disk_and_come_back(boot):
    run = boot(f"{WORDS} swap=on -- pages_out_and_in swapped_and_shared kernel_finds_it", **LITTLE)
    assert re.search(r"ata1\.00: .+, 65536 sectors", run.console), run.console
    assert "Adding 32764k swap on /dev/sda." in run.console
    assert results(run) == ["ok   pages_out_and_in", "ok   swapped_and_shared", "ok   kernel_finds_it"], run.console


def test_the_killer_says_whom_and_why(boot):
    run = boot(f"{WORDS} swap=512K -- hog_dies_alone kernel_writes_copy", **LITTLE)
    assert results(run) == ["ok   kernel_writes_copy", "ok   hog_dies_alone"], run.console
    lines = run.lines()
    assert "usertests invoked oom-killer: gfp_mask=0x100cc0, order=0, oom_score_adj=0" in lines
    assert "Total swap = 508kB" in lines and "Free swap  = 0kB" in lines
    killed = re.search(r"Killed process (\d+) \(usertests\) total-vm:\d+kB, anon-rss:(\d+)kB", run.console)
    assert killed and int(killed[2]) > 1000
    assert f"oom_reaper: reaped process {killed[1]} (usertests), now anon-rss:0kB" in run.console


def test_without_swap_nothing_looks_for_a_disk(boot):
    assert "ata1" not in boot("panic=-1 init=/bin/usertests -- hog_dies_alone").console


@pytest.mark.gdb
def test_a_page_out_and_in_under_gdb(tmp_path):
    words = f"{WORDS} swap=on -- pages_out_and_in"
    guest = power_on(Configuration(memory=20 << 20, append=words))
    commands = (
        *(
            "break unmap_to_swap if address > 0x7f0000000000 && !(vma->vm_flags & 0x100)",
            "continue",
            "bt 3",
            "p/x *pte & 0x21",
            "p $address = address",
            "p $entry = page->private",
        ),
        *("delete", "finish", "p *pte & 1", "p *pte == $entry"),
        *("break do_swap_page if vmf->address == $address", "continue", "bt", "p/x vmf->orig_pte == $entry"),
        *("break swap_readpage", "continue", "p entry.val == $entry", "finish", "p $"),
    )
    output = gdb_on(guest, tmp_path, *commands)
    assert re.search(r"#1 .*try_to_swap_out", output), output
    assert "$1 = 0x1\n" in output, "present, and not accessed since the hand came by"
    values = re.findall(r"^\$(\d+) = (\S+)$", output, re.MULTILINE)
    assert [value for number, value in values if number in "45"] == ["0", "1"], output
    assert re.search(r"do_swap_page .*handle_pte_fault .*handle_mm_fault", output, re.DOTALL)
    assert output.rstrip().splitlines()[-2].endswith("= 0"), output

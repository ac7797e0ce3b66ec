"""Stock gdb at the page fault: which way it takes, and what it leaves in the page tables."""

import re

import pytest

from tests.realgdb.harness import functions
from tests.realgdb.qemu_machine import LOADER
from tests.realgdb.served import gdb_from_boot

pytestmark = pytest.mark.gdb


@pytest.fixture
def gdb(tmp_path):
    """gdb(test of usertests, commands…) -> gdb's output, from the first instruction on"""

    return lambda test, *commands: gdb_from_boot(tmp_path, f"panic=-1 init=/bin/usertests -- {test}", *commands)


FAULT = ["handle_pte_fault", "handle_mm_fault", "do_user_addr_fault", "exc_page_fault"]


def test_a_first_write_is_a_page_of_zeros(gdb):
    output = gdb("demand_zero", "break do_anonymous_page if vmf->flags == 0x41", "continue", "bt", "finish")
    assert functions(output)[:5] == ["do_anonymous_page", *FAULT], output
    assert "Value returned is $1 = 0" in output


def test_copy_on_write_in_gdb(gdb):
    output = gdb(
        "kernel_writes_copy",
        *("break sys_fork", "continue", "tbreak copy_page_range", "continue", "delete"),
        *("break wp_page_copy if old != 0 && old->_refcount > 1", "continue", "bt"),
        *("p old->_refcount", "p old->_mapcount", "p/x *vmf->pte & 3", "p *vmf->pte == vmf->orig_pte"),
        *("finish", "p/x *vmf->pte & 2"),
    )
    assert functions(output)[:6] == ["wp_page_copy", "do_wp_page", *FAULT], output
    assert "$1 = 2" in output and "$2 = 1" in output
    assert "$3 = 0x1" in output and "$4 = 1" in output


def test_a_programs_pages_come_from_its_file(gdb):
    output = gdb(
        "private_file",
        *(
            "break filemap_fault if vmf->vma->vm_flags & 4",
            "continue",
            "bt",
            "p vmf->vma->vm_file->f_path.dentry->d_name.name",
        ),
        *("finish", "p $", "p vmf->page->_refcount", "p vmf->page->index == vmf->pgoff"),
    )
    assert functions(output)[:3] == ["filemap_fault", "do_read_fault", "do_fault"], output
    assert '"usertests"' in output
    values = dict(re.findall(r"^\$(\d+) = (\S+)$", output, re.MULTILINE))
    assert [values[number] for number in "345"] == ["0", "2", "1"], output


def test_the_processor_sets_the_accessed_bit_again(gdb):
    """clear_refs takes the bit from an entry; the next use of the page, by the program alone, puts it back."""
    output = gdb(
        "accessed_and_dirty",
        f"source {LOADER}",
        *("break clear_refs_vma if vma->vm_end - vma->vm_start == 0x3000 && !vma->vm_file", "continue"),
        *("set $va = vma->vm_start + 0x1000", "x86 walk $va", "finish", "x86 walk $va"),
        *("delete", "break proc_pid_clear_refs", "continue", "x86 walk $va"),
    )
    entries = re.findall(r"^ *PTE .*present.*$", output, re.MULTILINE)
    assert ["accessed" in entry for entry in entries] == [True, False, True], output
    assert all("dirty" in entry for entry in entries), output


def test_a_page_at_zero(gdb):
    output = gdb(
        "page_at_zero",
        *("break map_page_zero", "continue", "p/x current_task->personality", "finish", "delete"),
        *("break show_map_vma", "continue", "p vma->vm_start", "p/x vma->vm_end", "p/x vma->vm_flags & 7"),
    )
    assert "$1 = 0x100000" in output, output
    assert "$2 = 0\n" in output and "$3 = 0x1000\n" in output and "$4 = 0x5\n" in output, output


def test_the_text_is_made_to_fit_the_processor(gdb):
    """NOPs become CLAC where the processor has SMAP, in text that only a cleared CR0.WP lets be written."""
    output = gdb(
        "sysinfo_counts",
        *("break alternative_instructions", "continue", "x/i asm_exc_page_fault", "finish", "x/i asm_exc_page_fault"),
        *("delete", "break do_user_addr_fault if !(error_code & 4)", "continue", "p $cr4", "p $eflags"),
        *("p/x regs->flags & 0x40000", "x/i regs->ip"),
    )
    instructions = re.findall(r"<asm_exc_page_fault>:\s+(\S+)", output)
    assert instructions == ["nopl", "clac"], output
    assert re.search(r"\$1 = \[.*PGE.*SMEP.*SMAP.*\]", output), output
    assert "AC" not in re.search(r"\$2 = (.*)", output)[1], "the entry has cleared it"
    assert "$3 = 0x40000\n" in output, "it was set where the user's page was touched"
    assert re.search(r"<clear_user\+\d+>:\s+rep stos", output), output


def test_every_page_is_noted_by_the_level_that_maps_it(gdb):
    output = gdb(
        "page_tables_dumped",
        *(f"source {LOADER}", "break note_page if level == 2", "continue", "bt", "x86 walk address", "p/x address"),
        *("delete", "break flush_line if st->level == 2", "continue", "p/x st->start", "p/x st->end"),
    )
    assert functions(output)[:5] == ["note_page", *["walk_table"] * 3, "ptdump_walk_pgd"], output
    assert "in a 2 MiB page at 0x0, rights rw- supervisor" in output, output
    values = re.findall(r"^\$\d+ = (\S+)$", output, re.MULTILINE)
    assert values == ["0xffff888000000000", "0xffff888000000000", "0xffff888001000000"], output

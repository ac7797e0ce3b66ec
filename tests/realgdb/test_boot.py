"""Stock gdb from power-on to the kernel's first C function: every step of the boot is a breakpoint by Linux's name."""

import re

import pytest

from ringscope.boot import power_on
from ringscope.configuration import Configuration
from ringscope.serve import gdb_commands
from tests.realgdb.harness import gdb_batch
from tests.realgdb.served import served

pytestmark = pytest.mark.gdb

STEPS = (
    # name                    CR0.PE, EFER.LMA, CR0.PG
    ("main", "pe=0 lma=0 pg=0"),
    ("detect_memory_e820", "pe=0 lma=0 pg=0"),
    ("go_to_protected_mode", "pe=0 lma=0 pg=0"),
    ("setup_idt", "pe=0 lma=0 pg=0"),
    ("setup_gdt", "pe=0 lma=0 pg=0"),
    ("protected_mode_jump", "pe=0 lma=0 pg=0"),
    ("in_pm32", "pe=1 lma=0 pg=0"),
    ("startup_32", "pe=1 lma=0 pg=0"),
    ("startup_64", "pe=1 lma=1 pg=1"),
    ("extract_kernel", "pe=1 lma=1 pg=1"),
    ("parse_elf", "pe=1 lma=1 pg=1"),
    ("startup_64", "pe=1 lma=1 pg=1"),
    ("secondary_startup_64", "pe=1 lma=1 pg=1"),
    ("x86_64_start_kernel", "pe=1 lma=1 pg=1"),
    ("start_kernel", "pe=1 lma=1 pg=1"),
    ("rest_init", "pe=1 lma=1 pg=1"),
    ("cpu_idle", "pe=1 lma=1 pg=1"),
)

MODE = 'printf "mode pe=%d lma=%d pg=%d\\n", $cr0 & 1, ($efer >> 10) & 1, ($cr0 >> 31) & 1'


@pytest.fixture
def talk(tmp_path):
    """What gdb says, told as `ringscope debug --entry ENTRY` tells it."""

    def told(entry, *commands):
        guest = power_on(Configuration(entry=entry, append="init_action=poweroff"))
        with guest.lines, served(guest, tmp_path / "gdb.sock") as server:
            return gdb_batch(*gdb_commands(guest, server.address), *commands, "kill")

    return told


def test_each_step_is_hit_by_name_in_its_mode(talk):
    breaks = [f"break {name}" for name in dict(STEPS)]
    output = talk("real", *breaks, *["continue", MODE] * len(STEPS))
    hits = re.findall(r"^Breakpoint [\d.]+, (\w+) \(.*?^mode (.*?)$", output, re.MULTILINE | re.DOTALL)
    assert hits == list(STEPS)


LAST_STEPS = (
    *("kernel_init", "kernel_init_freeable", "do_initcalls", "do_initcall_level", "do_one_initcall"),
    *("populate_rootfs", "free_initmem", "run_init_process", "kernel_execve"),
)


def test_task_1_calls_what_is_to_be_initialized_and_gives_it_back(talk):
    breaks = [f"tbreak {name}" for name in LAST_STEPS]
    output = talk(None, *breaks, *["continue"] * len(LAST_STEPS))
    assert re.findall(r"^Temporary breakpoint \d+, (\w+) \(", output, re.MULTILINE) == list(LAST_STEPS)


def test_an_initcall_has_its_level_on_the_stack(talk):
    output = talk(None, "tbreak init_swap", "continue", "bt", "up 2", "p initcall_levels[level]", "p *call")
    called = re.findall(r"^#\d+ .*?(\w+) \(", output, re.MULTILINE)
    assert called[:6] == [
        *("init_swap", "do_one_initcall", "do_initcall_level", "do_initcalls", "kernel_init_freeable", "kernel_init")
    ]
    assert re.search(r'name = 0x\w+ "late"', output) and re.search(r"fn = 0x\w+ <init_swap>", output)


def test_init_sections_are_there_until_they_are_freed(talk):
    looks = ("x/i start_kernel", "x/i do_one_initcall", "x/gx &__setup_start")
    output = talk(None, "tbreak free_initmem", "continue", *looks, "echo freed\\n", "finish", *looks, "x/i rest_init")
    before, _, after = output.partition("freed\n")
    assert "Cannot access" not in before and before.count("<start_kernel>:") == 1
    assert len(re.findall(r"Cannot access memory at address 0xffffffff810\w+", after)) == len(looks)
    assert "<rest_init>:" in after


def test_sources_are_shown_in_real_mode_and_in_the_decompressor(talk):
    output = talk(
        "real",
        *("break main", "continue", "list", "tbreak validate_cpu", "continue"),
        *("break extract_kernel", "continue", "bt", "list"),
    )
    assert "copy_boot_params();" in output and "validate_cpu();" in output and "features = cpuid_edx(" in output
    assert "#1 " in output and "in startup_64 ()" in output
    assert "boot_params_ptr = rmode;" in output


def test_the_kernel_gets_what_setup_asked_the_bios(talk):
    output = talk(
        "real",
        *("tbreak start_kernel", "continue"),
        *("p boot_params.e820_entries", "p/x boot_params.e820_table[3].addr", "x/s boot_params.hdr.cmd_line_ptr"),
        *("p/x boot_params.hdr.header",),
    )
    assert "= 4" in output and "= 0x100000" in output and "= 0x53726448" in output


@pytest.mark.parametrize(("entry", "first"), [("32", "startup_32"), ("64", "startup_64"), ("unpacked", "startup_64")])
def test_other_entries_begin_later(talk, entry, first):
    output = talk(entry, "info symbol $pc", "tbreak start_kernel", "continue", "bt")
    assert f"{first} in section" in output
    assert "x86_64_start_kernel (real_mode_data=65536)" in output

"""Stock gdb on execve: every step of it is a breakpoint by Linux's name, for a script and the first program."""

import re

import pytest

from tests.realgdb.served import gdb_from_boot

pytestmark = pytest.mark.gdb

STEPS = (
    *("sys_execve", "do_execveat_common", "bprm_mm_init", "count", "copy_strings", "bprm_execve"),
    *("prepare_bprm_creds", "check_unsafe_exec", "do_open_execat", "sched_exec", "exec_binprm"),
    *("search_binary_handler", "prepare_binprm", "load_misc_binary", "load_elf_binary", "load_script"),
    *("begin_new_exec", "setup_arg_pages", "create_elf_tables", "start_thread"),
)

REGISTERS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", *(f"r{number}" for number in range(8, 16)))


def talk(tmp_path, append, *commands):
    """What gdb says, from the guest's first instruction on."""
    return gdb_from_boot(tmp_path, f"init_action=poweroff panic=-1 {append}", *commands, "kill")


def steps(output):
    """The breakpoints in the order they were hit."""
    return re.findall(r"^(?:Temporary b|B)reakpoint \d+, (\w+) \(", output, re.MULTILINE)


def test_a_script_takes_every_step_in_linuxs_order(tmp_path):
    breaks = [f"break {name}" for name in STEPS]
    output = talk(tmp_path, "/bin/script", "break load_script", "continue", "delete", *breaks, *["continue"] * 9)
    assert steps(output) == [
        *("load_script", "do_open_execat", "search_binary_handler", "prepare_binprm", "load_misc_binary"),
        *("load_elf_binary", "begin_new_exec", "setup_arg_pages", "create_elf_tables", "start_thread"),
    ]


def test_the_first_program_takes_every_step(tmp_path):
    breaks = [f"tbreak {name}" for name in STEPS]
    output = talk(tmp_path, "", *breaks, *["continue"] * (len(STEPS) - 1), "info breakpoints")
    assert sorted(steps(output)) == sorted(set(STEPS) - {"load_script"})


def test_what_the_new_program_finds(tmp_path):
    output = talk(
        tmp_path,
        "",
        *("break start_thread", "continue", "finish", "tbreak native_irq_return_iret", "continue", "stepi"),
        "p/x " + " | ".join(f"(long)${name}" for name in REGISTERS),
        *("p/x $cs", "p *(long *)$rsp", "x/s *(char **)($rsp + 8)"),
    )
    values = [line for line in output.splitlines() if line.startswith("$")]
    assert [value.partition(" = ")[2] for value in values][-3:] == ["0x0", "0x33", "1"]
    assert '"/sbin/init"' in output


@pytest.mark.parametrize(
    ("way", "seen", "never"),
    [("int80", "system_call", "ret_from_fork_to_user"), ("ret_from_fork", "ret_from_fork_to_user", "system_call")],
)
def test_both_ways_to_ring_3(tmp_path, way, seen, never):
    output = talk(
        tmp_path,
        f"execve={way}",
        *("tbreak kernel_init", "continue", f"break {seen}", f"break {never}", "break native_irq_return_iret"),
        *("continue", "info symbol $pc", "continue", "info symbol $pc", "p/x $cs", "stepi", "p/x $cs"),
    )
    symbols = [line.split(" ")[0] for line in output.splitlines() if " in section .text" in line]
    assert symbols == [seen if way == "int80" else "ret_from_fork", "swapgs_restore_regs_and_return_to_usermode"]
    assert "= 0x10" in output and "= 0x33" in output


def test_a_helper_starts_the_modern_way_too(tmp_path):
    output = talk(
        tmp_path,
        "execve=ret_from_fork",
        *("break call_usermodehelper_exec_async", "continue", "tbreak start_thread", "continue", "backtrace"),
    )
    frames = [line for line in output.splitlines() if line.startswith("#")]
    assert any("kernel_execve_direct" in line for line in frames)
    assert any('"/sbin/helper"' in line for line in frames)
    assert not any("system_call" in line for line in frames)

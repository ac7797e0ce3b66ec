"""Stock gdb at the kernel's entries: SYSENTER from 32-bit code, the vDSO that needs none, the vsyscall page, IRETQ."""

import re

import pytest

from tests.realgdb.harness import values
from tests.realgdb.served import gdb_from_boot

pytestmark = pytest.mark.gdb


def talk(tmp_path, append, *commands):
    """What gdb says, from the guest's first instruction on."""
    return gdb_from_boot(tmp_path, f"init_action=poweroff panic=-1 {append}", *commands, "kill")


def test_a_32_bit_program_starts_in_its_own_code_segment(tmp_path):
    output = talk(
        tmp_path,
        "/bin/hello32",
        *("break compat_start_thread", "continue", "tbreak native_irq_return_iret", "continue", "p/x $cs", "stepi"),
        *("p/x $cs", "p/x $ss", "p/x $ds", "p $rsp < 0x100000000"),
    )
    assert values(output) == ["0x10", "0x23", "0x2b", "0x2b", "1"]


def test_sysenter_lands_in_the_kernel_and_leaves_by_iretq(tmp_path):
    output = talk(
        tmp_path,
        "/bin/hello32",
        *("break entry_SYSENTER_compat", "continue", "p/x $cs", "break do_syscall_32_irqs_on", "continue"),
        *("p nr", "p/x regs->cs", "tbreak native_irq_return_iret", "continue", "stepi", "p/x $cs"),
    )
    assert values(output)[0] == "0x10" and values(output)[2:] == ["0x23", "0x23"]


def test_a_vsyscall_is_a_page_fault_that_is_answered(tmp_path):
    output = talk(
        tmp_path,
        "init=/bin/usertests -- vsyscall_page",
        *("break emulate_vsyscall", "continue", "p/x address", "p/x error_code", "p regs->ip == address", "finish"),
    )
    assert values(output)[:3] == ["0xffffffffff600000", "0x14", "1"]
    assert re.search(r"Value returned is \$\d+ = true", output)


def test_the_timer_keeps_the_vdsos_page_up_to_date(tmp_path):
    output = talk(
        tmp_path,
        "init=/bin/usertests -- vdso_clocks port_permissions",
        *("break sys_clock_gettime", "continue", "set $vdso = current_task->mm->vdso", "p/x *(unsigned *)$vdso"),
        *("delete", "tbreak update_vsyscall", "continue", "backtrace 2", "finish", "p vvar.data.seq % 2"),
        "p vvar.data.clock_mode",
    )
    assert "0x464c457f" in values(output)
    assert values(output)[-2:] == ["0", "1"]
    assert re.search(r"#0 +update_vsyscall .*\n#1 .*timer_interrupt", output)


def test_syscall_returns_by_sysret_and_execve_by_iret(tmp_path):
    output = talk(
        tmp_path,
        "/bin/echo",
        *('tbreak do_execveat_common if $_streq(filename, "/bin/echo")', "continue", "tbreak force_iret", "continue"),
        *("tbreak native_sysret", "tbreak native_irq_return_iret", "continue", "info symbol $pc"),
        *("continue", "info symbol $pc"),
    )
    symbols = re.findall(r"^(\w+)(?: \+ \d+)? in section .text", output, re.MULTILINE)
    assert symbols == ["swapgs_restore_regs_and_return_to_usermode", "entry_SYSCALL_64"]


def test_an_iretq_that_faults_is_the_programs_fault(tmp_path):
    output = talk(
        tmp_path,
        "init=/bin/usertests -- bad_iret",
        *(
            "break fixup_bad_iret",
            "continue",
            "info symbol bad_regs->ip",
            "finish",
            "set $r = $",
            "p/x $r.cs",
            "p/x $r.ss",
        ),
    )
    assert "swapgs_restore_regs_and_return_to_usermode + " in output
    assert values(output)[-2:] == ["0x33", "0x17"]

"""What programs can do, what kills them, and what the kernel says when it does."""

import re

import pytest

from tests.guest.boot import PANIC, POWER_OFF, RESTART, on_machine

UNATTENDED = "init_action=poweroff panic=-1"
CRASH_FILE = "/sys/kernel/debug/provoke-crash/DIRECT"

ADDRESS = r"[0-9a-f]+"
PLACE = rf"ip:{ADDRESS} sp:{ADDRESS} error:0 in "


def test_usertests(boot):
    run = boot(UNATTENDED + " /bin/usertests")
    results = [line for line in run.lines() if line.startswith(("ok ", "FAIL ", "usertests: "))]
    assert [line for line in results if line.startswith("FAIL")] == []
    passed, of = map(int, re.fullmatch(r"usertests: (\d+) of (\d+) passed", results[-1]).groups())
    assert passed == of >= 70
    assert run.code == POWER_OFF


def test_no_page_is_lost(boot):
    memory = b"write /proc/sysrq-trigger m"
    run = boot(
        "panic=-1", typed=[b"forktest", b"segv", b"notelf", memory, b"forktest", b"segv", b"notelf", memory, b"exit"]
    )
    before, after = map(int, re.findall(r"(\d+) pages free", run.console))
    assert abs(after - before) <= (0 if boot is on_machine else 2)  # QEMU's timer may come while a task dies


@pytest.mark.parametrize(
    ("name", "line", "status"),
    [
        ("segv", rf"segv\[3\]: segfault at 0 ip 0+40{ADDRESS} sp 0+7ff{ADDRESS} error 6 in segv\[401000\+\d+\]", 11),
        ("privileged", rf"traps: privileged\[3\] general protection fault {PLACE}privileged\[401000\+\d+\]", 11),
        ("divide", rf"traps: divide\[3\] trap divide error {PLACE}divide\[401000\+\d+\]", 8),
        ("ud2", rf"traps: ud2\[3\] trap invalid opcode {PLACE}ud2\[401000\+\d+\]", 4),
        ("breakpoint", rf"traps: breakpoint\[3\] trap int3 {PLACE}breakpoint\[401000\+\d+\]", 5),
        ("overflow", rf"traps: overflow\[3\] trap overflow {PLACE}overflow\[401000\+\d+\]", 11),
    ],
)
def test_a_trap_kills_its_task_alone(boot, name, line, status):
    run = boot(f"{UNATTENDED} /bin/{name}")
    assert [text for text in run.lines() if re.fullmatch(line, text)], run.console
    assert f"init: /bin/{name} ended with status {status:#x}" in run.lines()
    assert run.code == POWER_OFF


@pytest.mark.parametrize("word", ['"/bin/int80"', '"init=/bin/int80"', 'init="/bin/int80"', 'init="/bin/int80'])
def test_quotes_of_the_command_line_are_taken_away(boot, word):
    assert "int80: written by write, number 4" in boot(f"{UNATTENDED} {word}").lines()


def test_a_blank_in_quotes_ends_no_word(boot):
    assert "init: cannot run a b" in boot(f'{UNATTENDED} "a b" ""').console


def test_int80_from_ring_3(boot):
    lines = boot(UNATTENDED + " /bin/int80").lines()
    assert "int80: written by write, number 4" in lines
    assert "int80: pid 3, and 3 by syscall" in lines


def test_forktest(boot):
    lines = boot(UNATTENDED + " /bin/forktest").lines()
    for child in (1, 2, 3):
        assert f"forktest: child {child} has pid {child + 3}" in lines
        assert f"forktest: pid {child + 3} ended with {child}" in lines


def test_the_shell(boot):
    typed = [b"help", b"echo a  b\x7f\x7fcd", b"segv", b"nothing", b"xx\x15script", b"notelf", b"ps", b"uname", b"exit"]
    run = boot("panic=-1", typed=typed)
    lines = run.lines()
    assert "Programs are in /bin and /sbin: ls /bin" in lines
    assert "a cd" in lines
    assert "Segmentation fault" in lines
    assert "sh: nothing: not found" in lines
    assert "run by /bin/script" in lines
    assert "sh: /bin/notelf: cannot execute: Exec format error" in lines
    assert any(re.match(r"task:sh +state:R pid:3 +ppid:1 ", line) for line in lines)
    assert any(line.startswith("Linux ringscope ") for line in lines)
    assert run.code == POWER_OFF


def test_the_shell_as_init_powers_off(boot):
    run = boot("panic=-1 init=/bin/sh", typed=[b"ls /etc", b"\x04"])
    assert "motd" in run.lines()
    assert run.code == POWER_OFF


def test_a_long_line_rings_the_bell_and_is_cut(boot):
    run = boot("panic=-1", typed=[b"echo " + b"x" * 4200, b"exit"])
    assert "\a" in run.console
    assert run.code == POWER_OFF


@pytest.mark.parametrize(("key", "code"), [("b", RESTART), ("o", POWER_OFF), ("c", PANIC)])
def test_sysrq_ends_the_machine(boot, key, code):
    assert boot("panic=-1", typed=[f"write /proc/sysrq-trigger {key}".encode()]).code == code


SUPERVISOR = "#PF: supervisor {} in kernel mode"
PROTECTION = "#PF: error_code({}) - permissions violation"
NOT_PRESENT = "#PF: error_code({}) - not-present page"


@pytest.mark.parametrize(
    ("crash", "said"),
    [
        ("PANIC", ["Kernel panic - not syncing: dumptest"]),
        ("BUG", ["Kernel panic - not syncing: BUG at /usr/src/ringscope/guest/drivers/lkdtm.c:"]),
        ("EXCEPTION", ["BUG: kernel NULL pointer dereference, address: 0000000000000008", "Oops: 0002 [#1]"]),
        ("DIVIDE", ["divide error: 0000 [#1]", "RIP: 0010:lkdtm_DIVIDE+0x", "] Call Trace:\n", "]  do_syscall_64+0x"]),
        ("INVALID_OPCODE", ["invalid opcode: 0000 [#1]"]),
        ("EXHAUST_STACK", ["BUG: TASK stack guard page was hit at", "traps: PANIC: double fault, error_code: 0x0"]),
        ("WRITE_RO", [SUPERVISOR.format("write access"), PROTECTION.format("0x0003")]),
        ("WRITE_KERN", ["page fault for address: ffffffff81000000", PROTECTION.format("0x0003")]),
        ("EXEC_INIT", [SUPERVISOR.format("instruction fetch"), NOT_PRESENT.format("0x0010")]),
        ("READ_INIT", [SUPERVISOR.format("read access"), NOT_PRESENT.format("0x0000")]),
        ("EXEC_DATA", [SUPERVISOR.format("instruction fetch"), PROTECTION.format("0x0011")]),
        ("EXEC_STACK", ["kernel tried to execute NX-protected page", PROTECTION.format("0x0011")]),
        ("EXEC_RODATA", ["kernel tried to execute NX-protected page", PROTECTION.format("0x0011")]),
        ("EXEC_USERSPACE", ["unable to execute userspace code (SMEP?) (uid: 0)", PROTECTION.format("0x0011")]),
        ("ACCESS_NONCANONICAL", ["general protection fault: 0000 [#1]"]),
    ],
)
def test_the_kernel_dies_with_its_reason(boot, crash, said):
    run = boot("panic=-1", typed=[f"write {CRASH_FILE} {crash}".encode()])
    for text in said:
        assert text in run.console
    assert "Kernel panic - not syncing: " in run.console
    assert run.code == PANIC


def test_ring_0_does_not_touch_a_users_page():
    run = on_machine("panic=-1", typed=[f"write {CRASH_FILE} ACCESS_USERSPACE".encode()])
    assert SUPERVISOR.format("read access") in run.console and PROTECTION.format("0x0001") in run.console
    assert run.code == PANIC


def test_without_smep_and_smap_a_users_page_is_ring_0s_too(boot):
    crashes = [f"write {CRASH_FILE} {crash}".encode() for crash in ("EXEC_USERSPACE", "ACCESS_USERSPACE")]
    run = boot("panic=-1 nosmep nosmap", typed=[*crashes, b"poweroff"])
    lines = [line.partition("FAIL: ")[2] for line in run.lines() if "FAIL" in line]
    assert lines == ["func returned", "survived bad read", "survived bad write"], run.console

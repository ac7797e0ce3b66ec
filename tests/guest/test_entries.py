"""The ways into the kernel besides SYSCALL, what needs none, and the processor's checks as a program meets them."""

import re

from tests.guest.boot import POWER_OFF, on_machine

UNATTENDED = "init_action=poweroff panic=-1"


def test_a_32_bit_program_by_both_of_its_ways(boot):
    run = boot(f"{UNATTENDED} /bin/hello32")
    lines = run.lines()
    assert "hello32: cs = 0x23, by int $0x80" in lines
    assert "hello32: cs = 0x23, by sysenter" in lines
    assert "init: /bin/hello32 ended with status 0x0" in lines
    assert run.code == POWER_OFF


def test_the_tour_of_the_rings():
    """On our own machine: QEMU's emulation numbers the error codes of INT n otherwise, and has AMD's SYSEXIT."""
    run = on_machine(f"{UNATTENDED} /bin/rings")
    answers = [line for line in run.lines() if line.startswith(("ok  ", "FAIL"))]
    assert len(answers) > 60 and not [line for line in answers if line.startswith("FAIL")]
    assert "rings: 0 answers were not the expected ones" in run.lines()
    assert any(re.match(r"ok +mov ss, 0x18 .*#GP\(0x0018\) +RPL: 0 is not CPL 3", line) for line in answers)


def test_the_old_iopl_gives_cli_too():
    run = on_machine(f"{UNATTENDED} iopl=flags /bin/rings")
    assert [line[5:22] for line in run.lines() if line.startswith("FAIL")] == ["cli after iopl(3)"]


def test_without_a_vsyscall_page_its_callers_die(boot):
    lines = boot(f"{UNATTENDED} vsyscall=none vdso=0 /bin/usertests").lines()
    failed = {line.split()[1].rstrip(":") for line in lines if line.startswith("FAIL")}
    assert failed == {"vsyscall_page", "vdso_clocks", "vdso_others", "vdso_is_read_only"}

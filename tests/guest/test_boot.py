"""From the loader to the first program: what is said on the way, what goes to init, and what is no init."""

import re

import pytest

from kernel import cpio
from kernel.image import find_image
from machine.boot.layout import INFO_PAGE
from machine.tables.place import RSDP
from ringscope.boot import Configuration, power_on
from tests.guest.boot import PANIC, POWER_OFF, on_machine

UNATTENDED = "init_action=poweroff panic=-1"


def program(name):
    return (find_image().programs / name).read_bytes()


def rootfs(**programs):
    """An archive with a console and programs; `sbin__init` is /sbin/init."""
    members = [cpio.regular(path.replace("__", "/"), data, executable=True) for path, data in programs.items()]
    return cpio.archive([cpio.character_device("dev/console", 5, 1), *members])


def test_both_programs_say_in_which_segment_they_run(boot):
    run = boot(UNATTENDED)
    assert run.code == POWER_OFF
    lines = run.lines()
    init, helper = lines.index("ucs = 0x33"), lines.index("helper: ucs = 0x33")
    assert lines.index("Run /sbin/init as init process") < init < helper < lines.index("reboot: Power down")


def test_the_log_is_stamped_and_the_command_line_shown(boot):
    console = boot(UNATTENDED).console
    assert re.match(r"\[    0\.000000\] Linux version \d", console)
    assert f"Kernel command line: {UNATTENDED}\n" in console


def test_two_runs_are_one():
    """On our own machine; QEMU's clock is the host's."""
    assert on_machine(UNATTENDED + " /bin/forktest") == on_machine(UNATTENDED + " /bin/forktest")


@pytest.mark.parametrize("memory", [20, 64, 512])
def test_memory_is_found_and_counted(boot, memory):
    run = boot(UNATTENDED, memory=memory)
    available, total = map(int, re.search(r"Memory: (\d+)K/(\d+)K available", run.console).groups())
    assert (memory - 1) * 1024 < total <= memory * 1024
    archive = find_image().initramfs.stat().st_size // 1024  # not unpacked yet
    assert total - 2048 - archive - total // 64 < available < total  # of each page 64 bytes for its struct page


def test_words_that_the_kernel_does_not_know_go_to_init(boot):
    run = boot("panic=-1 init=/bin/echo one two=2 quiet -- three=3 loglevel=9")
    assert "one three=3 loglevel=9" in run.lines()
    assert run.code == PANIC


def test_quiet_leaves_programs_and_panics(boot):
    run = boot("quiet panic=-1 init=/bin/echo said")
    assert "said" in run.lines()
    assert "Unpacking" not in run.console
    assert "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000000" in run.lines()


@pytest.mark.parametrize("place", ["sbin__init", "etc__init", "bin__init", "bin__sh"])
def test_init_is_looked_for_in_four_places(boot, place):
    run = boot("panic=-1", initramfs=rootfs(**{place: program("echo")}))
    assert f"Run /{place.replace('__', '/')} as init process" in run.lines()
    assert "Attempted to kill init! exitcode=0x00000000" in run.console


def test_no_working_init(boot):
    run = boot("panic=-1", initramfs=rootfs())
    assert "Kernel panic - not syncing: No working init found.  Try passing init= option to kernel." in run.console
    assert run.code == PANIC


def test_an_init_that_is_no_program_is_named_and_the_next_one_tried(boot):
    run = boot("panic=-1", initramfs=rootfs(sbin__init=b"\x7fELF junk", bin__init=program("echo")))
    assert "Starting init: /sbin/init exists but couldn't execute it (error -8)" in run.lines()
    assert "Run /bin/init as init process" in run.lines()


def test_the_init_of_the_command_line_has_no_substitute(boot):
    run = boot("panic=-1 init=/sbin/nothing")
    assert "Kernel panic - not syncing: Requested init /sbin/nothing failed (error -2)." in run.lines()


def test_without_a_console_init_runs_all_the_same(boot):
    archive = cpio.archive([cpio.regular("sbin/init", program("segv"), executable=True)])
    run = boot("panic=-1", initramfs=archive)
    assert "Warning: unable to open an initial console." in run.lines()
    assert "Attempted to kill init! exitcode=0x0000000b" in run.console


WHOLE = rootfs(sbin__init=b"x" * 100)


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (b"garbage" * 40, "no cpio magic"),
        (WHOLE[:-120], "no trailer"),
        (WHOLE[:-150], "member runs over the end"),
        (WHOLE.replace(b"00000064", b"FFFFFFF0"), "member runs over the end"),
        (WHOLE.replace(b"00000064", b"0000006g"), "broken header"),
        (cpio.archive([cpio.regular("a", b""), cpio.regular("b/c", b"")]).replace(b"b/c\0", b"a/c\0"), "cannot create"),
    ],
)
def test_a_broken_archive_is_said_to_be_so(boot, archive, message):
    run = boot("panic=-1", initramfs=archive)
    assert f"Initramfs unpacking failed: {message}" in run.console
    assert run.code == PANIC


def test_a_kernel_that_stopped_stays_for_a_debugger_to_look():
    run = on_machine("init=/sbin/nothing")
    assert run.code is None
    assert "---[ end Kernel panic - not syncing: Requested init /sbin/nothing failed (error -2). ]---" in run.lines()


def test_panic_with_a_delay_waits(boot):
    assert "Rebooting in 1 seconds.." in boot("panic=1 init=/sbin/nothing").lines()


def test_the_start_information_points_to_acpi():
    memory = power_on(Configuration()).machine.memory
    assert memory.read_u64(INFO_PAGE + 32) == RSDP
    assert memory.read(RSDP, 8) == b"RSD PTR "

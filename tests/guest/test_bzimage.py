"""The kernel as a boot loader takes it: from each of its entries to the same first program, and what is no kernel."""

import itertools
import re
import time
from functools import partial

import pytest

from kernel import cpio
from kernel.image import find_image
from machine.boot import bzimage as header
from machine.boot import payload
from machine.boot.bzimage import BY_NAME
from machine.boot.load import boot as load
from machine.limits import ENTRY_NAMES
from machine.machine import Machine
from ringscope.boot import power_on
from ringscope.configuration import Configuration
from tests.guest.boot import POWER_OFF, bzimage, on_machine, on_qemu, vmlinux

UNATTENDED = "init_action=poweroff panic=-1"

SAID = ["", "Decompressing Linux... done.", "Booting the kernel."]


@pytest.fixture(params=[*ENTRY_NAMES, pytest.param("qemu", marks=pytest.mark.qemu)])
def boot(request, tmp_path):
    """boot(command line, ...) -> Run, from one entry of the bzImage, or by QEMU's firmware and loader."""
    if request.param == "qemu":
        return partial(on_qemu, kernel=bzimage(), directory=tmp_path)
    return partial(on_machine, kernel=bzimage(), entry=request.param)


def before_the_banner(run):
    """The console's lines before the kernel's first."""
    return list(itertools.takewhile(lambda line: not line.startswith("Linux version"), run.lines()))


def from_the_banner(run):
    """The console's lines from the kernel's first on, without times."""
    return [line for line in run.lines()[len(before_the_banner(run)) :] if not line.startswith("boot: ")]


def test_every_entry_leads_to_init(boot):
    run = boot(UNATTENDED)
    assert run.code == POWER_OFF
    assert f"Kernel command line: {UNATTENDED}" in run.lines()
    assert run.lines().index("Run /sbin/init as init process") < run.lines().index("ucs = 0x33")


@pytest.mark.parametrize("entry", ENTRY_NAMES)
def test_the_kernel_is_told_what_pvh_tells_it(entry):
    """Memory map, initial RAM disk and command line, and with them all that follows."""
    run = on_machine(UNATTENDED, kernel=bzimage(), entry=entry)
    assert from_the_banner(run) == from_the_banner(on_machine(UNATTENDED))
    assert before_the_banner(run) == ([] if entry == "unpacked" else SAID)


MARKS = ("setup code in real mode", "to protected mode", "decompressor", "kernel unpacked", "kernel entered")


@pytest.mark.parametrize(("entry", "first"), [("real", 0), ("32", 2), ("64", 2), ("unpacked", 4), (None, 4)])
def test_the_log_tells_when_each_part_began(entry, first):
    kernel = bzimage() if entry else vmlinux()
    run = on_machine(UNATTENDED, kernel=kernel, entry=entry)
    marks = re.findall(r"boot: +(\d+\.\d{6}) (.+)$", run.console, re.MULTILINE)
    assert [what for _, what in marks] == [*MARKS[first:], "this clock begins"]
    times = [float(time) for time, _ in marks]
    assert times == sorted(times) and times[-1] < 0.1


def test_initcalls_run_level_by_level_and_in_time():
    run = on_machine(f"initcall_debug loglevel=8 {UNATTENDED}")
    levels = re.findall(r"entering initcall level: (\w+)", run.console)
    assert levels == ["pure", "core", "postcore", "arch", "subsys", "fs", "device", "late"]
    called = re.findall(r"calling  (\w+) @ 1$", run.console, re.MULTILINE)
    returned = re.findall(r"initcall (\w+) returned 0 after (\d+) usecs$", run.console, re.MULTILINE)
    assert called == [name for name, _ in returned]
    assert called.index("init_elf_binfmt") < called.index("populate_rootfs") < called.index("serial8250_init")
    assert int(dict(returned)["populate_rootfs"]) > 100, "what it unpacks takes its time"


def test_what_the_boot_alone_needs_is_freed():
    lines = on_machine(UNATTENDED).lines()
    archive = find_image().initramfs.stat().st_size // 4096 * 4
    assert f"Freeing initrd memory: {archive}K" in lines
    (freed,) = [line for line in lines if line.startswith("Freeing unused kernel image (initmem) memory: ")]
    assert lines.index(freed) < lines.index("Run /sbin/init as init process")
    assert 8 <= int(re.search(r"(\d+)K$", freed)[1]) < 100


SEARCHED = ("sbin/init", "etc/init", "bin/init", "bin/sh")


def test_the_search_for_an_init():
    """Each place in its turn; what cannot be executed is told, what is not there is not."""
    program = (find_image().programs / "true").read_bytes()
    for tried, place in enumerate(SEARCHED, 1):
        run = on_machine(UNATTENDED, initramfs=cpio.archive([cpio.regular(place, program, executable=True)]))
        assert re.findall(r"Run /(\S+) as init process", run.console) == list(SEARCHED[:tried])
        assert "Attempted to kill init!" in run.console
    both = [cpio.regular(place, program, executable=True) for place in ("init", "sbin/init", "other")]
    for words, first in (("", "init"), (" rdinit=/other", "other"), (" rdinit=/none", "sbin/init")):
        run = on_machine(UNATTENDED + words, initramfs=cpio.archive(both))
        assert re.findall(r"Run /(\S+) as init process", run.console) == [first]
    said = on_machine(UNATTENDED, initramfs=cpio.archive([cpio.regular("etc/init", b"no program", executable=True)]))
    assert "Starting init: /etc/init exists but couldn't execute it (error -8)" in said.lines()
    assert "Kernel panic - not syncing: No working init found." in said.console


@pytest.mark.parametrize("memory", [20, 512])
def test_memory_of_other_sizes(boot, memory):
    total = int(re.search(r"Memory: \d+K/(\d+)K available", boot(UNATTENDED, memory=memory).console)[1])
    assert (memory - 1) * 1024 < total <= memory * 1024


def test_the_prompt_comes_at_once():
    """From power-on to the shell's prompt and its end, in the host's time; others may work there too."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        run = on_machine("panic=-1", kernel=bzimage(), entry="real", typed=[b"exit"])
        seconds.append(time.perf_counter() - start)
        assert "# exit" in run.console and run.code == POWER_OFF
    assert min(seconds) < 0.5


def test_a_long_command_line_comes_whole(boot):
    words = " ".join(f"word{number}{'x' * 60}" for number in range(25))
    assert words in boot(f"panic=-1 init=/bin/echo {words}").lines()


def test_two_runs_are_one():
    assert on_machine(UNATTENDED, kernel=bzimage(), entry="real") == on_machine(
        UNATTENDED, kernel=bzimage(), entry="real"
    )


def test_the_payload_is_the_kernel():
    image = header.parse(bzimage())
    unpacked = payload.unpack(image.payload())
    assert unpacked[:4] == b"\x7fELF"
    assert 0 < len(bzimage()) < 300_000
    assert len(unpacked) < len(vmlinux())


def damaged(offset, value):
    data = bytearray(bzimage())
    data[offset] ^= value
    return bytes(data)


def test_a_damaged_payload_is_said_to_be_so():
    image = header.parse(bzimage())
    start = image.setup_size + image["payload_offset"]
    run = on_machine_until_it_halts(damaged(start, 0xFF))
    assert run.endswith("Decompressing Linux... \n\ninvalid header of LZ4-compressed data\n\n -- System halted")
    run = on_machine_until_it_halts(damaged(start + 4, 1))
    assert "LZ4-compressed data is cut off\n" in run


@pytest.mark.parametrize("where", range(200, 120_000, 17_017))
def test_no_damage_is_taken_for_a_kernel_that_unpacks(where):
    """Either the decompressor says what is wrong, or it unpacks to as many bytes as it should."""
    image = header.parse(bzimage())
    said = on_machine_until_it_halts(damaged(image.setup_size + image["payload_offset"] + where, 0x55))
    assert "Decompressing Linux..." in said


def on_machine_until_it_halts(image):
    console = bytearray()
    machine = Machine(64 << 20, send=console.extend)
    load(machine, image, initrd=find_image().initramfs.read_bytes(), command_line=UNATTENDED, entry="real")
    for _ in range(60):
        if machine.run() is not None or machine.idle:
            break
    return console.replace(b"\r", b"").decode("utf-8", "replace")


def test_setup_code_that_was_not_read_whole_says_so():
    image = header.parse(bzimage())
    signature = bzimage().rindex((0x5A5AAA55).to_bytes(4, "little"), 0, image.setup_size)
    assert "No setup signature found..." in on_machine_until_it_halts(damaged(signature, 1))


def test_an_entry_alone_means_ours():
    for entry in ENTRY_NAMES:
        guest = power_on(Configuration(entry=entry))
        assert guest.protocol == f"linux {entry}"
        assert guest.kernel == find_image().bzimage and guest.symbols_file == find_image().vmlinux


def test_the_header_says_what_boot_loaders_ask():
    image = header.parse(bzimage())
    assert image["pref_address"] == 0x1000000 and not image["relocatable_kernel"]
    assert image["init_size"] == 0x200000 and image["cmdline_size"] == 2047
    at = BY_NAME["jump"].offset
    assert bzimage()[at] == 0xEB

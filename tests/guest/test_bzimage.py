"""The kernel as a boot loader takes it: from each of its entries to the same first program, and what is no kernel."""

import re
from functools import partial

import pytest

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


def from_the_banner(run):
    """The console's lines from the kernel's first on, without times."""
    lines = run.lines()
    return lines[next(n for n, line in enumerate(lines) if line.startswith("Linux version")) :]


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
    before = run.lines()[: -len(from_the_banner(run))]
    assert before == ([] if entry == "unpacked" else SAID)


@pytest.mark.parametrize("memory", [20, 512])
def test_memory_of_other_sizes(boot, memory):
    total = int(re.search(r"Memory: \d+K/(\d+)K available", boot(UNATTENDED, memory=memory).console)[1])
    assert (memory - 1) * 1024 < total <= memory * 1024


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

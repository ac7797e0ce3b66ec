"""Debian's kernel with KASLR: gdb is told where it lies."""

from dataclasses import replace

import pytest

from machine.positions import Goal
from machine.stop import Arrived
from ringscope import linux
from ringscope.boot import power_on
from ringscope.regions import Regions
from ringscope.slide import LINKED, STEP, kernel_slide
from tests.realgdb.harness import gdb_batch
from tests.realgdb.served import booted, served

pytestmark = [pytest.mark.linux, pytest.mark.gdb, pytest.mark.timeout(300)]


def run(files, position, **changes):
    guest = power_on(replace(linux.configuration(files), **changes))
    while not isinstance(guest.machine.run_to(Goal(position)), Arrived):
        pass
    return guest


def linked_there(path):
    """An ELF file whose first segment is linked where Linux's is: our kernel's own is that of its 32-bit entry."""
    image = bytearray(booted().kernel.read_bytes())
    first = int.from_bytes(image[32:40], "little")  # e_phoff
    image[first + 16 : first + 24] = LINKED.to_bytes(8, "little")  # p_vaddr
    path.write_bytes(image)
    return path


def test_gdb_moves_the_symbols_with_the_kernel(files, tmp_path):
    guest = run(files, 400_000_000, entry="64", append="console=ttyS0")
    slide = kernel_slide(Regions(guest.machine))
    assert slide and slide % STEP == 0
    with served(guest, tmp_path / "gdb.sock") as server:
        output = gdb_batch("p/x (long)&_text", connect=server.address, file=linked_there(tmp_path / "vmlinux"))
    assert f"$1 = {LINKED + slide:#x}" in output


def test_a_kernel_that_stays_has_no_slide(files):
    assert kernel_slide(Regions(run(files, 300_000_000).machine)) == 0
    assert kernel_slide(Regions(booted().machine)) == 0

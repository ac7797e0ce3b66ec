"""What gef, pwndbg and gdb-pt-dump ask of a stub (docs/howto/gef-pwndbg-and-pt.md): packets, and QEMU's monitor."""

import re
import textwrap
from pathlib import Path

import pytest

from tests.guest.test_tasks import at_the_prompt
from tests.realgdb.harness import gdb_batch, values
from tests.realgdb.served import booted, served

pytestmark = pytest.mark.gdb

PAGE = Path(__file__).parents[2] / "docs/howto/gef-pwndbg-and-pt.md"


def test_page_table_walkers_take_it_for_a_whole_machine(tmp_path):
    """gef and pwndbg ask for this before they read page tables, and then read them by physical address."""
    packets = ("Qqemu.sstepbits", "qOffsets", "qqemu.PhyMemMode", "Qqemu.PhyMemMode:1", "m1000000,4")
    with served(booted(), tmp_path / "gdb.sock") as server:
        said = gdb_batch(*(f"maintenance packet {packet}" for packet in packets), connect=server.address)
    bits, offsets, mode, switched, memory = re.findall('^received: "(.*)"', said, re.MULTILINE)
    assert bits.startswith("ENABLE=1") and (offsets, mode, switched) == ("", "0", "OK")
    assert re.fullmatch("[0-9a-f]{8}", memory)


def test_what_they_ask_qemus_monitor(tmp_path):
    """Pages by first address, end, length and rights; tables by base and limit."""
    commands = ("monitor info mem", "monitor info registers", "print/x $idtr_base", "print/x $cr3")
    with served(at_the_prompt(), tmp_path / "gdb.sock") as server:
        said = gdb_batch(*commands, connect=server.address)
    pages = re.findall(r"^([0-9a-f]{16})-([0-9a-f]{16}) ([0-9a-f]{16}) ([u-]r[w-])$", said, re.MULTILINE)
    spans = [(int(first, 16), int(end, 16), int(length, 16)) for first, end, length, _ in pages]
    assert all(end - first == length for first, end, length in spans) and spans == sorted(spans)
    assert {rights for *_, rights in pages} == {"ur-", "urw", "-r-", "-rw"}
    base, limit = re.search(r"^IDT=\s+(\w+)\s+(\w+)$", said, re.MULTILINE).groups()
    idtr, cr3 = (int(value, 16) for value in values(said))
    assert (int(base, 16), int(limit, 16)) == (idtr, 0xFFF)
    assert f" CR3={cr3:016x} " in said and re.search(r"^TR =0040 ffff\w+ 00002068 00008b00$", said, re.MULTILINE)


def test_before_paging_there_are_no_pages(tmp_path):
    with served(booted(entry="real"), tmp_path / "gdb.sock") as server:
        said = gdb_batch("monitor info mem", "monitor info registers", connect=server.address)
    assert "PG disabled" in said
    selector, base = re.search(r"^CS =(\w{4}) (\w{16}) 0000ffff 00000000$", said, re.MULTILINE).groups()
    assert int(base, 16) == int(selector, 16) << 4


def test_the_lines_for_gdb_pt_dump(tmp_path):
    """As the page has them, with a class of that name to replace."""
    lines = re.search(r"^    import gdb\n(?:    .*\n|\n)+", PAGE.read_text(), re.MULTILINE)[0]
    (tmp_path / "lines.py").write_text(textwrap.dedent(lines))
    (tmp_path / "pt_gdb").mkdir()
    (tmp_path / "pt_gdb" / "pt_gdb.py").write_text("class QemuGdbMachine: pass\n")
    (tmp_path / "ask.py").write_text(
        "machine = pt_gdb.QemuGdbMachine()\n"
        "print(machine.read_physical_memory(0x1000000, 4).hex())\n"
        "try:\n    machine.read_physical_memory(0xfee00000, 4)\n"
        "except OSError as error:\n    print(error)\n"
    )
    guest = booted()
    with served(guest, tmp_path / "gdb.sock") as server:
        said = gdb_batch(
            f"python import sys; sys.path.insert(0, {str(tmp_path)!r})",
            *(f"source {tmp_path / name}" for name in ("lines.py", "ask.py")),
            *("maintenance packet qqemu.PhyMemMode",),
            connect=server.address,
        )
    assert guest.machine.memory.read(0x1000000, 4).hex() in said.splitlines()
    assert "Cannot access memory at address 0xfee00000" in said and 'received: "0"' in said

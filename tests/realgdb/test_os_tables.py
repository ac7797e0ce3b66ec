"""Stock gdb's `info os` on the machine: every table, with no Python in gdb, and over MI."""

import pytest

from tests.guest.places import run_to
from tests.realgdb.harness import Gdb, gdb_batch
from tests.realgdb.served import booted

pytestmark = pytest.mark.gdb

TABLES = ("cr", "devices", "exceptions", "gdt", "idt", "msr", "pagemap", "ports", "rings", "tss")


@pytest.fixture(scope="module")
def guest():
    guest = booted()
    run_to(guest, "do_syscall_64")
    return guest


def test_gdb_prints_every_table(socket):
    output = gdb_batch(
        "info os", *(f"info os {name}" for name in TABLES), connect=socket, file=booted().kernel, seconds=90
    )
    for part in (
        "Global descriptor table",
        "asm_exc_page_fault",
        "64-bit TSS (Busy)",
        "rsp0",
        "[PE MP ET NE WP AM PG]",
        "LSTAR",
        "entry_SYSCALL_64",
        "rw- user",
        "0x0020     0x0021     8259A interrupt controller",
        "local APIC",
        "0x80       interrupt 0x80 software interrupt 1          0",
        "to ring 0  SYSCALL    1",
    ):
        assert part in output, part
    assert "Can not fetch" not in output


def test_mi_reads_the_same(socket):
    with Gdb(seconds=60) as gdb:
        gdb.connect(socket)
        table = gdb.command("-info-os idt")["OSDataTable"]
        assert [column["colhdr"] for column in table["hdr"]][:3] == ["Vec", "Exception", "P"]
        assert any("#PF Page Fault" in str(row) for row in table["body"])
        names = {row["col0"] for row in gdb.command("-info-os")["OSDataTable"]["body"]}
        assert names >= set(TABLES)

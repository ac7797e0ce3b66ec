"""gdb's `find` and `compare-sections`, which look through the guest's memory on the server's side."""

import pytest

from ringscope.boot import power_on
from ringscope.configuration import Configuration
from tests.realgdb.harness import gdb_batch
from tests.realgdb.served import served

pytestmark = pytest.mark.gdb


def test_find_and_compare_sections(tmp_path):
    guest = power_on(Configuration(append="nosmap"))  # with SMAP, instructions are exchanged in .text
    with served(guest, tmp_path / "gdb.sock") as server:
        output = gdb_batch(
            *("break do_syscall_64", "continue", "find /b &_text, +0x10000, (char)0x48, (char)0x0f, (char)0x07"),
            "find /b &_text, +0x10000, (char)0x48, (char)0x0f, (char)0x07, (char)0x48, (char)0x0f, (char)0x07",
            # gdb compares at the addresses where sections were loaded, which are physical.
            *("maint packet Qqemu.PhyMemMode:1", "compare-sections .text", "compare-sections .rodata"),
            *("set var *(char *)0x1001000 = 0x90", "compare-sections .text", "kill"),
            connect=server.address,
            file=guest.kernel,
        )
    assert output.count(": matched.") == 2 and output.count("MIS-MATCHED!") == 1
    assert "entry_SYSCALL_64+" in output and "1 pattern found." in output and "Pattern not found." in output

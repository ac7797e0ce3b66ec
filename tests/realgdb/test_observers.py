"""A second stock gdb that looks while the first one controls the machine."""

import pytest

from ringscope.boot import power_on
from ringscope.configuration import CPU, Configuration
from tests.realgdb.harness import Gdb, gdb_batch
from tests.realgdb.served import served

pytestmark = pytest.mark.gdb


def test_a_second_gdb_looks_and_the_first_controls(tmp_path):
    guest = power_on(Configuration())
    with served(guest, tmp_path / "gdb.sock", view=CPU, observers=True) as server, Gdb(guest.kernel) as gdb:
        gdb.connect(server.address)
        gdb.run_to("start_thread")
        looks = ("bt 1", "info registers rip", "x/i $pc", "info threads", "monitor where")
        changes = ("set var $rax = 1", "stepi", "monitor write 0x1000 0")
        output = gdb_batch(*looks, *changes, file=guest.kernel, connect=server.address)
        assert "#0  start_thread (" in output and '"CPU#0"' in output
        assert "an observer may look, and change nothing" in output
        before = gdb.register("pc")
        assert gdb.step_instruction().address > before
        assert "start_thread" in gdb_batch("bt 1", file=guest.kernel, connect=server.address)

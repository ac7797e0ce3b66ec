"""Stock gdb from a kernel's 16-bit entry to its 32-bit code, in one session with one register layout."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.realgdb.harness import gdb_batch

sys.path.insert(0, str(Path(__file__).parents[1] / "machine"))

from setup_kernel import ENTRY_32, kernel

pytestmark = pytest.mark.gdb


@pytest.fixture
def socket(tmp_path):
    image, path = tmp_path / "bzImage", tmp_path / "gdb.sock"
    image.write_bytes(kernel())
    serve = ["serve", "--kernel", str(image), "--entry", "real", "--listen", f"unix:{path}", "--memory", "16M"]
    command = [sys.executable, "-m", "ringscope.cli", *serve]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        for line in server.stdout:
            if "target remote" in line:
                break
        yield path
        server.terminate()


def test_gdb_follows_from_real_to_protected_mode(socket):
    where = 'printf "at %x:%x pe=%d\\n", $cs, $rip, $cr0 & 1'
    output = gdb_batch(
        where,
        *("stepi", where),
        # Breakpoints are linear addresses; gdb knows RIP alone, so here it sees a trap.
        *("hbreak *0x90283", "continue", where),
        *(f"hbreak *{ENTRY_32:#x}", "continue", where),
        *("kill",),
        connect=socket,
    )
    places = [line for line in output.splitlines() if line.startswith("at ")]
    assert places == ["at 9020:0 pe=0", "at 9020:80 pe=0", "at 9020:83 pe=0", "at 8:100000 pe=1"]
    assert output.count("SIGTRAP") == 1

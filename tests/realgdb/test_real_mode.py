"""Stock gdb from a kernel's 16-bit entry to its 32-bit code, in one session with one register layout."""

import os
import pty
import subprocess
import sys
from contextlib import suppress

import pytest

from ringscope.serve import scripts
from tests.machine.setup_kernel import ENTRY_32, kernel
from tests.realgdb.harness import gdb_batch

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


SCRIPTS = f"source {scripts() / 'loader.py'}"


def test_a_breakpoint_at_a_real_mode_address_is_gdbs_own(socket):
    output = gdb_batch(
        SCRIPTS,
        *("x86 break 0x9020:0x83", "x86 break 0x9000:0x286", "continue", "info breakpoints"),
        *("x86 mode", "x86 disassemble 2", "continue", 'printf "at %x:%x\\n", $cs, $rip'),
        *("delete 1", "maint info breakpoints", "kill"),
        connect=socket,
    )
    lines = output.splitlines()
    assert "It is at 9020:0083, linear 0x90283." in lines
    assert "Breakpoint 1, 0x0000000000000083 in ?? ()" in lines
    stop = lines.index("real mode, 9020:0083")
    assert lines[stop + 1].startswith("=> 0x90283:\tint    $0x10")
    shown = [line.split() for line in lines]
    assert ["mode", "real", "mode,", "16-bit", "code", "CR0.PE=0,", "CS.D=0"] in shown
    assert any(line.startswith("   0x90285:\tcli") for line in lines)
    # The same place by another segment: gdb finds no breakpoint at that offset.
    assert "Program received signal SIGTRAP, Trace/breakpoint trap." in lines and "at 9020:86" in lines
    assert not any(line.split()[1:3] == ["hw", "0x90283"] for line in lines if line.startswith("-"))
    assert "Switching" not in output


def test_modes_from_real_to_protected(socket):
    output = gdb_batch(
        SCRIPTS,
        *(f"hbreak *{ENTRY_32:#x}", "continue", "x86 mode", "x86 disassemble 2", "stepi", "show architecture"),
        *("kill",),
        connect=socket,
    )
    words = [line.split() for line in output.splitlines()]
    assert ["mode", "32-bit", "protected", "mode", "CR0.PE=1,", "EFER.LMA=0,", "EFLAGS.VM=0,", "CS.D=1"] in words
    assert ["=>", "0x100000:", "mov", "$0x90000,%esi"] in words
    assert not any(line.startswith("32-bit protected mode,") for line in output.splitlines()), "a flat CS needs no line"


def test_leaving_gdb_asks_nothing(tmp_path):
    (tmp_path / "bzImage").write_bytes(kernel())
    end, far = pty.openpty()
    words = ["debug", "--kernel", str(tmp_path / "bzImage"), "--entry", "real", "-ex", "echo ready\\n"]
    command = ["setsid", "--ctty", "--wait", sys.executable, "-m", "ringscope.cli", *words]
    with subprocess.Popen(command, stdin=far, stdout=far, stderr=far, env=os.environ | {"TERM": "dumb"}) as gdb:
        os.close(far)
        heard = b""
        with suppress(OSError):
            while b"ready" not in heard:
                heard += os.read(end, 4096)
            os.write(end, b"quit\n")
            while data := os.read(end, 4096):
                heard += data
        assert gdb.wait(30) == 0, heard
    assert b"y or n" not in heard

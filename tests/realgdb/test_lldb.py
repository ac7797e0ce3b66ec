"""Stock LLDB on the machine, where one is installed: registers, breakpoints, steps, watchpoints, memory regions."""

import re
import shutil
import subprocess

import pytest

from tests.realgdb.served import booted, served

LLDB = next(filter(None, map(shutil.which, ("lldb", *(f"lldb-{version}" for version in range(22, 13, -1))))), None)

pytestmark = [pytest.mark.gdb, pytest.mark.skipif(LLDB is None, reason="no LLDB is installed")]


def lldb(guest, tmp_path, *commands):
    """What LLDB prints."""
    with served(guest, tmp_path / "gdb.sock") as server:
        lines = [f"process connect unix-connect://{server.address}", *commands]
        script = tmp_path / "script"
        script.write_text("\n".join([*lines, "quit"]) + "\n")
        ran = subprocess.run(
            [LLDB, "--no-lldbinit", "-b", "-s", str(script), str(guest.kernel)],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    assert "Assertion failed" not in ran.stderr, ran.stderr
    return ran.stdout


def test_lldb_runs_to_a_function_and_steps(tmp_path):
    said = lldb(
        booted(),
        tmp_path,
        *("register read rip cs cr0", "breakpoint set -n start_kernel", "continue", "bt", "stepi", "register read rip"),
        *("memory region $rip", "memory region 0", "memory read -c 8 $rsp"),
        *("watchpoint set expression -w write -s 8 -- $rsp-8", "continue", "thread list"),
    )
    assert "cs = 0x00000008" in said and "cr0 = 0x0000000000000011" in said
    assert "name = 'CPU#0', stop reason = breakpoint 1.1" in said
    assert re.search(r"frame #0: 0x\w+ vmlinux`start_kernel", said) and "vmlinux`secondary_startup_64" in said
    assert "stop reason = instruction step into" in said
    assert re.search(r"\[0xffffffff81\w+-0x\w+\) r-x", said) and re.search(r"\[0x0000000000000000-0x\w+\) ---", said)
    assert "stop reason = watchpoint 1" in said

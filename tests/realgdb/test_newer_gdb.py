"""The newest gdb that a package index has, 18.1 as of 2026, on the machine: what it asks that Debian's 13 does not.

It is downloaded once, into the user's cache.
"""

import os
import subprocess
import sys
import zipfile

import pytest

from kernel.image import find_image
from ringscope.cache import root
from tests.realgdb.harness import PRELUDE

WHEEL = "gdb-for-pwndbg==18.1.0.post1"

pytestmark = [pytest.mark.gdb, pytest.mark.slow]


@pytest.fixture(scope="module")
def newer():
    """Where the wheel is unpacked."""
    place = root() / WHEEL.replace("==", "-")
    binary = place / "gdb_for_pwndbg" / "_vendor" / "bin" / "gdb"
    if not binary.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(place), WHEEL]
        got = subprocess.run(pip, capture_output=True, text=True, timeout=100, check=False)
        if got.returncode:
            pytest.skip(f"{WHEEL} cannot be had here: {got.stderr.strip()[-200:]}")
        with zipfile.ZipFile(next(place.glob("*.whl"))) as wheel:
            wheel.extractall(place)
        binary.chmod(0o755)
    return place


@pytest.fixture
def gdb(newer, served):
    """gdb(commands…) -> what it printed; ``gdb.served`` is the other side."""
    vendor = newer / "gdb_for_pwndbg" / "_vendor"

    def run(*commands):
        lines = [*PRELUDE, f"target remote {served.path}", *commands, "kill"]
        words = [word for line in lines for word in ("-ex", line)]
        start = [vendor / "bin" / "gdb", "--data-directory", vendor / "share" / "gdb", "-nx", "-q", "-batch"]
        environment = {**os.environ, "PYTHONPATH": str(newer)}
        ran = subprocess.run(
            [*start, *words, find_image().vmlinux],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment,
        )
        if "error while loading shared libraries" in ran.stderr:
            pytest.skip(ran.stderr.strip())
        assert ran.returncode == 0 and "internal-error" not in ran.stderr, ran.stdout + ran.stderr
        return ran.stdout

    run.served = served
    return run


def test_it_breaks_watches_and_prints(gdb):
    output = gdb(
        *("break do_syscall_64 if regs->orig_ax == 1", "continue", "print $cs", "print $cr0", "delete"),
        *("watch jiffies", "continue", "info threads", "info os gdt", "python print(gdb.VERSION)"),
    )
    assert "18.1" in output and "$1 = 16" in output and "$2 = [ PE MP ET NE WP AM PG ]" in output
    assert "Old value = " in output and "CPU#0" in output and "64-bit TSS" in output


def test_memory_comes_in_binary_and_errors_in_words(gdb):
    output = gdb("x/2i $pc", "x/x 0x7ffffffff000", "print/x *(char *) 0x123456789000")
    assert gdb.served.sent(b"x1000000,") and not gdb.served.sent(b"m")
    assert b"error-message+" in gdb.served.sent(b"qSupported")[0]
    assert output.count("=>") == 1


def test_the_branch_trace_across_rings(gdb):
    output = gdb(
        *("break do_syscall_64 if regs->orig_ax == 1", "continue", "delete", "record btrace bts"),
        *("tbreak entry_SYSCALL_64", "continue", "info record", "reverse-stepi", "reverse-continue", "record stop"),
    )
    assert "Recording format: Branch Trace Store." in output
    assert "Reached end of recorded history; stopping.\nBackward execution from here not possible." in output

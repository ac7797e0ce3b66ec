"""The x86 commands in stock gdb without a machine: loading, decoding of values, colour."""

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADER = ROOT / "gdb-scripts" / "loader.py"

pytestmark = pytest.mark.gdb


def gdb(loader, *commands):
    """What a gdb prints that sources the loader and runs the commands."""
    words = [word for command in (f"source {loader}", *commands) for word in ("-ex", command)]
    return subprocess.run(
        ["gdb", "-nx", "-q", "-batch", *words], capture_output=True, text=True, timeout=60, check=False
    )


def test_without_a_target():
    ran = gdb(
        LOADER,
        *("x86 gdt", "x86 cr", "x86 walk 0", "p $cpl()"),
        *("x86 pte 0x8000000012345067", "x86 descriptor 0x00af9b000000ffff", "x86 error 7"),
    )
    assert ran.stderr.count("There is no target: connect to one first") == 4, ran.stderr
    assert "64-bit code of ring 0" in ran.stdout
    assert "user write: protection violation" in ran.stdout
    assert "no_execute" in ran.stdout
    assert "Traceback" not in ran.stderr


def test_loading_twice_changes_nothing():
    ran = gdb(LOADER, f"source {LOADER}", "x86 error 7")
    assert not ran.stderr
    assert ran.stdout.count("protection violation") == 1


def test_another_script_may_source_the_loader(tmp_path):
    outer = tmp_path / "outer.py"
    outer.write_text(f'import gdb\ngdb.execute("source {LOADER}")\n')
    assert "protection violation" in gdb(outer, "x86 error 7").stdout


def test_a_foreign_machine_module_is_named(tmp_path):
    (tmp_path / "machine.py").write_text("")
    first = tmp_path / "first.py"
    first.write_text(f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n")
    words = ["-ex", f"source {first}", "-ex", f"source {LOADER}"]
    ran = subprocess.run(
        ["gdb", "-nx", "-q", "-batch", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert f"the module machine comes from {tmp_path}" in ran.stderr


def coloured_output(*settings):
    """What gdb writes to a terminal."""
    leader, follower = pty.openpty()
    words = [word for setting in settings for word in ("-ex", setting)]
    with subprocess.Popen(
        ["gdb", "-nx", "-q", *words, "-ex", f"source {LOADER}", "-ex", "x86 pte 1", "-ex", "quit"],
        stdin=subprocess.DEVNULL, stdout=follower, stderr=follower, env=os.environ | {"TERM": "xterm"},
    ) as process:  # fmt: skip
        os.close(follower)
        output = b""
        try:
            while chunk := os.read(leader, 65536):
                output += chunk
        except OSError:
            pass  # EIO: the other side is closed
        process.wait(timeout=60)
    os.close(leader)
    return output.decode()


def test_colour_follows_gdb_s_styling():
    assert "\x1b[1m" in coloured_output("set style enabled on")
    assert "\x1b[1m" not in coloured_output("set style enabled off")


def test_installed_layout_is_found(tmp_path):
    """In a wheel, gdb-scripts lies in site-packages/ringscope and machine beside ringscope."""
    site = tmp_path / "site-packages"
    shutil.copytree(ROOT / "gdb-scripts", site / "ringscope" / "gdb-scripts")
    (site / "machine").mkdir()
    (site / "machine" / "__init__.py").write_text("")
    shutil.copytree(ROOT / "machine" / "x86", site / "machine" / "x86")
    loader = site / "ringscope" / "gdb-scripts" / "loader.py"
    ran = gdb(loader, "x86 error 7", "python import machine; print(machine.__path__[0])")
    assert "user write: protection violation" in ran.stdout, ran.stderr
    assert str(site / "machine") in ran.stdout


def test_a_missing_table_package_is_named(tmp_path):
    shutil.copytree(ROOT / "gdb-scripts", tmp_path / "gdb-scripts")
    ran = gdb(tmp_path / "gdb-scripts" / "loader.py")
    assert "no machine/x86 in any directory above" in ran.stderr

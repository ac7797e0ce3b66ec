"""`./run` where something is missing or wrong: one sentence, a status, and nothing changed."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = "sh env readlink dirname id date mktemp cat rm mv sha256sum head find sort xargs".split()  # noqa: SIM905


@pytest.fixture
def checkout(tmp_path):
    """A copy of `run` in a directory with a space, and a PATH without gdb, python3, apt-get and sudo."""
    place, tools = tmp_path / "a checkout", tmp_path / "bin"
    place.mkdir()
    tools.mkdir()
    shutil.copy(ROOT / "run", place)
    (place / "pyproject.toml").write_text("[project]\n")
    for tool in TOOLS:
        (tools / tool).symlink_to(shutil.which(tool))
    return place


def run(checkout, *words, **environment):
    """Run it from another directory, with an environment of its own."""
    return subprocess.run(
        [checkout / "run", *words],
        cwd="/",
        env={"PATH": str(checkout.parent / "bin"), "HOME": str(checkout), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def make_tool(checkout, name, text):
    path = checkout.parent / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_no_word_prints_the_usage(checkout):
    done = run(checkout)
    assert done.returncode == 0 and done.stdout.startswith("usage: ./run WORD")


def test_a_missing_gdb_is_one_sentence(checkout):
    done = run(checkout, "demo")
    sentence = "gdb is missing; install it with the package manager of your system (in Debian: gdb)"
    assert (done.returncode, done.stderr) == (1, f"ringscope: {sentence}\n")


def test_without_sudo_the_sentence_names_the_command(checkout):
    make_tool(checkout, "apt-get", "exit 1")
    (checkout.parent / "bin" / "id").unlink()
    make_tool(checkout, "id", "echo 1000")
    assert run(checkout, "demo").stderr == "ringscope: gdb is missing; install it with: sudo apt-get install gdb\n"


def test_ci_insists_on_qemu(checkout):
    make_tool(checkout, "gdb", "exit 0")
    done = run(checkout, "test", CI="true")
    assert done.returncode == 1 and "qemu-system-x86_64 is missing and CI=true asks for it" in done.stderr


def test_no_python_is_one_sentence(checkout):
    done = run(checkout, "lint")
    assert done.returncode == 1 and done.stderr.startswith("ringscope: no Python 3.11 or later was found;")


def test_an_old_python_is_named(checkout):
    make_tool(checkout, "python3.7", "exit 1")
    assert run(checkout, "lint", PYTHON="python3.7").stderr == "ringscope: PYTHON=python3.7 is older than 3.11\n"


def test_a_failing_step_shows_its_whole_output(checkout):
    make_tool(checkout, "python3", 'case "$*" in *venv*--clear*) echo first; echo second >&2; exit 7;; esac')
    done = run(checkout, "lint")
    assert done.returncode == 1
    assert "first\nsecond\nringscope: making the virtual environment failed with status 7" in done.stderr


def test_the_doctor_changes_nothing(checkout):
    done = run(checkout, "doctor")
    assert done.returncode == 1 and "missing: 3.11 or later is needed" in done.stdout
    assert sorted(path.name for path in checkout.iterdir()) == ["pyproject.toml", "run"]

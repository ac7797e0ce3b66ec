"""Commands that come by a pipe: their end is the guest's terminal's, and the shell's status is ringscope's."""

import os
import subprocess
import sys

import pytest

from ringscope import linux
from ringscope.apt import PackageError

SECONDS = 60


def run(*words, text=""):
    command = [sys.executable, "-m", "ringscope.cli", "run", *words]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS)


@pytest.fixture(scope="module", autouse=True)
def busybox():
    """In the cache, so that no run waits for a network. Without one there is nothing to test, but in CI that fails."""
    try:
        linux.make_initrd(linux.cache(print))
    except PackageError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("", 0, "reboot: Power down"),
        ("echo $((20 + 3)); exit\n", 0, "\n23\n"),
        ("exit 3", 3, ""),
        ("false\n", 1, ""),
        ("nonsense\n", 127, "nonsense: not found"),
        ("kill -9 $$\n", 137, ""),
        ("cat >/f", 0, ""),
        ("sleep 3; exit 4", 4, ""),
        ("poweroff -f\n", 0, "reboot: Power down"),
        ("reboot -f\n", 2, ""),
    ],
)
def test_busyboxs_shell(text, status, said):
    done = run("--busybox", "--append", "quiet", text=text)
    assert done.returncode == status, done.stdout + done.stderr
    assert said in done.stdout.replace("\r", "")


def test_each_reader_sees_the_end():
    done = run("--busybox", "--append", "quiet", text="cat; cat; echo both; exit 5")
    assert done.returncode == 5 and "both" in done.stdout


def test_a_long_script():
    lines = [f"x=$((x+{number})); y=abcdefghijklmnopqrstuvwxyz" for number in range(400)]
    done = run("--busybox", "--append", "quiet", text="\n".join([*lines, "echo the sum is $x", ""]))
    assert done.returncode == 0 and f"the sum is {sum(range(400))}" in done.stdout


def test_a_long_text():
    numbers = "".join(f"{number}\n" for number in range(3000))
    done = run("--busybox", "--append", "quiet", text=f"cat >/f\n{numbers}\x04wc -l /f\n")
    assert done.returncode == 0 and "3000 /f" in done.stdout


@pytest.mark.parametrize("words", [(), ("--append", "init=/bin/sh")])
def test_our_own_shell(words):
    done = run(*words, text="echo one\necho two")
    assert done.returncode == 0 and not done.stderr
    lines = [line.removeprefix("# ") for line in done.stdout.splitlines()]
    assert [line for line in lines if line in ("one", "two")] == ["one", "two"]

"""The same static programs under our kernel and under the host's Linux: what they say and how they end is the same."""

import platform
import subprocess
import sys

import pytest

from kernel.image import find_image
from tests.guest.boot import POWER_OFF, on_machine

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="needs an x86-64 Linux to compare with"
)


def under_ours(program):
    """Lines and exit status of a program that init runs."""
    run = on_machine(f"quiet init_action=poweroff panic=-1 /bin/{program}")
    assert run.code == POWER_OFF, run.console[-2000:]
    said = run.console.partition("ucs = 0x33\n")[2]
    lines, _, end = said.partition(f"init: /bin/{program} ended with status ")
    return lines.splitlines(), int(end.split()[0], 16)


def under_linux(program, directory):
    """The same under the host's kernel."""
    done = subprocess.run([find_image().program(program)], cwd=directory, capture_output=True, text=True, timeout=60)
    return done.stdout.splitlines(), done.returncode << 8 if done.returncode >= 0 else -done.returncode


@pytest.mark.parametrize(("program", "lines"), [("calls", 240), ("echo", 1), ("true", 0)])
def test_a_program_says_the_same(program, lines, tmp_path):
    ours, theirs = under_ours(program), under_linux(program, tmp_path)
    assert ours == theirs
    assert len(ours[0]) >= lines

"""Programs that mean harm: random system calls by the thousand, after which the kernel stands and has its memory."""

import re

import pytest

from tests.guest.boot import POWER_OFF, on_machine

ROUNDS = 60
LOST = 16 * 4096
"""Bytes that the kernel's caches may have grown by meanwhile; what each round lost would be many times that."""


@pytest.mark.parametrize("seed", range(1, 5))
def test_random_system_calls(seed):
    run = on_machine(f"quiet panic=-1 init_action=poweroff rounds={ROUNDS} fuzz={seed} /bin/fuzz")
    assert run.code == POWER_OFF, run.console[-2000:]
    found = re.search(r"fuzz: (\d+) calls, (\d+) of (\d+) children killed, (-?\d+) bytes lost", run.console)
    assert found, run.console[-2000:]
    calls, killed, children, lost = map(int, found.groups())
    assert calls == 100 * children == 100 * (ROUNDS + 1) and 0 < killed < children
    assert lost <= LOST
    assert "still in use" not in run.console and "Oops" not in run.console


def test_random_system_calls_are_the_same_every_time():
    words = "quiet panic=-1 init_action=poweroff rounds=5 fuzz=9 /bin/fuzz"
    assert on_machine(words) == on_machine(words)

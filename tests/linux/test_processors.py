"""Debian's unmodified kernel on several processors."""

import re
from hashlib import sha256

import pytest

from machine.stop import Exited
from tests.linux.debian import Debian

pytestmark = [pytest.mark.linux, pytest.mark.timeout(400)]

WORK = "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done; cut -d' ' -f39 /proc/self/stat"
BUSY = f"(for j in 1 2 3 4; do {WORK}; done)"


@pytest.fixture(scope="module")
def two(files):
    return Debian(files, processors=(2, 20_000)).shell(300)


def counts(debian, name):
    (line,) = debian.ask(f"grep '{name}:' /proc/interrupts")
    return [int(number) for number in re.findall(r"\b\d+\b", line)]


def test_both_are_there(two):
    assert "smp: Brought up 1 node, 2 CPUs" in two.output.decode(errors="replace")
    assert two.ask("nproc") == ["2"]
    assert two.ask("grep '^processor' /proc/cpuinfo | wc -l") == ["2"]
    assert two.ask("dmesg | grep -ci 'tsc.*unstable\\|BUG:\\|WARNING:\\|rcu.*stall'") == ["0"]


def test_both_tick_and_interrupt_each_other(two):
    assert all(counts(two, "LOC")) and all(counts(two, "CAL"))


def test_both_run_programs(two):
    lines = two.ask(f"({BUSY} & {BUSY} & {BUSY}; wait)")
    assert {"0", "1"} <= set(lines)


def test_it_ends_the_same_way_twice(files):
    """To the shell's prompt and to power-off: position, RAM and console."""
    ends = []
    for _ in range(2):
        debian = Debian(files, processors=(2, 20_000)).shell(300)
        debian.type("poweroff -f")
        while (stop := debian.run()) is None:
            pass
        assert stop == Exited(0)
        machine = debian.machine
        ends.append((machine.position, sha256(machine.memory.ram).hexdigest(), bytes(debian.output)))
    assert ends[0] == ends[1]

"""Debian's kernel, brought by different ways to the same positions: one state of registers, devices and RAM."""

from hashlib import sha256
from random import Random

import pytest

from machine.engine.proof import refusal
from machine.positions import Goal
from machine.stop import Arrived, Breakpoint
from tests.linux.debian import Debian
from tests.routes import state, upset

pytestmark = [pytest.mark.linux, pytest.mark.timeout(400)]

LINE = "sh -c 'echo $$'; sleep 0.3; cat /proc/uptime; echo en''d"
WORK = 30_000_000
"""Bytes of code in which the line has been done."""

STOPS, STEPS, NEAR = 40, 25, 20_000


def straight(debian, goal):
    """All at once."""
    while not goal.reached(debian.machine.position):
        stop = debian.machine.run_to(goal)
        assert stop is None or isinstance(stop, Arrived | Breakpoint), stop
    debian.guest.lines.flush()


def debugged(debian, goal):
    """With stops, single steps, flushes, and breakpoints where the kernel has been, hit and removed."""
    machine, choice, start = debian.machine, Random(1), debian.machine.position.progress
    length = goal.progress - start
    for turn in range(STOPS):
        straight(debian, Goal(start + length * turn // (STOPS + 1) + choice.randrange(length // (2 * STOPS))))
        upset(machine, choice, [machine.cpu.linear_pc])
        for _ in range(STEPS):
            machine.step()
        straight(debian, Goal(machine.position.progress + NEAR))
        for address in machine.cpu.breakpoints.addresses():
            machine.cpu.breakpoints.remove(address)
    straight(debian, goal)


def digest(debian):
    processor, devices, ram = state(debian.machine)
    return debian.machine.position, processor, devices, sha256(ram).hexdigest(), bytes(debian.output)


@pytest.fixture(scope="module")
def reference(files):
    """The state at the first prompt, and behind a typed line."""
    debian = Debian(files).shell()
    at_the_prompt = digest(debian)
    debian.type(LINE)
    straight(debian, Goal(debian.machine.position.progress + WORK))
    assert b"end\r\n" in debian.output
    return at_the_prompt, digest(debian)


@pytest.mark.parametrize(
    ("engine", "way"),
    [(None, straight), (None, debugged), ("portable", straight)],
    ids=["again", "debugged", "portable"],
)
def test_another_way_leads_to_the_same_state(files, reference, engine, way):
    if engine and refusal():
        pytest.skip(f"there is one engine here: {refusal()}")
    debian = Debian(files, engine=engine)
    for index, expected in enumerate(reference):
        if index:
            debian.type(LINE)
        way(debian, Goal(*expected[0]))
        assert debian.machine.position == expected[0]
        assert digest(debian) == expected

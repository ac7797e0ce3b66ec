"""Catches under Debian's untouched kernel: they stop where they should, and the boot is the one without them."""

import hashlib
import json

import pytest

from machine import processorstate
from machine.catch import Catch, Kind
from machine.positions import Goal
from machine.stop import Arrived, Caught
from tests.linux.debian import Debian

pytestmark = [pytest.mark.linux, pytest.mark.timeout(300)]

GOAL = 700_000_000
"""Bytes of code: the kernel has set its tables and MSRs up by then."""


def run(files, *catches):
    """Position, hash and the texts of the stops."""
    machine = Debian(files).machine
    for catch in catches:
        machine.cpu.catches.insert(catch)
    texts, goal = [], Goal(GOAL)
    while not isinstance(stop := machine.run_to(goal), Arrived):
        if isinstance(stop, Caught):
            texts.append(stop.text)
    state = json.dumps([machine.save(), processorstate.save(machine.cpu)], sort_keys=True, default=str)
    return machine.position, hashlib.sha256(bytes(machine.memory.ram) + state.encode()).hexdigest(), texts


def test_the_boot_with_catches_is_the_boot_without(files):
    *plain, none = run(files)
    *caught, texts = run(
        files, Catch(Kind.MSR), Catch(Kind.CONTROL, 0, 0), Catch(Kind.EXCEPTION), Catch(Kind.TRIPLE_FAULT)
    )
    assert plain == caught and not none
    assert any("EFER" in text for text in texts) and any(text.startswith("CR0 ") for text in texts)

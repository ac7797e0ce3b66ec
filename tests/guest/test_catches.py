"""Every catch at once over the kernel's boot: hundreds of stops, and the run is the one without them."""

import hashlib
import json

import pytest

from machine import processorstate
from machine.catch import Catch, Kind
from machine.engine import choice
from machine.engine.choice import Engine
from machine.engine.proof import refusal
from machine.positions import Goal
from machine.stop import Arrived, Caught, Stepped
from ringscope.boot import Configuration, power_on
from tests.guest.places import run_to

BEHIND = 300_000
"""Bytes of code that run behind the first system call of a program."""


@pytest.fixture(scope="module")
def goal():
    """Where the runs end: the first programs have run by then."""
    guest = power_on(Configuration(memory=32 << 20))
    run_to(guest, "entry_SYSCALL_64")
    return Goal(guest.machine.position.progress + BEHIND)


@pytest.fixture(params=[Engine.FAST, Engine.PORTABLE], ids=lambda engine: engine.value)
def engine(request, monkeypatch):
    if request.param is Engine.FAST and (reason := refusal()):
        pytest.skip(reason)
    monkeypatch.setattr(choice, "best", lambda: request.param)
    return request.param


def boot():
    return power_on(Configuration(memory=32 << 20)).machine


def digest(machine):
    state = json.dumps([machine.save(), processorstate.save(machine.cpu)], sort_keys=True, default=str)
    return machine.position, hashlib.sha256(bytes(machine.memory.ram) + state.encode()).hexdigest()


def run(machine, goal, *, step):
    """To the goal; the texts of the stops on the way. With ``step``, a step follows each stop."""
    texts = []
    while True:
        stop = machine.run_to(goal)
        if isinstance(stop, Arrived):
            return texts
        if isinstance(stop, Caught):
            texts.append(stop.text)
            if step and machine.position.progress < goal.progress - 100:
                assert isinstance(machine.step(), Stepped | Caught)


@pytest.mark.parametrize("step", [False, True])
def test_a_boot_with_every_catch_is_the_same(engine, goal, step):
    plain, caught = boot(), boot()
    run(plain, goal, step=False)
    for kind in Kind:
        if kind not in (Kind.PORT, Kind.MMIO):  # thousands, on the serial port
            caught.cpu.catches.insert(Catch(kind))
    caught.cpu.catches.insert(Catch(Kind.PORT, 0x20, 0x21))
    caught.cpu.catches.insert(Catch(Kind.MMIO, 0xFEE00000, 0xFEE00FFF))
    texts = run(caught, goal, step=step)
    assert digest(caught) == digest(plain)
    for part in (
        "ring 0 -> ring 3 by",
        "ring 3 -> ring 0 by",
        "CR3 0x",
        "CR0 0x",
        "MSR 0x",
        "#PF Page Fault",
        "out 0x20",
    ):
        assert any(part in text for text in texts), part

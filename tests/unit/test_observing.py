"""Commands that only look: they are there, and leave the machine as it is."""

import hashlib
from contextlib import suppress

import pytest

from gdbstub.errors import TargetError
from machine import processorstate
from ringscope.boot import power_on
from ringscope.commandset import COMMANDS
from ringscope.configuration import Configuration
from ringscope.observing import LOOKING, only_looks
from ringscope.serve import make_target

ARGUMENTS = {
    "disas": "$rip", "error": "14 0", "pte": "0x67", "selector": "0x10", "sym": "start_kernel", "task": "1",
    "walk": "$rip", "x": "$rip", "xp": "0x1000",
}  # fmt: skip


def test_all_of_them_are_commands():
    assert set(COMMANDS.commands) >= LOOKING


@pytest.mark.parametrize("line", ["", "help", "regs", "r", "info pic", "x/4 $rip", "nosuch"])
def test_looks(line):
    assert only_looks(line)


@pytest.mark.parametrize(
    "line", ["set rax 1", "run-to 5", "snapshot load x", "view tasks", "catch ring any", "s", "keyboard a"]
)
def test_changes(line):
    assert not only_looks(line)


def test_they_leave_the_machine_as_it_is():
    guest = power_on(Configuration())
    target = make_target(guest)
    for _ in range(20):
        guest.machine.run(1 << 14)

    def state():
        machine = guest.machine
        return hashlib.sha256(machine.memory.ram).hexdigest(), processorstate.save(machine.cpu), machine.save()

    before = state()
    for name in sorted(LOOKING):
        with suppress(TargetError):  # a command may have nothing to show here
            target.monitor(f"{name} {ARGUMENTS.get(name, '')}".strip(), lambda text: None)
        assert state() == before, name

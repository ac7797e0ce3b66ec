"""A machine is switched on anew: its first state comes back to the last bit; the command line of a program."""

import hashlib

import pytest

from gdbstub.errors import TargetError
from gdbstub.values import Program
from machine import processorstate
from machine.errors import BootError
from machine.machine import Machine
from ringscope.boot import Guest, power_on
from ringscope.configuration import Configuration
from ringscope.restart import command_line
from ringscope.serve import make_target


def state(machine: Machine):
    return hashlib.sha256(machine.memory.ram).hexdigest(), processorstate.save(machine.cpu), machine.save()


def run(target):
    """Always as far; a slice of the target's takes as long as the host does."""
    for _ in range(20):
        target.machine.run(1 << 14)


@pytest.mark.parametrize("ends", [False, True])
def test_everything_is_as_at_first(ends):
    guest = power_on(Configuration())
    target, first = make_target(guest), state(guest.machine)
    run(target)
    if ends:
        target.kill()
    assert state(guest.machine) != first
    target.restart()
    assert state(guest.machine) == first
    run(target)
    after = state(guest.machine)
    target.restart()
    run(target)
    assert state(guest.machine) == after


def test_a_program_leaves_the_next_start_alone():
    guest = power_on(Configuration())
    target, first = make_target(guest), state(guest.machine)
    target.start_program(Program("/bin/ls"))
    assert state(guest.machine) != first
    target.restart()
    assert state(guest.machine) == first


@pytest.mark.parametrize(
    ("line", "program", "ours", "expected"),
    [
        ("", Program("/bin/ls"), True, "init=/bin/ls"),
        ("", Program("/bin/ls"), False, "init=/bin/ls rdinit=/bin/ls"),
        ("quiet init=/x -- a", Program("/bin/ls", ("b",)), False, "quiet init=/bin/ls rdinit=/bin/ls -- b"),
        ("sched=rr forktest", Program("/bin/ls", (), {"A": "1"}), True, "sched=rr A=1 init=/bin/ls"),
        ("-- a", Program("/bin/ls"), True, "init=/bin/ls"),
    ],
)
def test_the_command_line_of_a_program(line, program, ours, expected):
    assert command_line(line, program, ours=ours) == expected


@pytest.mark.parametrize("word", ["", "two words", "'quoted'", "a\tb", "a\nb"])
def test_words_that_no_command_line_can_hold(word):
    with pytest.raises(BootError, match="cut at blanks"):
        command_line("", Program("/bin/ls", (word,)), ours=True)


def test_a_machine_of_unknown_origin_is_not_switched_on_anew():
    known = power_on(Configuration())
    guest = Guest(known.machine, known.kernel, known.protocol, known.image, known.lines, known.symbols_file)
    with pytest.raises(TargetError, match="nothing is known of how"):
        make_target(guest).restart()

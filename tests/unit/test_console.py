"""Keys on their way to the guest: the escape, and the patience with a guest that does not listen yet."""

import pytest

from machine.devices.serial import IER, IER_RECEIVED, RBR
from machine.machine import Machine
from ringscope.console import BURST, BUSY, SECOND, Keys, Wish


def waiting(machine):
    return bytes(machine.serial._waiting)


def test_keys_go_to_the_guest_but_the_escape():
    machine = Machine(1 << 20)
    keys = Keys(machine, machine.serial)
    assert keys.type(b"a\x01\x01b\x01") is None and keys.type(b"xc") is Wish.QUIT
    assert waiting(machine) == b"a\x01b"


def test_patient_keys_wait_for_a_guest_that_listens():
    machine = Machine(1 << 20)
    keys = Keys(machine, machine.serial, patient=True)
    keys.type(b"early")
    assert waiting(machine) == b""
    machine.serial.write_port(IER, IER_RECEIVED, 1)
    keys.pass_on()
    assert waiting(machine) == b"early"
    assert keys.type(b"\x01x") is Wish.QUIT


@pytest.mark.parametrize("patient", [False, True])
def test_the_end_of_input_is_said_every_second_to_a_guest_that_reads(patient):
    machine = Machine(1 << 20)
    machine.serial.write_port(IER, IER_RECEIVED, 1)
    keys = Keys(machine, machine.serial, patient=patient)
    keys.end()
    keys.pass_on()
    assert waiting(machine) == b"\x04"
    machine.clock.warp += SECOND
    keys.pass_on()
    assert waiting(machine) == b"\x04"  # the first has not been read
    machine.serial.read_port(RBR, 1)
    keys.pass_on()
    keys.pass_on()
    assert waiting(machine) == b"\x04"


@pytest.mark.parametrize("text", [b"ls", b"ls\n", b"ls\r"])
def test_a_last_line_is_ended_before_the_input(text):
    machine = Machine(1 << 20)
    keys = Keys(machine, machine.serial)
    keys.type(text)
    keys.end()
    assert read(machine, keys) == text + (b"" if text[2:] else b"\n") + b"\x04"


def test_much_input_comes_in_bursts_to_a_guest_that_reads_and_rests():
    machine = Machine(1 << 20)
    keys = Keys(machine, machine.serial)
    keys.type(b"x" * 3 * BURST)
    assert len(waiting(machine)) == BURST and not keys.pass_on()
    machine.serial._waiting.clear()
    assert not keys.pass_on(), "it may be busy with what it has read"
    machine.clock.warp += 1
    assert keys.pass_on() and len(waiting(machine)) == BURST
    machine.serial._waiting.clear()
    machine.clock.warp += BUSY
    assert keys.pass_on() and not keys.held


def test_linux_gets_all_at_once():
    machine = Machine(1 << 20)
    machine.serial.write_port(IER, IER_RECEIVED, 1)
    keys = Keys(machine, machine.serial, patient=True)
    keys.type(b"x" * 3 * BURST)
    assert len(waiting(machine)) == 3 * BURST


def read(machine, keys):
    """What a guest reads that rests whenever it has read all."""
    found = b""
    while machine.serial.backlog:
        found += bytes(machine.serial.read_port(RBR, 1) for _ in range(machine.serial.backlog))
        machine.clock.warp += 1
        keys.pass_on()
    return found

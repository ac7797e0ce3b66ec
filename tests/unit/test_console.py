"""Keys on their way to the guest: the escape, and the patience with a guest that does not listen yet."""

from machine.devices.serial import IER, IER_RECEIVED
from machine.machine import Machine
from ringscope.console import SECOND, Keys, Wish


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


def test_the_end_of_input_is_said_once():
    machine = Machine(1 << 20)
    keys = Keys(machine, machine.serial)
    keys.end()
    machine.clock.warp += 5 * SECOND
    keys.pass_on()
    assert waiting(machine) == b"\x04"


def test_a_patient_end_is_said_again_every_second():
    machine = Machine(1 << 20)
    machine.serial.write_port(IER, IER_RECEIVED, 1)
    keys = Keys(machine, machine.serial, patient=True)
    keys.end()
    keys.pass_on()
    assert waiting(machine) == b"\x04"
    machine.clock.warp += SECOND
    keys.pass_on()
    keys.pass_on()
    assert waiting(machine) == b"\x04\x04"

"""The keyboard controller by its two ports, and a keyboard behind it."""

import pytest

from machine.devices.i8042 import I8042, TRANSLATION
from machine.devices.keymap import STROKES, strokes
from machine.errors import Error

FULL, SYSTEM, COMMAND, UNLOCKED, AUXILIARY, TIMEOUT = 1, 4, 8, 0x10, 0x20, 0x40


class Controller:
    """The controller as a driver sees it."""

    def __init__(self):
        self.line, self.edges, self.resets = False, 0, 0
        self.chip = I8042(self._interrupt, self._reset)

    def _interrupt(self, level):
        self.edges += level and not self.line
        self.line = level

    def _reset(self):
        self.resets += 1

    @property
    def status(self):
        return self.chip.read_port(4, 1)

    def command(self, value, *parameters):
        self.chip.write_port(4, value, 1)
        self.data(*parameters)
        return self

    def data(self, *values):
        for value in values:
            self.chip.write_port(0, value, 1)
        return self

    def read(self):
        """Every byte that waits."""
        found = []
        while self.status & FULL:
            found.append(self.chip.read_port(0, 1))
        return found


@pytest.fixture
def controller():
    return Controller()


def test_status_and_self_tests(controller):
    assert controller.status == UNLOCKED | SYSTEM
    assert controller.command(0xAA).status == UNLOCKED | SYSTEM | COMMAND | FULL
    assert controller.read() == [0x55]
    assert controller.command(0xAB).read() == [0]
    assert not controller.status & FULL
    assert controller.chip.read_port(0, 1) == 0, "an empty buffer reads as the last byte"


def test_the_command_byte_and_the_rest_of_the_ram(controller):
    assert controller.command(0x20).read() == [0x65]
    controller.command(0x60, 0x47)
    assert controller.command(0x20).read() == [0x47]
    controller.command(0x7F, 0x5A)
    assert controller.command(0x3F).read() == [0x5A]
    controller.command(0x60, 0)
    assert controller.status == UNLOCKED, "bit 2 is the command byte's"
    controller.command(0xAA)
    assert controller.status & SYSTEM


def test_ports_of_the_chip(controller):
    assert controller.command(0xC0).read() == [0xA0]
    assert controller.command(0xD0).read() == [0xC3], "A20 on, no reset"
    controller.command(0xD1, 0xDD)  # A20 off: there is no such thing
    assert controller.command(0xD0).read() == [0xC3]
    assert controller.command(0xE0).read() == [0]
    assert controller.command(0xD2, 0x1E).read() == [0x1E]


def test_there_is_no_auxiliary_device(controller):
    """What a driver asks is answered at once: Linux would wait half a second, spinning, for each answer."""
    assert controller.command(0xA9).read() == [1], "the port's clock line is stuck"
    controller.command(0xD3, 0x5A)
    assert not controller.status & AUXILIARY
    assert controller.read() == [0x5A]
    controller.command(0xD4, 0xF2)
    assert controller.status & TIMEOUT
    assert controller.read() == [0xFE]
    assert not controller.status & TIMEOUT
    assert controller.data(0xEE).read() == [0xEE], "the next byte is the keyboard's again"


@pytest.mark.parametrize(("command", "resets"), [(0xFE, 1), (0xF0, 1), (0xFF, 0), (0xFD, 0)])
def test_pulses(controller, command, resets):
    controller.command(command)
    assert controller.resets == resets


def test_the_output_port_resets(controller):
    controller.command(0xD1, 0xDF)
    assert controller.resets == 0
    controller.command(0xD1, 0xDE)
    assert controller.resets == 1


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        ((0xEE,), [0xEE]),
        ((0xF2,), [0xFA, 0xAB, 0x83]),
        ((0xFF,), [0xFA, 0xAA]),
        ((0xED, 7), [0xFA, 0xFA]),
        ((0xF3, 0x20), [0xFA, 0xFA]),
        ((0xF0, 0), [0xFA, 0xFA, 2]),
        ((0xF0, 1, 0xF0, 0), [0xFA, 0xFA, 0xFA, 0xFA, 1]),
        ((0xF0, 1, 0xF6, 0xF0, 0), [0xFA, 0xFA, 0xFA, 0xFA, 0xFA, 2]),
        ((0xF7,), [0xFA]),
        ((0xFB, 0x1C), [0xFA, 0xFA]),
        ((0xED, 0xEE), [0xFA, 0xEE]),  # a command where a parameter should be
        ((0x01,), [0xFE]),
    ],
)
def test_the_keyboard_answers(controller, sent, answers):
    controller.command(0x60, 0x05)  # no translation
    found = []
    for byte in sent:
        found += controller.data(byte).read()
    assert found == answers


def test_resend(controller):
    assert controller.data(0xEE).read() == [0xEE]
    assert controller.data(0xFE).read() == [0xEE]


def test_keys_are_translated_to_set_1(controller):
    controller.chip.keyboard.press(strokes("aB"))
    assert controller.read() == [0x1E, 0x9E, 0x2A, 0x30, 0xB0, 0xAA]
    controller.command(0x60, 0x05)
    controller.chip.keyboard.press(strokes("a"))
    assert controller.read() == [0x1C, 0xF0, 0x1C]
    assert TRANSLATION[0x83] == 0x41 and TRANSLATION[0xE0] == 0xE0 and len(TRANSLATION) == 256


def test_each_byte_interrupts(controller):
    controller.chip.keyboard.press(strokes("a"))
    assert (controller.line, controller.edges) == (True, 1)
    controller.chip.read_port(0, 1)
    assert (controller.line, controller.edges) == (True, 2)
    controller.chip.read_port(0, 1)
    assert not controller.line
    controller.command(0x60, 0x64)
    controller.chip.keyboard.press(strokes("a"))
    assert not controller.line
    controller.command(0x60, 0x65)
    assert controller.line


def test_a_disabled_keyboard_waits_and_a_silent_one_loses(controller):
    controller.command(0xAD)
    controller.chip.keyboard.press(strokes("a"))
    assert not controller.status & FULL
    assert controller.command(0xAE).read() == [0x1E, 0x9E]
    assert controller.data(0xF5).read() == [0xFA]
    controller.chip.keyboard.press(strokes("a"))
    assert not controller.status & FULL
    assert controller.data(0xF4).read() == [0xFA]
    controller.command(0xAD)
    assert controller.data(0xEE).read() == [0xEE], "a byte for the keyboard enables it"


def test_every_ascii_character_has_a_key():
    assert {chr(code) for code in range(0x20, 0x7F)} <= STROKES.keys()
    assert strokes("\x03") == bytes.fromhex("14 21 f0 21 f0 14")
    with pytest.raises(Error, match="no key for 'é'"):
        strokes("é")

"""The 8042 keyboard controller at ports 0x60 and 0x64: keyboard, reset line, A20 gate; no auxiliary port.

Source: IBM PC/AT Technical Reference, "Keyboard Controller"; Intel 8042 data sheet (210393).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from machine.devices.keyboard import Keyboard
from machine.fields import Fields, SavedByFields, choice, flag, number, optional, part, raw

DATA, COMMAND = 0x60, 0x64
KEYBOARD_IRQ = 1

STATUS_OUTPUT_FULL, STATUS_SYSTEM, STATUS_COMMAND, STATUS_UNLOCKED, STATUS_TIMEOUT = 0x01, 0x04, 0x08, 0x10, 0x40
"""Bits of the status register; input is taken at once, and no byte is an auxiliary device's."""

MODE_INTERRUPT, MODE_SYSTEM, MODE_DISABLED, MODE_TRANSLATE = 0x01, 0x04, 0x10, 0x40
"""Bits of the command byte, byte 0 of the controller's RAM."""

MODE_AUX_DISABLED = 0x20
POWER_ON_MODE = MODE_INTERRUPT | MODE_SYSTEM | MODE_AUX_DISABLED | MODE_TRANSLATE
"""As firmware leaves it."""

OUTPUT_NO_RESET, OUTPUT_A20, OUTPUT_FULL, OUTPUT_LINES = 0x01, 0x02, 0x10, 0xC0
INPUT_PORT = 0xA0
"""Keyboard not locked, manufacturing jumper not installed."""

SELF_TEST_PASSED, INTERFACE_TEST_PASSED, CLOCK_STUCK_LOW = 0x55, 0x00, 0x01
NO_ANSWER = 0xFE

BREAK = 0xF0
_ORDINARY = bytes.fromhex(
    "ff 43 41 3f 3d 3b 3c 58 64 44 42 40 3e 0f 29 59"
    "65 38 2a 70 1d 10 02 5a 66 71 2c 1f 1e 11 03 5b"
    "67 2e 2d 20 12 05 04 5c 68 39 2f 21 14 13 06 5d"
    "69 31 30 23 22 15 07 5e 6a 72 32 24 16 08 09 5f"
    "6b 33 25 17 18 0b 0a 60 6c 34 35 26 27 19 0c 61"
    "6d 73 28 74 1a 0d 62 6e 3a 36 1c 1b 75 2b 63 76"
    "55 56 77 78 79 7a 0e 7b 7c 4f 7d 4b 47 7e 7f 6f"
    "52 53 50 4c 4d 48 01 45 57 4e 51 4a 37 49 46 54"
)
TRANSLATION = _ORDINARY + bytes(range(0x80, 0x83)) + b"\x41\x54" + bytes(range(0x85, 0x100))
"""Scan code set 2 to set 1: code 83h is F7, 84h is Alt-SysRq, and what lies above is no key and passes."""


class I8042(SavedByFields):
    """Data register at offset 0, command and status at offset 4.

    ``interrupt`` drives IRQ 1; ``reset`` is called when the guest pulls the processor's reset line.
    """

    width = 1

    def __init__(self, interrupt: Callable[[bool], None], reset: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._reset = reset
        self.keyboard = Keyboard(self._fill)
        self._ram = bytearray(32)
        self._ram[0] = POWER_ON_MODE
        self._output: int | None = None
        self._data = 0  # what was read last: an empty output buffer reads as that
        self._break = False  # the translation has swallowed a BREAK
        self._command_last = False
        self._timed_out = False  # no device answered; so says the byte in the output buffer
        self._expects: Callable[[I8042, int], None] | None = None
        self._address = 0

    @property
    def mode(self) -> int:
        """The command byte."""
        return self._ram[0]

    def read_port(self, offset: int, size: int) -> int:
        """The output buffer, or the status."""
        return self._status() if offset else self._read_data()

    def write_port(self, offset: int, value: int, size: int) -> None:
        """A command; or the parameter of the one before; or a byte for the keyboard."""
        self._command_last = bool(offset)
        expects, self._expects = self._expects, None
        if offset:
            self._command(value)
        elif expects:
            expects(self, value)
        else:
            self._ram[0] &= ~MODE_DISABLED  # a byte for the keyboard enables it
            self.keyboard.write(value)
            self._fill()

    def _status(self) -> int:
        return (
            STATUS_UNLOCKED
            | (STATUS_COMMAND if self._command_last else 0)
            | (STATUS_SYSTEM if self.mode & MODE_SYSTEM else 0)
            | (STATUS_OUTPUT_FULL if self._output is not None else 0)
            | (STATUS_TIMEOUT if self._timed_out else 0)
        )

    def _read_data(self) -> int:
        if self._output is not None:
            self._data, self._output = self._output, None
            self._timed_out = False
            self._drive()
            self._fill()
        return self._data

    def _answer(self, byte: int) -> None:
        self._output = byte
        self._drive()

    def _drive(self) -> None:
        self._interrupt(self._output is not None and bool(self.mode & MODE_INTERRUPT))

    def _fill(self) -> None:
        """Take bytes from the keyboard until one is left for the guest."""
        while self._output is None and not self.mode & MODE_DISABLED:
            byte = self.keyboard.take()
            if byte is None:
                return
            if not self.mode & MODE_TRANSLATE:
                self._answer(byte)
            elif byte == BREAK:
                self._break = True
            else:
                self._answer(TRANSLATION[byte] | (0x80 if self._break else 0))
                self._break = False

    # Commands

    def _command(self, value: int) -> None:
        if value < 0x80:
            self._address = value & 0x1F
            if value & 0x40:
                self._expects = I8042._write_ram
            elif value & 0x20:
                self._answer(self._ram[self._address])
        elif value >= 0xF0:
            self._pulse(value)
        elif handler := _COMMANDS.get(value):
            handler(self)

    def _write_ram(self, value: int) -> None:
        self._ram[self._address] = value
        self._drive()
        self._fill()

    def _pulse(self, value: int) -> None:
        """Bits 0-3 that are clear pull the output port's lines low for 6 us; line 0 resets the processor."""
        if not value & OUTPUT_NO_RESET:
            self._reset()

    def _self_test(self) -> None:
        self._ram[0] |= MODE_SYSTEM
        self._answer(SELF_TEST_PASSED)

    def _test_interface(self) -> None:
        self._answer(INTERFACE_TEST_PASSED)

    def _disable(self) -> None:
        self._ram[0] |= MODE_DISABLED

    def _enable(self) -> None:
        self._ram[0] &= ~MODE_DISABLED
        self._fill()

    def _read_input_port(self) -> None:
        self._answer(INPUT_PORT)

    def _read_output_port(self) -> None:
        full = OUTPUT_FULL if self._output is not None else 0
        self._answer(OUTPUT_LINES | full | OUTPUT_A20 | OUTPUT_NO_RESET)

    def _expect_output_port(self) -> None:
        self._expects = I8042._write_output_port

    def _write_output_port(self, value: int) -> None:
        if not value & OUTPUT_NO_RESET:
            self._reset()

    def _expect_output_byte(self) -> None:
        self._expects = I8042._answer

    def _test_auxiliary(self) -> None:
        self._answer(CLOCK_STUCK_LOW)

    def _expect_auxiliary_byte(self) -> None:
        self._expects = I8042._fail

    def _fail(self, _value: int) -> None:
        self._timed_out = True
        self._answer(NO_ANSWER)

    def _read_test_inputs(self) -> None:
        self._answer(0)

    _PARAMETERS: ClassVar = {
        "RAM": _write_ram,
        "output port": _write_output_port,
        "output byte": _answer,
        "auxiliary byte": _fail,
    }
    FIELDS = Fields(
        "8042",
        keyboard=part,
        _ram=raw(32, 32),
        _output=optional(number(0xFF)),
        _data=number(0xFF),
        _break=flag,
        _command_last=flag,
        _timed_out=flag,
        _expects=optional(choice(_PARAMETERS)),
        _address=number(0x1F),
    )


# fmt: off
_COMMANDS: dict[int, Callable[[I8042], None]] = {
    0xA9: I8042._test_auxiliary,
    0xAA: I8042._self_test,
    0xAB: I8042._test_interface,
    0xAD: I8042._disable,
    0xAE: I8042._enable,
    0xC0: I8042._read_input_port,
    0xD0: I8042._read_output_port,
    0xD1: I8042._expect_output_port,
    0xD2: I8042._expect_output_byte,
    0xD3: I8042._expect_output_byte,  # it would come as an auxiliary device's
    0xD4: I8042._expect_auxiliary_byte,
    0xE0: I8042._read_test_inputs,
}
"""Of the others A7 and A8 switch an auxiliary port, DD and DF A20, which is always on: they change nothing."""
# fmt: on

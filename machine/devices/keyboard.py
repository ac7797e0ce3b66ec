"""An IBM PC/AT keyboard: the device behind the 8042, speaking scan code set 2 (IBM PC/AT Technical Reference)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from machine.fields import Fields, SavedByFields, flag, number, optional, raw

ACKNOWLEDGE, RESEND, SELF_TEST_PASSED, ECHO = 0xFA, 0xFE, 0xAA, 0xEE
IDENTIFIER = (0xAB, 0x83)
"""What the 101-key keyboard answers to "identify"."""

DEFAULT_SET = 2

MOST_WAITING = 1 << 20
"""Bytes that a snapshot keeps at most."""


class Keyboard(SavedByFields):
    """Commands in by `write`, bytes out by `take`.  ``ready`` is called when bytes have come to wait.

    Its buffer has no end, so that no key typed by the host is lost.
    """

    FIELDS = Fields(
        "keyboard",
        _waiting=raw(MOST_WAITING),
        _expects=optional(number(0xFF)),
        _last=number(0xFF),
        scanning=flag,
        leds=number(7),
        rate=number(0x7F),
        _set=number(0x7F),
    )

    def __init__(self, ready: Callable[[], None]) -> None:
        self._ready = ready
        self._waiting: deque[int] = deque()
        self._expects: int | None = None  # the command whose parameter comes next
        self._last = SELF_TEST_PASSED
        self._defaults()

    def _defaults(self) -> None:
        self.scanning = True
        self.leds = 0
        self.rate = 0x2B  # 10.9 characters a second after half a second
        self._set = DEFAULT_SET

    def press(self, codes: bytes) -> None:
        """Scan codes of keys going down and up; lost while the guest has scanning switched off."""
        if self.scanning:
            self._send(*codes)

    def take(self) -> int | None:
        """The next byte for the controller, None if there is none."""
        if not self._waiting:
            return None
        self._last = self._waiting.popleft()
        return self._last

    def write(self, byte: int) -> None:
        """A command, or the parameter of the one before."""
        command, self._expects = self._expects, None
        if command is not None and byte < 0x80:
            self._parameter(command, byte)
            return
        handler = _COMMANDS.get(byte)
        if handler is None:
            self._send(RESEND)
        else:
            handler(self, byte)

    def _send(self, *data: int) -> None:
        self._waiting.extend(data)
        self._ready()

    def _parameter(self, command: int, byte: int) -> None:
        self._send(ACKNOWLEDGE)
        if command == 0xED:
            self.leds = byte & 7
        elif command == 0xF3:
            self.rate = byte
        elif command == 0xF0 and byte == 0:
            self._send(self._set)
        elif command == 0xF0:
            self._set = byte  # told again when asked for; the codes sent stay those of set 2

    def _wait_for_parameter(self, command: int) -> None:
        self._expects = command
        self._send(ACKNOWLEDGE)

    def _echo(self, _command: int) -> None:
        self._send(ECHO)

    def _identify(self, _command: int) -> None:
        self._send(ACKNOWLEDGE, *IDENTIFIER)

    def _enable(self, _command: int) -> None:
        self._waiting.clear()
        self.scanning = True
        self._send(ACKNOWLEDGE)

    def _disable(self, _command: int) -> None:
        self._waiting.clear()
        self._defaults()
        self.scanning = False
        self._send(ACKNOWLEDGE)

    def _set_defaults(self, _command: int) -> None:
        self._waiting.clear()
        self._defaults()
        self._send(ACKNOWLEDGE)

    def _acknowledge(self, _command: int) -> None:
        self._send(ACKNOWLEDGE)

    def _resend(self, _command: int) -> None:
        self._send(self._last)

    def _reset(self, _command: int) -> None:
        self._waiting.clear()
        self._defaults()
        self._send(ACKNOWLEDGE, SELF_TEST_PASSED)


# fmt: off
_COMMANDS: dict[int, Callable[[Keyboard, int], None]] = {
    0xED: Keyboard._wait_for_parameter,  # LEDs: scroll, num, caps lock in bits 0-2
    0xEE: Keyboard._echo,
    0xF0: Keyboard._wait_for_parameter,  # scan code set 1-3; 0 asks which
    0xF2: Keyboard._identify,
    0xF3: Keyboard._wait_for_parameter,  # typematic rate and delay
    0xF4: Keyboard._enable,
    0xF5: Keyboard._disable,
    0xF6: Keyboard._set_defaults,
    **dict.fromkeys(range(0xF7, 0xFB), Keyboard._acknowledge),         # set 3: all keys' types
    **dict.fromkeys(range(0xFB, 0xFE), Keyboard._wait_for_parameter),  # set 3: one key's type
    0xFE: Keyboard._resend,
    0xFF: Keyboard._reset,
}
# fmt: on

"""The guest's serial console on the user's terminal."""

from __future__ import annotations

import os
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import Enum

from machine import stop
from machine.clock import NEVER
from machine.devices.serial import Serial
from machine.machine import Machine
from ringscope.output import write_stdout
from ringscope.pace import Pace
from ringscope.serial.lines import Lines

ESCAPE = b"\x01"


class Wish(Enum):
    """What Ctrl-A and a letter ask of the console, as in QEMU; Ctrl-A Ctrl-A types one Ctrl-A."""

    HELP = b"h"
    PROMPT = b"c"
    QUIT = b"x"


HELP = """
Ctrl-A h       this help
Ctrl-A c       stop the machine and go to the prompt; there Ctrl-A c, or `console`, comes back
Ctrl-A x       leave
Ctrl-A Ctrl-A  Ctrl-A itself
"""

NEWLINES = b"\n\r"

END_OF_FILE = b"\x04"
"""What the guest's shell gets when the input ends: Ctrl-D."""

IDLE_SECONDS = 0.05
SECOND = 1_000_000_000
"""Nanoseconds of virtual time."""

MOST_HELD = 1 << 16
"""Bytes that are read ahead of the guest."""

BURST, LINUX_BURST = 128, MOST_HELD
"""Bytes that are typed at once; Linux keeps 640 KiB for who does not read yet (drivers/tty/tty_buffer.c)."""

BUSY = SECOND // 20
"""The virtual time after which a guest gets more that has not rested since."""


@contextmanager
def raw_terminal(descriptor: int) -> Iterator[None]:
    """Every key goes to the guest, Ctrl-C too; the terminal is put back on leaving.  Nothing if it is no terminal."""
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor, termios.TCSADRAIN)  # what was typed ahead stays
        after = termios.tcgetattr(descriptor)
        after[1] |= termios.OPOST  # the guest's newlines still become CR LF on the way out
        termios.tcsetattr(descriptor, termios.TCSANOW, after)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class Escapes:
    """Finds Ctrl-A and what follows it among the keys."""

    def __init__(self) -> None:
        self._escaped = False

    def split(self, data: bytes) -> Iterator[bytes | Wish]:
        """Keys for the guest, and wishes, in the order typed; a letter without a meaning goes to the guest."""
        wishes = {wish.value: wish for wish in Wish}
        for byte in data:
            key = bytes([byte])
            if self._escaped:
                self._escaped = False
                yield wishes.get(key, key)
            elif key == ESCAPE:
                self._escaped = True
            else:
                yield key


class Keys:
    """What the user types, on its way to a serial port.

    ``patient`` keys wait for a guest that listens, for one whose serial driver throws away what came before.  Much
    input comes in bursts, each when the guest has read the last and rests, as somebody types who looks at the screen:
    a terminal's line discipline keeps 4096 bytes for a program that is not reading, and loses the others.
    """

    def __init__(self, machine: Machine, port: Serial, *, patient: bool = False) -> None:
        self._machine = machine
        self._port = port
        self._patient = patient
        self._burst = LINUX_BURST if patient else BURST
        self._escapes = Escapes()
        self._held = bytearray()
        self._line_begun = False
        self._end_again = NEVER
        self._last_warp = -1
        self._last_burst = 0

    @property
    def held(self) -> int:
        """Bytes that the guest has not been given yet."""
        return len(self._held)

    def type(self, data: bytes) -> Wish | None:
        """Take bytes from the terminal; the wish among them, if any: what was typed behind it is lost."""
        found = None
        for key in self._escapes.split(data):
            if isinstance(key, Wish):
                found = key
                break
            self._held += key
            self._line_begun = key not in NEWLINES
        self.pass_on()
        return found

    def end(self) -> None:
        """The input is over: a line that has only begun is ended, and the guest told so every second of its time.

        A terminal takes a Ctrl-D for the end only while somebody reads from it, in the mode of that time (termios(3),
        VEOF); and whoever reads next, behind a program that has seen the end, shall see it too.
        """
        if self._line_begun:
            self._held += NEWLINES[:1]
            self._line_begun = False
        self._held += END_OF_FILE
        self._end_again = self._machine.clock.now() + SECOND
        self.pass_on()

    def pass_on(self) -> bool:
        """Give the guest what it can take; whether it got something."""
        if self._machine.clock.now() >= self._end_again and not (self._held or self._port.backlog):
            self.end()
        if not self._held or not self._takes():
            return False
        self._port.receive(bytes(self._held[: self._burst]))
        del self._held[: self._burst]
        self._last_warp, self._last_burst = self._machine.clock.warp, self._machine.clock.now()
        return True

    def _takes(self) -> bool:
        """Whether it has read the last burst, and has rested or had its time since."""
        if self._port.backlog or (self._patient and not self._port.listening):
            return False
        clock = self._machine.clock
        return self._machine.idle or clock.warp != self._last_warp or clock.now() >= self._last_burst + BUSY


class Keyboard:
    """The terminal's input as a source of keys, until it ends; none at all where no port is on the terminal."""

    def __init__(self, machine: Machine, lines: Lines, descriptor: int, *, patient: bool) -> None:
        self._keys = Keys(machine, lines.terminal, patient=patient) if lines.terminal is not None else None
        self._descriptor = descriptor
        self.source = descriptor if self._keys is not None else None
        """What to wait for; None once the input is over."""

    def pass_on(self) -> bool:
        """Give the guest what it can take; whether it got something."""
        return self._keys is not None and self._keys.pass_on()

    @property
    def full(self) -> bool:
        """Whether what has been read is enough for now."""
        return self._keys is not None and self._keys.held >= MOST_HELD

    @property
    def waiting(self) -> bool:
        """Whether the guest has not been given all that was read."""
        return self._keys is not None and self._keys.held > 0

    def read(self) -> Wish | None:
        """Take what was typed; only when there is something."""
        assert self._keys is not None, "a source has keys"
        data = os.read(self._descriptor, 4096)
        if data:
            return self._keys.type(data)
        self.source = None
        self._keys.end()
        return None


def run(machine: Machine, lines: Lines, descriptor: int = 0, *, patient: bool = False) -> stop.Stop | Wish:
    """Run a machine with a serial port on a terminal until it ends or stops, or the user wishes something else.

    An idle guest's skipped time is slept, so that it does not keep the host busy.  ``patient`` is as in `Keys`.
    Without a port for the terminal, nothing is read from it.
    """
    keyboard, pace = Keyboard(machine, lines, descriptor, patient=patient), Pace(machine, lines)
    with raw_terminal(descriptor) if lines.terminal is not None else nullcontext():
        while True:
            warp = machine.clock.warp
            typed = keyboard.pass_on()
            reason = pace.run()
            if reason is not None and not isinstance(reason, stop.Interrupted):
                return reason
            if keyboard.source is None and not lines.open:
                if machine.idle and not typed:
                    return stop.Halted(machine.cpu.linear_pc)
                continue
            skipped = (machine.clock.warp - warp) / 1e9
            rest = 0 if keyboard.waiting else IDLE_SECONDS if machine.idle else min(skipped, IDLE_SECONDS)
            if not lines.wait(rest, None if keyboard.full else keyboard.source):
                continue
            wish = keyboard.read()
            if wish is Wish.HELP:
                write_stdout(HELP.encode())
            elif wish is not None:
                return wish

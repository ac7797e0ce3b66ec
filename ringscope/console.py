"""The guest's serial console on the user's terminal."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from machine import stop
from machine.clock import NEVER
from machine.machine import Machine
from ringscope.pace import Pace

ESCAPE, QUIT = b"\x01", b"x"
"""Ctrl-A x leaves, as in QEMU; Ctrl-A Ctrl-A types one Ctrl-A."""

END_OF_FILE = b"\x04"
"""What the guest's shell gets when the input ends: Ctrl-D."""

IDLE_SECONDS = 0.05
SECOND = 1_000_000_000
"""Nanoseconds of virtual time."""


@contextmanager
def raw_terminal(descriptor: int) -> Iterator[None]:
    """Every key goes to the guest, Ctrl-C too; the terminal is put back on leaving.  Nothing if it is no terminal."""
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        after = termios.tcgetattr(descriptor)
        after[1] |= termios.OPOST  # the guest's newlines still become CR LF on the way out
        termios.tcsetattr(descriptor, termios.TCSANOW, after)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def write_stdout(data: bytes) -> None:
    """Console output to the terminal, at once."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


class Keys:
    """What the user types: everything goes to the guest but the escape.

    ``patient`` keys wait for a guest that listens, for one whose serial driver throws away what came before.
    """

    def __init__(self, machine: Machine, *, patient: bool = False) -> None:
        self._machine = machine
        self._patient = patient
        self._escaped = False
        self._held = bytearray()
        self._end_again = NEVER

    def type(self, data: bytes) -> bool:
        """Take bytes from the terminal; False when they say to leave."""
        out = self._held
        for byte in data:
            key = bytes([byte])
            if self._escaped:
                self._escaped = False
                if key == QUIT:
                    return False
                out += key
            elif key == ESCAPE:
                self._escaped = True
            else:
                out += key
        self.pass_on()
        return True

    def end(self) -> None:
        """The input is over; a patient console says so every second of the guest's time.

        Linux's terminal takes a Ctrl-D for the end only from the mode in which the shell reads (termios(3), VEOF).
        """
        self._held += END_OF_FILE
        if self._patient:
            self._end_again = self._machine.clock.now() + SECOND
        self.pass_on()

    def pass_on(self) -> None:
        """Give the guest what it can take."""
        if self._machine.clock.now() >= self._end_again and not self._held:
            self.end()
        if self._held and (self._machine.serial.listening or not self._patient):
            self._machine.serial.receive(bytes(self._held))
            self._held.clear()


def run(machine: Machine, descriptor: int = 0, *, patient: bool = False) -> stop.Stop | None:
    """Run a machine with its console on a terminal until it ends; None if the user left.

    An idle guest's skipped time is slept, so that it does not keep the host busy.  ``patient`` is as in `Keys`.
    """
    keys, pace, listening = Keys(machine, patient=patient), Pace(machine), True
    with raw_terminal(descriptor):
        while True:
            warp = machine.clock.warp
            keys.pass_on()
            reason = pace.run()
            if reason is not None and not isinstance(reason, stop.Interrupted):
                return reason
            skipped = (machine.clock.warp - warp) / 1e9
            pause = IDLE_SECONDS if machine.idle else min(skipped, IDLE_SECONDS) if listening else 0
            if listening and select.select([descriptor], [], [], pause)[0]:
                data = os.read(descriptor, 4096)
                listening = bool(data)
                if not listening:
                    keys.end()
                elif not keys.type(data):
                    return None
            elif machine.idle and not listening:
                return stop.Halted(machine.cpu.linear_pc)

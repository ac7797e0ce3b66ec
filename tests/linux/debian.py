"""Debian's kernel in a machine of this process, at a shell: type a line, read what it says."""

import time
from dataclasses import replace

from kernel.cpio import regular
from kernel.image import find_image
from machine.limits import QUANTUM
from machine.machine import SLICE
from ringscope import initramfs, linux
from ringscope.boot import power_on

SECONDS = 90.0


def with_programs(files, directory, *names):
    """The same files, with programs of our own guest's in Debian's /bin."""
    programs = [regular(f"bin/{name}", find_image().program(name).read_bytes(), executable=True) for name in names]
    initrd = directory / "initrd.cpio"
    initrd.write_bytes(initramfs.build(files.initrd.with_name("busybox").read_bytes(), programs))
    return replace(files, initrd=initrd)


class Debian:
    """A booting machine. ``output`` is all that it wrote; `expect` looks only behind what was found before.

    It runs in slices of equal length, so that the same run is looked at, and typed into, at the same positions.
    """

    def __init__(self, files, *, processors=(1, QUANTUM), **options):
        self.output = bytearray()
        setup = replace(linux.configuration(files, **options), processors=processors)
        self.guest = power_on(setup, self.output.extend)
        self.machine = self.guest.machine
        self._seen = 0

    def run(self):
        """One slice; what stopped it, or None."""
        self.guest.lines.take()
        stop = self.machine.run(SLICE)
        self.guest.lines.flush()
        return stop

    def expect(self, text, seconds=SECONDS):
        """Run until the guest has written ``text``; what it wrote before that."""
        sought, deadline = text.encode(), time.monotonic() + seconds
        while (at := self.output.find(sought, self._seen)) < 0:
            stop = self.run()
            assert stop is None, f"{stop} before {text!r}:\n{self.tail()}"
            assert time.monotonic() < deadline, f"no {text!r} within {seconds:g} s:\n{self.tail()}"
        before = self.output[self._seen : at].decode()
        self._seen = at + len(sought)
        return before

    def shell(self, seconds=SECONDS):
        """Run to the first prompt."""
        self.expect(initramfs.GREETING, seconds)
        self.expect(initramfs.PROMPT)
        return self

    def type(self, line):
        """A line for the shell."""
        self.guest.lines.terminal.receive(f"{line}\n".encode())

    def ask(self, line):
        """Type a command; the lines that it printed."""
        self.type(line)
        _echo, *lines = self.expect(initramfs.PROMPT).splitlines()
        return [text for text in lines if text]

    def rest(self):
        """What it wrote behind the last text that was found."""
        return self.output[self._seen :].decode(errors="replace")

    def tail(self):
        return self.output[-1500:].decode(errors="replace")

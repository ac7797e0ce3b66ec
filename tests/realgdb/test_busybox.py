"""Debian's busybox on our kernel, driven from both sides: lines typed on the serial console, and stock gdb by MI."""

import threading
from contextlib import contextmanager

import pytest

from ringscope import linux
from ringscope.apt import PackageError
from ringscope.boot import power_on
from ringscope.configuration import Configuration
from ringscope.gdbmi import Gdb
from ringscope.initramfs import PROMPT
from ringscope.serve import gdb_commands
from tests.realgdb.served import served

pytestmark = pytest.mark.gdb

SECONDS = 60


class Console:
    """What the guest printed, and a wait for more."""

    def __init__(self):
        self.text = bytearray()
        self.grown = threading.Condition()

    def write(self, data):
        with self.grown:
            self.text.extend(data)
            self.grown.notify_all()

    def wait_for(self, words, start=0):
        with self.grown:
            there = self.grown.wait_for(lambda: words in self.text[start:], SECONDS)
        assert there, f"no {words!r} in {self.text[start:]!r}"


@pytest.fixture
def guest():
    try:
        disk = linux.make_initrd(linux.cache(print))
    except PackageError as error:
        pytest.fail(str(error), pytrace=False)
    console = Console()
    return power_on(Configuration(initrd=disk, append="quiet"), console.write), console


@contextmanager
def at_the_prompt(guest, console, tmp_path):
    """gdb, attached to the guest while its shell waits."""
    with served(guest, tmp_path / "gdb.sock") as server, Gdb("gdb", seconds=SECONDS) as gdb:
        for command in gdb_commands(guest, server.address):
            gdb.execute(command)
        gdb.start("continue")
        console.wait_for(PROMPT.encode())
        gdb.interrupt()
        yield gdb


def type_line(guest, console, line):
    start = len(console.text)
    guest.machine.serial.receive(line.encode() + b"\r")
    return start


def test_a_pipe_seen_from_both_its_ends(guest, tmp_path):
    guest, console = guest
    with at_the_prompt(guest, console, tmp_path) as gdb:
        gdb.execute("break create_pipe_files")
        typed = type_line(guest, console, "echo over | tr o O")
        gdb.execute("continue")
        assert '"sh' in gdb.execute("print current_task->comm")
        gdb.execute("delete")
        gdb.execute("break pipe_write")
        gdb.execute("continue")
        assert '"over\\n' in gdb.execute("x/s buf")
        gdb.execute("delete")
        gdb.start("continue")
        console.wait_for(b"Over", typed)
        gdb.interrupt()


def test_control_c_is_a_signal_for_the_job_in_the_foreground(guest, tmp_path):
    guest, console = guest
    with at_the_prompt(guest, console, tmp_path) as gdb:
        gdb.execute("break do_nanosleep if expires > 250 * 900")
        type_line(guest, console, "sleep 1000")
        gdb.execute("continue")
        gdb.execute("delete")
        gdb.execute("break get_signal")
        start = len(console.text)
        guest.machine.serial.receive(b"\x03")
        gdb.execute("continue")
        assert " = 1\n" in gdb.execute("print current_task->pid == console_tty.pgrp")
        gdb.execute("delete")
        gdb.start("continue")
        console.wait_for(PROMPT.encode(), start)
        gdb.interrupt()

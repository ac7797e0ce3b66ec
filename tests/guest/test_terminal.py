"""The console as a terminal: editing, keys that send signals, and a shell with jobs, ours and Debian's."""

import os
import re

import pytest

from kernel import cpio
from kernel.image import find_image
from machine.boot.load import boot as load
from machine.machine import Machine
from ringscope import linux
from ringscope.apt import PackageError

MOST_SLICES = 4000
QUIET_SLICES = 20


class Terminal:
    """Types, as a human does, and looks: ask("ls\\r", until="# ") gives what came since."""

    def __init__(self, append, initrd=None):
        self.console = bytearray()
        self.seen = 0
        self.machine = Machine(64 << 20, send=self.console.extend)
        image = find_image()
        initrd = image.initramfs.read_bytes() if initrd is None else initrd
        load(self.machine, image.vmlinux.read_bytes(), initrd=initrd, command_line=f"quiet loglevel=1 {append}")

    def settle(self):
        """A while without a word: whoever is to read now reads."""
        quiet, length = 0, -1
        while quiet < QUIET_SLICES:
            quiet = quiet + 1 if len(self.console) == length else 0
            length = len(self.console)
            assert self.machine.run() is None

    def ask(self, keys, *, until):
        self.settle()
        self.machine.serial.receive(keys.encode())
        for _ in range(MOST_SLICES):
            said = self.console[self.seen :].replace(b"\r", b"").decode()
            if until in said:
                self.seen = len(self.console)
                return said
            assert self.machine.run() is None, said
        raise AssertionError(f"no {until!r} after {keys!r} in {said!r}")


@pytest.fixture
def ours():
    terminal = Terminal("panic=-1")
    terminal.ask("", until="# ")
    return terminal


def test_control_keys_edit_the_line(ours):
    assert ours.ask("echo one two\x17x\x7fy\r", until="one y\n# ").startswith("echo one two")
    ours.ask("nonsense\x15echo z\r", until="\nz\n# ")
    ours.ask("echo a\x16\x03b\r", until="\na\x03b\n# ")


def test_ctrl_c_ends_the_program_and_not_the_shell(ours):
    ours.ask("cat /dev/tty\r", until="tty\n")
    ours.ask("line\r", until="line\nline\n")
    ours.ask("\x03", until="^C\n# ")
    ours.ask("echo alive\r", until="\nalive\n# ")


def test_ctrl_z_stops_and_fg_goes_on(ours):
    ours.ask("cat /dev/tty\r", until="tty\n")
    assert "Stopped" in ours.ask("\x1a", until="# ")
    ours.ask("ps\r", until="# ")
    ours.ask("fg\r", until="fg\n")
    ours.ask("again\r", until="again\nagain\n")
    ours.ask("\x04", until="# ")


def test_ctrl_s_holds_output_back(ours):
    ours.ask("\x13", until="")
    ours.ask("echo held\r", until="")
    for _ in range(50):
        ours.machine.run()
    assert b"held" not in ours.console[ours.seen :].split(b"\n")[1:]
    ours.ask("\x11", until="\nheld\n# ")


# Debian's busybox

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin PS1='$ '
mount -t proc proc /proc
mount -t devtmpfs dev /dev
setsid sh -c 'exec sh -i </dev/ttyS0 >/dev/ttyS0 2>&1'
reboot -f
"""
PROMPT = "$ "


@pytest.fixture(scope="module")
def archive():
    """busybox alone. Without a network there is nothing to test, but in CI that is a failure."""
    packages = linux.cache(print)
    try:
        busybox = packages.file(packages.release(linux.BUSYBOX), "bin/busybox", "usr/bin/busybox").read_bytes()
    except PackageError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    members = [
        cpio.character_device("dev/console", 5, 1),
        cpio.regular("bin/busybox", busybox, executable=True),
        cpio.regular("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"),
        cpio.regular("init", INIT.encode(), executable=True),
    ]
    return cpio.archive(members)


@pytest.fixture
def ash(archive):
    terminal = Terminal("init=/init panic=-1", archive)
    said = terminal.ask("", until=PROMPT)
    assert "job control turned off" not in said and "BusyBox v1.35" in said
    return terminal


def test_busybox_has_job_control(ash):
    ash.ask("sleep 100\r", until="sleep 100\n")
    assert "[1]+  Stopped                    sleep 100" in ash.ask("\x1a", until=PROMPT)
    ash.ask("bg\r", until=PROMPT)
    assert "[1]+  Running                    sleep 100" in ash.ask("jobs\r", until=PROMPT)
    ash.ask("kill %1\r", until=PROMPT)
    assert "[1]+  Terminated                 sleep 100" in ash.ask("\r", until=PROMPT)


def test_a_pipe_is_one_job(ash):
    ash.ask("cat | cat | cat\r", until="cat | cat | cat\n")
    ash.ask("through\r", until="through\nthrough\n")
    assert "Stopped" in ash.ask("\x1a", until=PROMPT)
    ash.ask("fg\r", until="cat | cat | cat\n")
    ash.ask("\x03", until=PROMPT)
    assert ash.ask("jobs; echo none\r", until="\n" + "none\n" + PROMPT).count("Stopped") == 0


def test_a_background_reader_is_stopped(ash):
    ash.ask("cat &\r", until=PROMPT)
    assert "[1]+  Stopped (tty input)        cat" in ash.ask("\r", until=PROMPT)
    ash.ask("fg\r", until="cat\n")
    ash.ask("now\r", until="now\nnow\n")
    ash.ask("\x04", until=PROMPT)


def test_ps_shows_groups_sessions_and_the_terminal(ash):
    said = ash.ask("ps -o pid,ppid,pgid,sid,tty,stat,comm\r", until=PROMPT)
    shell = re.search(r"^ *(\d+) +1 +\1 +\1 4,64 +S +sh$", said, re.MULTILINE)
    assert shell, said
    assert re.search(rf"^ *(\d+) +{shell[1]} +\1 +{shell[1]} 4,64 +R +ps$", said, re.MULTILINE)


def test_an_editor_uses_the_raw_terminal(ash):
    ash.ask("vi /file\r", until="/file")
    ash.ask("ihello", until="hello")
    ash.ask("\x1b", until="[Modified]")
    ash.ask(":wq\r", until=PROMPT)
    ash.ask("cat /file\r", until="\nhello\n" + PROMPT)
    assert "-icanon" not in ash.ask("stty -a\r", until=PROMPT)

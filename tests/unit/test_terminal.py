"""`ringscope run` on a pseudo-terminal: the console, the prompt behind Ctrl-A c, and back."""

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

HELP, PROMPT, QUIT = b"\x01h", b"\x01c", b"\x01x"


class Terminal:
    """A process on a pseudo-terminal: keys to it, and what it says."""

    def __init__(self, *words):
        self._end, far = pty.openpty()
        command = [sys.executable, "-m", "ringscope.cli", "run", "--append", "init=/bin/sh", *words]
        self.process = subprocess.Popen(command, stdin=far, stdout=far, stderr=far, env=os.environ | {"TERM": "vt100"})
        os.close(far)
        self._heard = b""

    def expect(self, pattern):
        deadline = time.monotonic() + 60
        while not (found := re.search(pattern, self._heard)):
            assert select.select([self._end], [], [], max(deadline - time.monotonic(), 0))[0], self._heard[-2000:]
            try:
                self._heard += os.read(self._end, 4096)
            except OSError:
                pytest.fail(f"ended: {self._heard[-2000:]!r}")
        self._heard = self._heard[found.end() :]

    def type(self, keys):
        os.write(self._end, keys)


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    opened = []

    def start(*words):
        opened.append(Terminal(*words))
        return opened[0]

    yield start
    for each in opened:
        each.process.kill()
        each.process.wait()


def test_from_the_console_to_the_prompt_and_back(terminal):
    shell = terminal()
    shell.expect(rb"\n# ")
    shell.type(HELP)
    shell.expect(rb"Ctrl-A c +stop the machine")
    shell.type(PROMPT)
    shell.expect(rb"\(ringscope\)")
    shell.type(b"position\r")
    shell.expect(rb"bytes of code")
    shell.type(b"console\r")
    shell.expect(rb"Keys go to the guest")
    shell.type(b"echo back again\r")
    shell.expect(rb"\nback again")
    shell.type(PROMPT)
    shell.expect(rb"\(ringscope\)")
    shell.type(PROMPT)
    shell.expect(rb"Keys go to the guest")
    shell.type(b"echo and again\r")
    shell.expect(rb"\nand again")
    shell.type(QUIT)
    assert shell.process.wait(20) == 0


def test_a_breakpoint_of_the_prompt_stops_the_console(terminal):
    shell = terminal()
    shell.expect(rb"\n# ")
    shell.type(PROMPT)
    shell.expect(rb"\(ringscope\)")
    shell.type(b"break do_syscall_64\r")
    shell.expect(rb"Breakpoint 1 at")
    shell.type(b"console\r")
    shell.expect(rb"Keys go to the guest")
    shell.type(b"echo\r")
    shell.expect(rb"Breakpoint 1 at")
    shell.expect(rb"\(ringscope\)")
    shell.type(b"quit\r")
    assert shell.process.wait(20) == 0


def test_a_console_that_is_a_file(terminal, tmp_path):
    log = tmp_path / "first"
    shell = terminal("--serial", f"file:{log}", "--serial", "stdio")
    deadline = time.monotonic() + 60
    while not log.exists() or b"# " not in log.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    shell.type(QUIT)
    assert shell.process.wait(20) == 0


@pytest.mark.parametrize(
    "words, said",
    [
        (["--serial", "pty"], "'pty' is no serial port"),
        (["--serial", "file:/none/log"], "file:/none/log: No such file or directory"),
        (["--serial", "stdio", "--serial", "stdio"], "stdio can be one serial port only"),
        (5 * ["--serial", "null"], "5 serial ports are too many"),
        (["--serial", "tcp-connect:127.0.0.1:1"], "cannot connect to tcp-connect:127.0.0.1:1"),
    ],
)
def test_wrong_words_are_told_in_one_sentence(words, said):
    ran = subprocess.run([sys.executable, "-m", "ringscope.cli", "run", *words], capture_output=True, text=True)
    assert ran.returncode == 2 and said in ran.stderr and len(ran.stderr.splitlines()) == 1

"""What cannot be written: a reader that left ends a command quietly, a full disk in one sentence with the file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gdbstub.client import Client
from machine.machine import Machine
from machine.snapshot import SnapshotError, save
from ringscope.output import READER_GONE

FULL = "/dev/full"
OFF = ("run", "--append", "init_action=poweroff")
"""A run that ends by itself."""

COMMAND = [sys.executable, "-m", "ringscope.cli"]


def run(*words, stdin=b"", **streams):
    """A command's status, and what it said on stderr."""
    done = subprocess.run([*COMMAND, *map(str, words)], input=stdin, stderr=subprocess.PIPE, timeout=60, **streams)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (("doctor",), b""),
        (("--version",), b""),
        (("--help",), b""),
        (("serve", "--help"), b""),
        (OFF, b""),
        (("repl",), b"help\n"),
        (("serve", "--listen", "127.0.0.1:0"), b""),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_standard_output(words, stdin, buffered, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    if not buffered:
        monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as broken:
        assert run(*words, stdin=stdin, stdout=broken) == (READER_GONE, "")
    with Path(FULL).open("wb") as full:
        assert run(*words, stdin=stdin, stdout=full) == (1, "ringscope: standard output: No space left on device\n")


def test_streams_that_came_closed():
    shell = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *COMMAND]
    assert subprocess.run([*shell, *OFF], timeout=60).returncode == 0
    assert subprocess.run([*shell, "--help"], timeout=60).returncode == 0
    assert subprocess.run([*shell, "--nonsense"], timeout=60).returncode == 2


def test_a_server_goes_on_without_a_reader(tmp_path):
    path = tmp_path / "gdb"
    words = ["serve", "--listen", f"unix:{path}", "--append", "init_action=poweroff"]
    server = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while b"In one:" not in server.stdout.readline():
        pass
    server.stdout.close()
    with Client.connect(f"unix:{path}") as client:
        assert client.request(b"vCont;c").startswith(b"W00")  # all of the boot's messages were for nobody
        client.send(b"k")
    assert (server.wait(20), server.stderr.read()) == (0, b"")


@pytest.mark.parametrize("option", ["--strace", "--strace-summary"])
def test_a_trace_that_cannot_be_kept(option, tmp_path):
    quiet = {"stdout": subprocess.DEVNULL}
    assert run(*OFF, option, FULL, **quiet) == (1, f"ringscope: {FULL}: No space left on device\n")
    assert run(*OFF, option, tmp_path / "none" / "x", **quiet) == (
        2,
        f"ringscope: {tmp_path}/none/x: No such file or directory\n",
    )
    status, said = run(*OFF, option, tmp_path, **quiet)
    assert status == 2 and f"argument {option}: '{tmp_path}' is a directory" in said


def test_trace_and_summary_share_a_file(tmp_path):
    path = tmp_path / "trace"
    assert run(*OFF, "--strace", path, "--strace-summary", path, stdout=subprocess.DEVNULL) == (0, "")
    text = path.read_text()
    assert text.index("[1 init] write(1") < text.index("usecs/call")


def test_a_serial_port_on_a_full_disk():
    status, said = run(*OFF, "--serial", f"file:{FULL}")
    assert status == 1 and said.startswith(f"ringscope: file:{FULL}: ")
    assert said.endswith(" bytes are not there: No space left on device\n")


def test_a_serial_port_that_loses_nothing(tmp_path):
    assert run(*OFF, "--serial", f"file:{tmp_path / 'log'}") == (0, "")
    assert b"Power down" in (tmp_path / "log").read_bytes()


@pytest.mark.parametrize(
    ("path", "words"), [(FULL, "is no regular file"), ("", "is a directory"), ("/", "is a directory")]
)
def test_a_snapshot_takes_the_name_of_files_alone(path, words):
    status, said = run(*OFF, "--snapshot-at", "100000", "--snapshot-to", path)
    assert status == 2 and f"argument --snapshot-to: '{path}' {words}" in said
    with pytest.raises(SnapshotError, match="cannot be written"):
        save(Machine(1 << 20), Path(path or "/"))
    assert Path(FULL).is_char_device()

"""Snapshots and positions at the command line and in stock gdb, on the kernel."""

import os
import re
import subprocess
import sys
from contextlib import suppress

import pytest

from ringscope.boot import Configuration, power_on
from ringscope.debug import served
from ringscope.serve import scripts
from tests.realgdb.harness import Gdb

SHELL = ("--append", "init=/bin/sh")


@pytest.fixture
def ringscope(tmp_path, monkeypatch):
    """ringscope(words, typed=text) -> status, what was printed, what was said on stderr"""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*words, typed=""):
        command = [sys.executable, "-m", "ringscope.cli", *map(str, words)]
        ran = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=100)
        return ran.returncode, ran.stdout, ran.stderr

    return run


def test_a_shell_from_a_file(ringscope, tmp_path):
    path = tmp_path / "prompt"
    _, printed, said = ringscope("run", *SHELL, "--snapshot-at", "login", "--snapshot-to", path, typed="echo one\n")
    assert re.fullmatch(rf"snapshot at position \d+,\d+: {path} \([\d,]+ bytes\)\n", said.splitlines(keepends=True)[0])
    assert "\none\n" in printed, "the run went on"
    _, resumed, said = ringscope("run", "--from-snapshot", path, typed="echo two\n")
    assert resumed.startswith("# "), "the prompt that waits is shown"
    assert "\ntwo\n" in resumed and "Linux version" not in resumed


def test_on_a_terminal_the_prompt_is_shown_again_behind_the_message(tmp_path):
    ours, theirs = os.openpty()
    words = ["run", *SHELL, "--snapshot-at", "login", "--snapshot-to", str(tmp_path / "prompt")]
    command = [sys.executable, "-m", "ringscope.cli", *words]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while not re.search(rb"\n# \r\nsnapshot at position .* bytes\)\r\n# $", shown):
            shown += os.read(ours, 4096)
        os.write(ours, b"\x01x")
        with suppress(OSError):  # the terminal's other end is closed
            while os.read(ours, 4096):
                pass
    os.close(ours)
    assert process.returncode == 0


def test_the_same_boot_gives_the_same_file(ringscope, tmp_path):
    files = [tmp_path / name for name in "ab"]
    for path in files:
        ringscope("run", *SHELL, "--snapshot-at", "Run /bin/sh", "--snapshot-to", path)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_snapshot_without_a_file_gets_a_name(ringscope):
    status, _, said = ringscope("run", *SHELL, "--snapshot-at", "1000000", "--stop-at", "1000010")
    name = re.search(r"/(vmlinux-\d+)\.snapshot \(", said)[1]
    assert status == 0 and "At position 10000" in said
    status, _, said = ringscope("run", "--from-snapshot", name, "--stop-at", "1000010")
    assert status == 0 and "At position 10000" in said


def test_a_run_that_ends_before_says_so(ringscope, tmp_path):
    path = tmp_path / "never"
    words = ("--append", "init_action=poweroff panic=-1 /bin/int80", "--snapshot-at", "no such text")
    _, _, said = ringscope("run", *words, "--snapshot-to", path)
    assert said.startswith("no snapshot was written: the run ended at position ")
    assert not path.exists()


@pytest.mark.parametrize("place", ["2000000", "Run /bin/sh"])
def test_a_run_that_stops_before_says_so(ringscope, tmp_path, place):
    path = tmp_path / "never"
    status, _, said = ringscope("run", *SHELL, "--snapshot-at", place, "--snapshot-to", path, "--stop-at", "1000000")
    assert status == 1 and re.fullmatch(r"ringscope: no snapshot is written.* the run is to stop at 1000000.*\n", said)
    assert not path.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from-snapshot", "FILE", "--append", "x"), "--append has no place beside --from-snapshot"),
        (("--from-snapshot", "FILE", "--memory", "1M"), "--memory has no place beside --from-snapshot"),
        (("--from-snapshot", "FILE", "--reboot"), "--reboot has no place beside --from-snapshot"),
        (("--from-snapshot", "nowhere"), "there is neither a file nowhere nor a snapshot of this name in "),
        (("--stop-at", "x"), "'x' is no position: give bytes of code, or bytes,events"),
        (("--snapshot-to", "FILE"), "--snapshot-to says where, but not when: give --snapshot-at too"),
        (("--snapshot-at", ""), "'' names no place: use login, V[,E] or a TEXT"),
    ],
)
def test_what_does_not_go_together_is_refused(ringscope, tmp_path, words, message):
    path = tmp_path / "file"
    path.write_bytes(b"")
    status, _, said = ringscope("run", *(path if word == "FILE" else word for word in words))
    assert status == 2 and message in said and said.count("\n") == 1


def test_a_broken_file_and_a_place_behind_are_told_in_one_sentence(ringscope, tmp_path):
    path = tmp_path / "file"
    ringscope("run", *SHELL, "--snapshot-at", "100000", "--snapshot-to", path, "--stop-at", "100000")
    for words in (("--stop-at", "5"), ("--snapshot-at", "5")):
        status, _, said = ringscope("run", "--from-snapshot", path, *words)
        assert status == 1 and "5 is behind: the machine is at 100" in said and said.count("\n") == 1
    path.write_bytes(path.read_bytes()[:-100])
    status, _, said = ringscope("run", "--from-snapshot", path)
    assert status == 1 and f"{path} is no usable snapshot: it is cut short" in said and said.count("\n") == 1
    status, _, said = ringscope("run", "--from-snapshot", path, "--serial", "null", "--serial", "null")
    assert status == 1 and "has 1 serial ports, not 2" in said


def test_the_repl_starts_where_it_is_told(ringscope, tmp_path):
    path = tmp_path / "file"
    typed = "position\nwhere\nsnapshot save here\nrun-to 500_100\nsnapshot load here\nposition\n"
    status, printed, said = ringscope("repl", "--stop-at", "500000", typed=typed)
    assert (status, said) == (0, "")
    first, *_, last = re.findall(r"(?<!at )position (\S+)$", printed, re.MULTILINE)
    assert first == last and "At position 5001" in printed
    status, printed, _ = ringscope("repl", "--from-snapshot", "here", typed="sym start_kernel\nposition\n")
    assert status == 0 and "start_kernel" in printed and f"position {first}" in printed, "the symbols are back"
    assert not path.exists()


def test_symbols_of_another_kernel_are_not_loaded(ringscope, tmp_path):
    from kernel.image import find_image

    kernel, path = tmp_path / "kernel", tmp_path / "file"
    kernel.write_bytes(find_image().vmlinux.read_bytes())
    words = ("--snapshot-at", "1000", "--snapshot-to", path, "--stop-at", "1000")
    ringscope("run", "--kernel", kernel, *words)
    kernel.write_bytes(kernel.read_bytes() + b"\0")
    status, printed, _ = ringscope("repl", "--from-snapshot", path, typed="position\n")
    assert status == 0
    assert f"symbols are not loaded: {kernel} is not there any more, or another file now" in printed


@pytest.mark.gdb
def test_gdb_sees_no_stale_register_or_memory(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    guest = power_on(Configuration())
    with served(guest) as path, Gdb(guest.symbols_file) as gdb:
        gdb.console(f"source {scripts() / 'loader.py'}")
        gdb.connect(path)
        gdb.break_at("start_kernel")
        gdb.cont()
        start, stack = gdb.register("rip"), gdb.register("rsp")
        before = gdb.value(f"*(unsigned long *){stack:#x}")
        gdb.console("monitor snapshot save here")
        gdb.console("monitor run-to 2000000")
        assert gdb.register("rip") == guest.machine.cpu.read_register("rip") != start
        gdb.console("monitor snapshot load here")
        assert (gdb.register("rip"), gdb.register("rsp")) == (start, stack)
        assert gdb.value(f"*(unsigned long *){stack:#x}") == before
        gdb.console("monitor stop-at 1500000")
        gdb.cont()
        assert 1_500_000 <= guest.machine.position.progress < 1_500_015
        assert gdb.register("rip") == guest.machine.cpu.read_register("rip")

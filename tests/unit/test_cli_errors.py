"""Wrong words and files on the command line: one sentence that names them, and status 2, or 1 for what is in a file."""

import os
import re
from dataclasses import replace

import pytest

from machine.errors import BootError
from ringscope.boot import power_on
from ringscope.cli import main
from ringscope.configuration import Configuration
from ringscope.serve import check_address
from tests.machine.test_broken_images import BROKEN, IMAGES

COMMANDS = ["run", "serve", "debug", "repl"]


def said(capsys, *words):
    """The exit status and the one line on stderr."""
    try:
        status = main(words)
    except SystemExit as end:
        status = end.code
    out, err = capsys.readouterr()
    assert not out and len(err.splitlines()) == 1 and "Traceback" not in err, err
    return status, err


@pytest.mark.parametrize("command", COMMANDS)
def test_files_that_cannot_be_read(command, capsys, tmp_path):
    locked = tmp_path / "fifo"
    os.mkfifo(locked)
    for option in ("--kernel", "--initrd"):
        for path, words in (
            (tmp_path / "none", "No such file"),
            (tmp_path, "is a directory"),
            (locked, "is no file"),
            ("/dev/zero", "is no file"),
            ("", "is a directory"),
            ("a\0b", "null byte"),
        ):
            status, line = said(capsys, command, option, str(path))
            assert status == 2 and words in line and f"argument {option}" in line


@pytest.mark.parametrize("command", [*COMMANDS, "linux"])
@pytest.mark.parametrize("size", ["0", "-1", "512K", "4G", "5000", "12Q", "", "M", "1.5G", "0x100000", "9" * 40])
def test_memory_sizes_that_there_are_not(command, size, capsys):
    status, line = said(capsys, command, f"--memory={size}")
    assert status == 2 and (size in line if size else "''" in line)


@pytest.mark.parametrize(("data", "words"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_images(data, words, capsys, tmp_path):
    path = tmp_path / "image"
    path.write_bytes(data)
    entry = ["--entry", "32"] if data[0x202:0x206] == b"HdrS" else []
    status, line = said(capsys, "run", "--kernel", str(path), "--memory", "32M", *entry)
    assert status == 1 and all(word in line for word in words)


def test_a_disk_larger_than_ram_is_not_even_read(capsys, tmp_path):
    kernel, disk = tmp_path / "kernel", tmp_path / "disk"
    kernel.write_bytes(IMAGES["pvh"])
    with disk.open("wb") as stream:
        stream.truncate(1 << 40)
    status, line = said(capsys, "run", "--kernel", str(kernel), "--initrd", str(disk), "--memory", "32M")
    assert status == 1 and f"{disk} has 1,099,511,627,776 bytes" in line
    with disk.open("wb") as stream:
        stream.truncate(30 << 20)
    status, line = said(capsys, "run", "--kernel", str(kernel), "--initrd", str(disk), "--memory", "32M")
    assert status == 1 and "the initial RAM disk of 0x1e00000 bytes does not fit" in line
    enough = re.search(r"; --memory (\d+)M is enough$", line)
    configuration = Configuration(kernel, disk, memory=int(enough[1]) << 20)
    assert power_on(configuration).machine.memory.size == configuration.memory
    with pytest.raises(BootError, match="does not fit"):
        power_on(replace(configuration, memory=configuration.memory - (1 << 20)))


def test_a_size_that_is_known_to_be_enough_is_named(tmp_path):
    kernel = tmp_path / "kernel"
    kernel.write_bytes(IMAGES["pvh"])
    configuration = Configuration(kernel, memory=1 << 20, least_memory=80 << 20)
    with pytest.raises(BootError, match="do not fit in 0x100000 bytes of RAM; --memory 80M is enough"):
        power_on(configuration)


def test_what_no_size_holds_gets_no_advice(tmp_path):
    kernel, disk = tmp_path / "kernel", tmp_path / "disk"
    kernel.write_bytes(IMAGES["pvh"])
    disk.write_bytes(b"")
    with disk.open("wb") as stream:
        stream.truncate(64 << 20)
    with pytest.raises(BootError, match=r"bytes of RAM$|does not fit.*0x4000000$"):
        power_on(Configuration(kernel, disk, memory=64 << 20, least_memory=4 << 30))


def test_a_kernel_of_absurd_size_is_not_even_read(capsys, tmp_path):
    with (tmp_path / "kernel").open("wb") as stream:
        stream.truncate(1 << 40)
    status, line = said(capsys, "run", "--kernel", str(tmp_path / "kernel"))
    assert status == 1 and "1,099,511,627,776 bytes" in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--gdb", "--reboot"), "--reboot has no place beside --gdb"),
        (("--view", "tasks"), "--view tasks says what gdb's threads are: give --gdb too"),
        (("--gdb", "--snapshot-at", "login"), "--snapshot-at has no place beside --gdb"),
        (("--snapshot-to", "file"), "--snapshot-to says where, but not when"),
        (("--from-snapshot", "file", "--symbols"), "--symbols has no place beside --from-snapshot"),
        (("--from-snapshot", "file", "--release", "sid"), "--release has no place beside --from-snapshot"),
        (("--from-snapshot", "file", "--package", "linux"), "--package has no place beside --from-snapshot"),
        (("--release", "a b"), "'a b' is no name of a suite"),
        (("--bogus", "x"), "ringscope linux: unrecognized arguments: --bogus x; see ringscope linux --help"),
        (("--cpus", "2", "--instant"), "--cpus 2: --instant has no place beside it"),
        (("--cpus", "2", "--snapshot-at", "login"), "--cpus 2: --snapshot-at has no place beside it"),
        (("--cpus", "2", "--gdb", "--view", "tasks"), "--cpus 2: --view tasks has no place beside it"),
    ],
)
def test_linux_refuses_what_does_not_go_together(words, message, capsys):
    status, line = said(capsys, "linux", *words)
    assert status == 2 and message in line


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "example.org:1234"])
def test_an_address_that_others_reach_must_be_meant(address, capsys):
    status, err = said(capsys, "serve", "--listen", address)
    assert status == 2 and address in err and "--allow-remote" in err


def test_a_warning_stands_where_others_reach_the_machine(capsys):
    check_address("0.0.0.0:1234", remote=True)
    assert "warning: 0.0.0.0:1234 can be reached from other hosts" in capsys.readouterr().err
    check_address("127.0.0.1:1234", remote=False)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "'nowhere' is neither HOST:PORT nor unix:PATH"),
        ((":1", "--memory", "1M"), "--memory has no place beside --connect: it is of a machine of our own"),
        ((":1", "--stop-at", "5"), "--stop-at has no place beside --connect"),
        ((":1", "--busybox"), "--busybox has no place beside --connect"),
    ],
)
def test_a_stub_elsewhere_has_a_machine_of_its_own(words, message, capsys):
    status, line = said(capsys, "repl", "--connect", *words)
    assert status == 2 and message in line


@pytest.mark.parametrize(
    ("program", "message"), [("/nowhere/gdb", "is no program that can be run"), ("no-such-gdb", "apt-get install gdb")]
)
def test_a_gdb_that_is_not_there(program, message, capsys):
    for command in ("debug", "demo"):
        status, line = said(capsys, command, "--gdb", program)
        assert status == 1 and program in line and message in line


def test_the_file_that_is_no_kernel_is_named(capsys, tmp_path):
    (tmp_path / "text").write_text("hello")
    status, line = said(capsys, "run", "--kernel", str(tmp_path / "text"))
    assert status == 1 and f"{tmp_path / 'text'}: no kernel image" in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sevre",), "no command 'sevre', but there is serve"),
        (("xyzzy", "--help"), "no command 'xyzzy', there are run, serve, debug, demo, repl, linux, doctor"),
        ((), "the following arguments are required: COMMAND"),
    ],
)
def test_a_command_that_there_is_not(words, message, capsys):
    status, line = said(capsys, *words)
    assert status == 2 and message in line and "see ringscope --help" in line

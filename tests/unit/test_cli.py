"""The command line on a guest of a few bytes: how it ends, and what is refused."""

import struct

import pytest

from machine.stop import Exited, Reset
from ringscope import cli, console
from ringscope.options import build_parser

HEADER = struct.pack(
    "<3I5I", 0x1BADB002, 0x10000, -(0x1BADB002 + 0x10000) & 0xFFFFFFFF, *[0x100000] * 2, 0, 0, 0x100020
)
RESTART = bytes.fromhex("66baf90c b006 ee ebfe")  # mov $0xcf9, %dx; mov $6, %al; out %al, %dx; jmp .


@pytest.fixture
def kernel(tmp_path):
    path = tmp_path / "restart"
    path.write_bytes(HEADER + RESTART)
    return str(path)


def test_a_restart_ends_with_status_2(kernel, capfd):
    assert cli.main(["run", "--kernel", kernel]) == 2
    assert capfd.readouterr().err == "the guest asked for a restart, by port 0xcf9: --reboot boots it again\n"


def test_reboot_boots_from_the_start(kernel, monkeypatch):
    ends, machines = [Reset("port 0xcf9"), Reset("port 0x92"), Exited(5)], []

    def run(machine, *_arguments, **_options):
        assert machine.run() == Reset("port 0xcf9")
        machines.append(machine)
        return ends.pop(0)

    monkeypatch.setattr(console, "run", run)
    assert cli.main(["run", "--reboot", "--kernel", kernel]) == 5
    assert len({id(machine) for machine in machines}) == 3


@pytest.mark.parametrize("command", ["run", "serve", "debug", "repl", "linux"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cpus", "0"), "--cpus: '0' is no number of processors: use 1 to 8"),
        (("--cpus", "9"), "--cpus: '9' is no number of processors"),
        (("--quantum", "x"), "--quantum: 'x' is no quantum"),
    ],
)
def test_numbers_of_processors(command, words, message, capsys):
    assert build_parser().parse_args([command, "--cpus", "4"]).cpus == 4
    with pytest.raises(SystemExit) as ended:
        cli.main([command, *words])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "serve", "debug", "repl", "linux"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--quantum", "100"), "--quantum has no effect on one processor"),
        (("--cpus", "2", "--engine", "fast"), "--cpus 2: the fast engine runs one processor alone"),
        (("--cpus", "2", "--from-snapshot", "x"), "--cpus 2: --from-snapshot has no place beside it"),
    ],
)
def test_what_does_not_go_with_several_processors(command, words, message, capsys):
    assert cli.main([command, *words]) == 2
    assert message in capsys.readouterr().err

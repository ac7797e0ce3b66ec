"""The command line on a guest of a few bytes: how it ends, and what is refused."""

import struct

import pytest

from machine.stop import Exited, Reset
from ringscope import cli, console

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
def test_there_is_one_processor(command, capsys):
    assert cli.build_parser().parse_args([command, "--cpus", "1"]).cpus == 1
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--cpus", "2"])
    assert ended.value.code == 2
    assert "--cpus: 2: the machine has one processor" in capsys.readouterr().err

"""The port bus, the exit port and the port of POST codes."""

import pytest

from machine.devices.device import Ports
from machine.devices.exitport import ExitPort, PostPort


def test_the_exit_port_and_the_post_code():
    codes, post = [], PostPort()
    ExitPort(codes.append).write_port(0, 7, 4)
    assert codes == [7]
    post.write_port(0, 0x42, 1)
    assert post.read_port(0, 1) == 0x42


class Recorder:
    width = 1

    def __init__(self):
        self.writes = []

    def read_port(self, offset, size):
        return 0x10 + offset

    def write_port(self, offset, value, size):
        self.writes.append((offset, value, size))


def test_a_wide_access_is_split_for_a_narrow_device():
    ports, device = Ports(), Recorder()
    ports.attach(device, 0x300, 2)
    assert ports.read(0x300, 2) == 0x1110
    assert ports.read(0x300, 4) == 0xFFFF1110
    ports.write(0x300, 0xBBAA, 2)
    assert device.writes == [(0, 0xAA, 1), (1, 0xBB, 1)]


def test_ports_without_a_device_read_ones_and_are_counted():
    ports = Ports()
    assert ports.read(0xCF8, 4) == 0xFFFFFFFF
    ports.write(0xCF8, 0, 4)
    assert ports.unanswered[0xCF8] == 2


def test_a_port_has_one_owner():
    ports = Ports()
    ports.attach(Recorder(), 0x300, 2)
    with pytest.raises(ValueError, match="0x301"):
        ports.attach(Recorder(), 0x301, 1)

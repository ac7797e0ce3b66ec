"""What Linux would tell a program of an exception."""

import struct

import pytest

from machine.stop import FaultRecord
from machine.x86.vectors import VECTORS
from ringscope.siginfo import LENGTH, signal_info


@pytest.mark.parametrize(
    ("vector", "code", "signal", "si_code", "address"),
    [
        (0, None, 8, 1, 0x1000),
        (3, None, 5, 0x80, 0),
        (6, None, 4, 2, 0x1000),
        (13, 0, 11, 0x80, 0),
        (14, 0x6, 11, 1, 0x2000),
        (14, 0x7, 11, 2, 0x2000),
        (17, 0, 7, 1, 0x1000),
    ],
)
def test_a_signal(vector, code, signal, si_code, address):
    found = signal_info(FaultRecord(vector, code, 0x1000, ""), 0x2000)
    assert len(found) == LENGTH
    assert struct.unpack_from("<iii4xQ", found) == (signal, 0, si_code, address)


def test_what_makes_no_signal():
    assert signal_info(FaultRecord(8, 0, 0, ""), 0) is None
    assert signal_info(FaultRecord(0x80, None, 0, ""), 0) is None
    for vector in VECTORS:
        found = signal_info(FaultRecord(vector.number, None, 0, ""), 0)
        assert found is None or len(found) == LENGTH

"""The clock and CMOS memory by their ports."""

from machine.clock import NANOSECONDS
from machine.devices.rtc import Rtc
from tests.machine.stopwatch import Time


def cmos(rtc, index):
    rtc.write_port(0, index, 1)
    return rtc.read_port(1, 1)


def test_the_date_is_fixed_and_runs_with_virtual_time():
    time = Time()
    rtc = Rtc(time.clock, 64 << 20)
    assert [cmos(rtc, index) for index in (0, 2, 4, 7, 8, 9, 0x32)] == [0, 0, 0, 1, 1, 0x20, 0x20]
    time.at = 3661 * NANOSECONDS
    assert [cmos(rtc, index) for index in (0, 2, 4)] == [1, 1, 1]


def test_binary_and_bcd():
    time = Time()
    rtc = Rtc(time.clock, 64 << 20)
    time.at = 59 * NANOSECONDS
    assert cmos(rtc, 0) == 0x59
    rtc.write_port(0, 11, 1)
    rtc.write_port(1, 6, 1)
    assert cmos(rtc, 0) == 59


def test_memory_sizes_in_cmos():
    rtc = Rtc(Time().clock, 64 << 20)
    assert cmos(rtc, 0x17) | cmos(rtc, 0x18) << 8 == 63 << 10
    assert cmos(rtc, 0x34) | cmos(rtc, 0x35) << 8 == (48 << 20) >> 16

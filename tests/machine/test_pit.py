"""The 8254 by its ports, as its data sheet says."""

from machine.clock import NANOSECONDS, NEVER
from machine.devices.pit import HZ, Pit, nanoseconds_of
from tests.machine.stopwatch import Time


def make_pit():
    time, edges = Time(), []
    return time, Pit(time.clock, edges.append), edges


def load(pit, channel, mode, count, access=3):
    pit.write_port(3, channel << 6 | access << 4 | mode << 1, 1)
    pit.write_port(channel, count & 255, 1)
    pit.write_port(channel, count >> 8, 1)


def read(pit, channel):
    return pit.read_port(channel, 1) | pit.read_port(channel, 1) << 8


def test_a_rate_generator_raises_its_line_at_every_period():
    time, pit, edges = make_pit()
    load(pit, 0, 2, 1000)
    edges.clear()
    for _ in range(3):
        time.go(nanoseconds_of(1000))
    assert edges == [False, True] * 3


def test_a_second_has_the_right_number_of_ticks():
    time, pit, edges = make_pit()
    load(pit, 0, 2, 1193)
    edges.clear()
    time.go(NANOSECONDS)
    assert edges.count(True) == HZ // 1193


def test_a_one_shot_fires_once():
    time, pit, edges = make_pit()
    load(pit, 0, 0, 500)
    assert edges[-1] is False
    time.go(nanoseconds_of(499))
    assert edges[-1] is False
    time.go(nanoseconds_of(10))
    assert edges[-1] is True
    assert time.clock.next == NEVER


def test_the_count_goes_down_and_a_latch_holds_it():
    time, pit, _ = make_pit()
    load(pit, 0, 2, 10_000)
    time.go(nanoseconds_of(100))
    pit.write_port(3, 0x00, 1)
    time.go(nanoseconds_of(1000))
    assert read(pit, 0) == 9900
    assert read(pit, 0) == 8900


def test_a_square_wave_counts_by_two():
    time, pit, _ = make_pit()
    load(pit, 0, 3, 1000)
    time.go(nanoseconds_of(100))
    assert read(pit, 0) == 800
    assert pit.channels[0].output(time.at)
    time.go(nanoseconds_of(450))
    assert not pit.channels[0].output(time.at)


def test_read_back_gives_status_then_count():
    time, pit, _ = make_pit()
    load(pit, 0, 2, 4000)
    time.go(nanoseconds_of(10))
    pit.write_port(3, 0xC2, 1)
    status = pit.read_port(0, 1)
    assert status & 0x3F == 0x34
    assert read(pit, 0) == 3990


def test_zero_is_the_largest_count_and_bcd_counts_in_decimal():
    time, pit, _ = make_pit()
    load(pit, 0, 2, 0)
    assert pit.channels[0].reload == 0x10000
    pit.write_port(3, 0x35, 1)
    pit.write_port(0, 0x00, 1)
    pit.write_port(0, 0x10, 1)
    time.go(nanoseconds_of(1))
    assert read(pit, 0) == 0x999


def test_the_speaker_port_gates_channel_2_and_shows_it():
    time, pit, _ = make_pit()
    load(pit, 2, 0, 100)
    pit.speaker.write_port(0, 1, 1)
    assert not pit.speaker.read_port(0, 1) & 0x20
    time.go(nanoseconds_of(101))
    assert pit.speaker.read_port(0, 1) & 0x21 == 0x21


def test_a_closed_gate_stops_the_count():
    time, pit, _ = make_pit()
    load(pit, 2, 0, 1000)
    pit.speaker.write_port(0, 1, 1)
    time.go(nanoseconds_of(100))
    pit.speaker.write_port(0, 0, 1)
    time.go(nanoseconds_of(5000))
    assert abs(read(pit, 2) - 900) <= 1

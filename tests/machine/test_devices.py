"""Each device by its ports alone, as its data sheet says."""

import pytest

from machine.clock import NANOSECONDS, NEVER, Clock
from machine.devices.device import Ports
from machine.devices.exitport import ExitPort, PostPort
from machine.devices.pic import PicPair
from machine.devices.pit import HZ, Pit, nanoseconds_of
from machine.devices.rtc import Rtc
from machine.devices.serial import Serial
from machine.machine import Machine


def second(ticks):
    """Virtual nanoseconds of 8254 ticks."""
    return nanoseconds_of(ticks)


class Time:
    """A clock that the test moves."""

    def __init__(self):
        self.at = 0
        self.clock = Clock(lambda: self.at)

    def go(self, nanoseconds):
        self.at += nanoseconds
        self.clock.run_due(self.at)


# The 8259 pair


@pytest.fixture
def pic():
    pair = PicPair(lambda: None)
    for chip, base, wiring in ((pair.master, 0x30, 4), (pair.slave, 0x38, 2)):
        chip.write_port(0, 0x11, 1)
        for word in (base, wiring, 1):
            chip.write_port(1, word, 1)
        chip.write_port(1, 0, 1)  # all open
    return pair


def test_a_request_waits_for_its_mask(pic):
    pic.master.write_port(1, 0xFF, 1)
    pic.set_irq(3, True)
    assert not pic.pending()
    assert pic.master.read_port(0, 1) == 8, "IRR"
    pic.master.write_port(1, 0xF7, 1)
    assert pic.pending()
    assert pic.acknowledge() == 0x33


def test_priority_and_nesting(pic):
    pic.set_irq(5, True)
    pic.set_irq(1, True)
    assert pic.acknowledge() == 0x31
    assert not pic.pending(), "5 is below 1, which is in service"
    pic.set_irq(0, True)
    assert pic.acknowledge() == 0x30
    pic.master.write_port(0, 0x0B, 1)
    assert pic.master.read_port(0, 1) == 3, "ISR"
    pic.master.write_port(0, 0x20, 1)  # the highest in service ends first
    assert pic.master.read_port(0, 1) == 2
    pic.master.write_port(0, 0x61, 1)  # specific: 1
    assert pic.acknowledge() == 0x35


def test_an_edge_requests_once(pic):
    pic.set_irq(4, True)
    pic.set_irq(4, True)
    pic.acknowledge()
    pic.master.write_port(0, 0x20, 1)
    assert not pic.pending()
    pic.set_irq(4, False)
    pic.set_irq(4, True)
    assert pic.pending()


def test_a_level_requests_as_long_as_it_is_high(pic):
    pic.master.write_port(0, 0x19, 1)
    for word in (0x30, 4, 1, 0):
        pic.master.write_port(1, word, 1)
    pic.set_irq(4, True)
    assert pic.acknowledge() == 0x34
    pic.master.write_port(0, 0x20, 1)
    assert pic.pending()
    pic.set_irq(4, False)
    assert not pic.pending()


def test_the_slave_comes_through_the_cascade(pic):
    pic.set_irq(12, True)
    pic.set_irq(8, True)
    assert pic.acknowledge() == 0x38
    pic.slave.write_port(0, 0x20, 1)
    pic.master.write_port(0, 0x62, 1)
    assert pic.acknowledge() == 0x3C


def test_a_request_that_is_gone_is_spurious(pic):
    pic.set_irq(3, True)
    pic.set_irq(3, False)
    assert pic.acknowledge() == 0x37


def test_automatic_end_of_interrupt_and_rotation(pic):
    pic.master.write_port(0, 0x11, 1)
    for word in (0x30, 4, 3, 0):
        pic.master.write_port(1, word, 1)
    pic.master.write_port(0, 0x80, 1)  # rotate on automatic EOI
    pic.set_irq(0, True)
    assert pic.acknowledge() == 0x30
    pic.set_irq(0, False)
    pic.set_irq(0, True)
    pic.set_irq(1, True)
    assert pic.acknowledge() == 0x31, "0 has become the lowest"


def test_special_mask_lets_lower_ones_through(pic):
    pic.set_irq(1, True)
    pic.acknowledge()
    pic.set_irq(6, True)
    assert not pic.pending()
    pic.master.write_port(0, 0x68, 1)
    assert pic.acknowledge() == 0x36


def test_the_poll_command_acknowledges(pic):
    pic.set_irq(6, True)
    pic.master.write_port(0, 0x0C, 1)
    assert pic.master.read_port(0, 1) == 0x86
    pic.master.write_port(0, 0x0C, 1)
    assert pic.master.read_port(0, 1) == 0


# The 8254


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
        time.go(second(1000))
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
    time.go(second(499))
    assert edges[-1] is False
    time.go(second(10))
    assert edges[-1] is True
    assert time.clock.next == NEVER


def test_the_count_goes_down_and_a_latch_holds_it():
    time, pit, _ = make_pit()
    load(pit, 0, 2, 10_000)
    time.go(second(100))
    pit.write_port(3, 0x00, 1)
    time.go(second(1000))
    assert read(pit, 0) == 9900
    assert read(pit, 0) == 8900


def test_a_square_wave_counts_by_two():
    time, pit, _ = make_pit()
    load(pit, 0, 3, 1000)
    time.go(second(100))
    assert read(pit, 0) == 800
    assert pit.channels[0].output(time.at)
    time.go(second(450))
    assert not pit.channels[0].output(time.at)


def test_read_back_gives_status_then_count():
    time, pit, _ = make_pit()
    load(pit, 0, 2, 4000)
    time.go(second(10))
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
    time.go(second(1))
    assert read(pit, 0) == 0x999


def test_the_speaker_port_gates_channel_2_and_shows_it():
    time, pit, _ = make_pit()
    load(pit, 2, 0, 100)
    pit.speaker.write_port(0, 1, 1)
    assert not pit.speaker.read_port(0, 1) & 0x20
    time.go(second(101))
    assert pit.speaker.read_port(0, 1) & 0x21 == 0x21


def test_a_closed_gate_stops_the_count():
    time, pit, _ = make_pit()
    load(pit, 2, 0, 1000)
    pit.speaker.write_port(0, 1, 1)
    time.go(second(100))
    pit.speaker.write_port(0, 0, 1)
    time.go(second(5000))
    assert abs(read(pit, 2) - 900) <= 1


# The 16550A


@pytest.fixture
def serial():
    uart = Serial(lambda data: uart.sent.extend(data), lambda level: uart.levels.append(level))
    uart.sent, uart.levels = bytearray(), []
    uart.write_port(4, 8, 1)  # OUT2: interrupts reach the PIC
    return uart


def test_bytes_go_out_at_once(serial):
    for byte in b"hi":
        serial.write_port(0, byte, 1)
    assert serial.sent == b"hi"
    assert serial.read_port(5, 1) == 0x60


def test_input_waits_and_is_announced(serial):
    serial.write_port(1, 1, 1)
    serial.receive(b"ab")
    assert serial.levels[-1] is True
    assert serial.read_port(2, 1) == 4
    assert serial.read_port(5, 1) & 1
    assert bytes(serial.read_port(0, 1) for _ in range(2)) == b"ab"
    assert serial.levels[-1] is False
    assert serial.read_port(2, 1) == 1


def test_the_empty_transmitter_interrupts_until_it_is_read(serial):
    serial.write_port(1, 2, 1)
    assert serial.read_port(2, 1) == 2
    assert serial.read_port(2, 1) == 1
    serial.write_port(0, 65, 1)
    assert serial.levels[-1] is True


def test_without_out2_no_interrupt_leaves(serial):
    serial.write_port(4, 0, 1)
    serial.write_port(1, 1, 1)
    serial.receive(b"x")
    assert True not in serial.levels


def test_the_divisor_lies_behind_the_latch(serial):
    serial.write_port(3, 0x83, 1)
    serial.write_port(0, 0x0C, 1)
    serial.write_port(1, 0x01, 1)
    assert (serial.read_port(0, 1), serial.read_port(1, 1)) == (0x0C, 0x01)
    serial.write_port(3, 3, 1)
    assert serial.sent == b""


def test_fifos_say_so(serial):
    serial.write_port(2, 1, 1)
    assert serial.read_port(2, 1) == 0xC1


def test_loopback_keeps_to_itself(serial):
    serial.receive(b"outside")
    serial.write_port(4, 0x1A, 1)
    assert not serial.read_port(5, 1) & 1
    serial.write_port(0, 0x55, 1)
    assert serial.read_port(0, 1) == 0x55
    assert serial.read_port(6, 1) & 0xF0 == 0x90, "RTS shows as CTS, OUT2 as DCD"
    assert serial.sent == b""
    serial.write_port(2, 7, 1)  # clear the FIFOs
    serial.write_port(4, 8, 1)
    assert bytes(serial.read_port(0, 1) for _ in range(7)) == b"outside", "nothing from outside is lost"


def test_an_overrun_is_told_once(serial):
    serial.write_port(4, 0x18, 1)
    serial.write_port(0, 1, 1)
    serial.write_port(0, 2, 1)
    assert serial.read_port(5, 1) & 2
    assert not serial.read_port(5, 1) & 2


def test_the_scratch_register_keeps_a_byte(serial):
    serial.write_port(7, 0xA5, 1)
    assert serial.read_port(7, 1) == 0xA5


# CMOS, exit and the rest


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


# Several serial ports


def serial_machine(count):
    machine = Machine(1 << 20, serial_ports=count)
    for port in machine.serial_ports:
        port.write_port(4, 8, 1)  # OUT2
        port.write_port(1, 1, 1)
    return machine


@pytest.mark.parametrize("count, ports", [(1, {0x3F8}), (2, {0x3F8, 0x2F8}), (4, {0x3F8, 0x2F8, 0x3E8, 0x2E8})])
def test_serial_ports_answer_where_a_pc_has_them(count, ports):
    machine = serial_machine(count)
    assert {port for port in (0x3F8, 0x2F8, 0x3E8, 0x2E8) if machine.ports.read(port + 5, 1) == 0x60} == ports


@pytest.mark.parametrize("first, second, irq", [(0, 2, 4), (1, 3, 3)])
def test_two_serial_ports_pull_one_line(first, second, irq):
    machine = serial_machine(4)
    one, other = machine.serial_ports[first], machine.serial_ports[second]

    def line():
        return machine.pic.master.lines >> irq & 1

    one.receive(b"a")
    other.receive(b"b")
    assert line() and machine.pic.master.lines == 1 << irq
    one.read_port(0, 1)
    assert line(), "the other still asks"
    other.read_port(0, 1)
    assert not line()

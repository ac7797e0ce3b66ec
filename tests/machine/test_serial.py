"""The 16550A's interrupts, FIFO, modem lines and errors, by its registers."""

import pytest

from machine.devices.serial import Serial
from machine.machine import Machine

RBR, IER, IIR, FCR, LCR, MCR, LSR, MSR = 0, 1, 2, 2, 3, 4, 5, 6
LOOPBACK, OUT2, RTS, DTR, OUT1 = 16, 8, 2, 1, 4
NONE, EMPTY, RECEIVED, STATUS, TIMEOUT, MODEM = 1, 2, 4, 6, 12, 0


class Port:
    def __init__(self):
        self.line = False
        self.chip = Serial(lambda data: None, self._interrupt)

    def _interrupt(self, level):
        self.line = level

    def read(self, register):
        return self.chip.read_port(register, 1)

    def write(self, register, *values):
        for value in values:
            self.chip.write_port(register, value, 1)


@pytest.fixture
def port():
    return Port()


@pytest.mark.parametrize(("bits", "level"), [(0x00, 1), (0x40, 4), (0x80, 8), (0xC0, 14)])
def test_trigger_levels(port, bits, level):
    port.write(IER, 1)
    port.write(FCR, 1 | bits)
    port.chip.receive(b"x" * (level - 1))
    assert port.read(IIR) == 0xC0 | (TIMEOUT if level > 1 else NONE)
    port.chip.receive(b"x")
    assert port.read(IIR) == 0xC0 | RECEIVED
    for _ in range(level):
        port.read(RBR)
    assert port.read(IIR) == 0xC0 | NONE


def test_without_fifos_there_is_no_timeout(port):
    port.write(IER, 1)
    port.write(FCR, 0xC0)
    port.chip.receive(b"x")
    assert port.read(IIR) == RECEIVED


def test_priorities_of_interrupts(port):
    port.write(MCR, LOOPBACK | RTS)
    port.write(RBR, 1, 2)  # the second overruns the first, and both empty the transmitter
    port.write(IER, 15)
    seen = []
    for acknowledge in (LSR, RBR, None, MSR):
        seen.append(port.read(IIR))
        if acknowledge is not None:
            port.read(acknowledge)
    assert seen == [STATUS, RECEIVED, EMPTY, MODEM]
    assert port.read(IIR) == NONE


def test_modem_lines_and_their_changes(port):
    assert port.read(MSR) == 0xB0, "a terminal is there"
    port.write(MCR, LOOPBACK)
    assert port.read(MSR) == 0x0B, "CTS, DSR and DCD are gone"
    assert port.read(MSR) == 0
    port.write(MCR, LOOPBACK | OUT1)
    assert port.read(MSR) == 0x40, "the beginning of a ring does not count"
    port.write(MCR, LOOPBACK | RTS | DTR | OUT2)
    assert port.read(MSR) == 0xBF
    port.write(MCR, OUT2)
    assert port.read(MSR) == 0xB0


def test_a_modem_change_interrupts(port):
    port.write(MCR, LOOPBACK)
    port.write(IER, 8)
    port.write(MCR, OUT2)
    assert port.line and port.read(IIR) == MODEM
    port.read(MSR)
    assert not port.line and port.read(IIR) == NONE


def test_a_break_is_received_as_a_zero(port):
    port.write(MCR, LOOPBACK)
    port.write(FCR, 1)
    port.write(LCR, 0x43)
    port.write(LCR, 0x43)
    assert port.read(LSR) == 0xF1
    assert port.read(LSR) == 0x61
    assert port.read(RBR) == 0
    assert port.read(LSR) == 0x60
    port.write(MCR, 0)
    port.write(LCR, 3)
    port.write(LCR, 0x43)
    assert port.read(LSR) == 0x60, "the outside gets it, and has no use for it"


def test_what_an_overrun_keeps(port):
    port.write(MCR, LOOPBACK)
    port.write(RBR, 1, 2)
    assert (port.read(LSR), port.read(RBR)) == (0x63, 2)
    port.write(FCR, 1)
    port.write(RBR, *range(17))
    assert port.read(LSR) == 0x63
    assert [port.read(RBR) for _ in range(16)] == [*range(16)]
    assert port.read(LSR) == 0x60


@pytest.mark.parametrize("control", [3, 0])
def test_clearing_the_receiver(port, control):
    port.write(MCR, LOOPBACK)
    port.write(FCR, 1)
    port.write(RBR, 7)
    port.write(FCR, control)
    assert port.read(LSR) == 0x60


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

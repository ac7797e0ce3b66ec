"""The 16550A's interrupts, FIFO, modem lines and errors, by its registers."""

import pytest

from machine.devices.serial import Serial

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

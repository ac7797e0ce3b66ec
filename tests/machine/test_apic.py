"""The local APIC and the I/O APIC by their registers; in a guest, `test_apic_guest.py`."""

import pytest

from machine.clock import KICK, NEVER, Clock
from machine.cpuid import cpuid
from machine.devices.interruptlines import InterruptLines
from machine.devices.localapic import Delivery

ID, VERSION, TPR, PPR, EOI, LDR, DFR, SVR, ESR, ICR, ICR_HIGH = (
    *(0x20, 0x30, 0x80, 0xA0, 0xB0, 0xD0, 0xE0, 0xF0),
    *(0x280, 0x300, 0x310),
)
ISR, TMR, IRR = 0x100, 0x180, 0x200
TIMER, LINT0, LINT1, ERROR, INITIAL, CURRENT, DIVIDE = 0x320, 0x350, 0x360, 0x370, 0x380, 0x390, 0x3E0
MASKED, PERIODIC = 1 << 16, 1 << 17
COUNT = 40
"""Nanoseconds of one count of the 25 MHz crystal."""


class Board:
    """The controllers on a clock that the test moves."""

    def __init__(self):
        self.at, self.changes = 0, 0
        self.clock = Clock(lambda: self.at)
        self.lines = InterruptLines(self.clock, self._changed)
        self.apic, self.io, self.pic = self.lines.local_apic, self.lines.io_apic, self.lines.pic

    def _changed(self):
        self.changes += 1

    def read(self, offset):
        return self.apic.read_memory(offset, 4)

    def write(self, offset, value):
        self.apic.write_memory(offset, value, 4)

    def redirect(self, pin, entry):
        for half in (0, 1):
            self.io.write_memory(0, 0x10 + 2 * pin + half, 4)
            self.io.write_memory(0x10, entry >> 32 * half & 0xFFFFFFFF, 4)

    def redirection(self, pin):
        words = []
        for half in (0, 1):
            self.io.write_memory(0, 0x10 + 2 * pin + half, 4)
            words.append(self.io.read_memory(0x10, 4))
        return words[0] | words[1] << 32

    def go(self, nanoseconds):
        self.at += nanoseconds
        self.clock.run_due(self.at)

    def take(self):
        """Every vector that the processor gets, ended one by one."""
        taken = []
        while self.lines.pending():
            taken.append(self.lines.acknowledge())
            self.write(EOI, 0)
        return taken


@pytest.fixture
def board():
    return Board()


# Local APIC


def test_power_on_is_virtual_wire(board):
    assert (board.read(ID), board.read(VERSION), board.read(SVR)) == (0, 0x50014, 0x1FF)
    assert (board.read(LINT0), board.read(LINT1)) == (0x700, 0x400)
    assert (board.read(TIMER), board.read(ERROR), board.read(DFR)) == (MASKED, MASKED, 0xFFFFFFFF)


def test_the_8259_pair_comes_through_lint0(board):
    for port, values in ((0, (0x11,)), (1, (0x30, 4, 1, 0))):
        for value in values:
            board.pic.master.write_port(port, value, 1)
    board.lines.drive(3)(True)
    assert board.lines.pending()
    board.write(LINT0, MASKED | 0x700)
    assert not board.lines.pending()
    board.write(LINT0, 0x30)
    assert not board.lines.pending(), "fixed mode: the pair's vector is not asked for"
    board.redirect(0, 0x700)
    assert board.lines.pending(), "by pin 0 of the I/O APIC"
    assert board.lines.acknowledge() == 0x33


def test_priorities(board):
    for vector in (0x31, 0x52, 0x5F):
        board.apic.accept(vector, level=False)
    assert board.read(IRR + 0x10) == 1 << 0x11 and board.read(IRR + 0x20) == 1 << 0x12 | 1 << 0x1F
    assert board.lines.acknowledge() == 0x5F
    assert board.read(ISR + 0x20) == 1 << 0x1F
    assert board.read(PPR) == 0x50
    assert not board.lines.pending(), "0x52 is of the class that runs"
    board.apic.accept(0x60, level=False)
    assert board.lines.acknowledge() == 0x60
    board.write(EOI, 0)
    board.write(EOI, 0)
    board.write(TPR, 0x3F)
    assert board.read(PPR) == 0x3F
    assert board.lines.acknowledge() == 0x52
    board.write(EOI, 0)
    assert not board.lines.pending(), "0x31 waits for the task"
    board.write(TPR, 0x20)
    assert board.take() == [0x31]
    board.write(EOI, 0)  # nothing is in service
    assert board.lines.local_apic.acknowledge() == 0xFF, "spurious"


def test_software_disable(board):
    board.write(TIMER, 0x40)
    board.write(INITIAL, 1000)
    board.apic.accept(0x50, level=False)
    board.write(SVR, 0xFF)
    assert not board.lines.pending()
    assert [board.read(entry) >> 16 & 1 for entry in (TIMER, LINT0, LINT1, ERROR)] == [1] * 4
    board.write(LINT0, 0x700)
    assert board.read(LINT0) & MASKED, "cannot be opened"
    board.apic.accept(0x51, level=False)
    board.go(1_000_000)
    board.write(SVR, 0x1FF)
    assert board.take() == [0x50], "held; what came meanwhile is lost"


@pytest.mark.parametrize(
    ("command", "destination", "comes"),
    [
        (0x00000041, 0, True),
        (0x00000041, 1, False),
        (0x00000041, 0xFF, True),
        (0x00000141, 0, True),  # lowest priority
        (0x00040041, 7, True),  # self
        (0x00080041, 7, True),  # all
        (0x000C0041, 0, False),  # all but self
        (0x00000841, 2, True),  # logical, flat
        (0x00000841, 4, False),
        (0x00000541, 0, False),  # INIT
        (0x00000641, 0, False),  # start-up
    ],
)
def test_commands(board, command, destination, comes):
    board.write(LDR, 2 << 24)
    board.write(ICR_HIGH, destination << 24)
    board.write(ICR, command)
    assert board.take() == ([0x41] if comes else [])
    assert (board.read(ICR), board.read(ICR_HIGH)) == (command, destination << 24)


@pytest.mark.parametrize(("destination", "comes"), [(0x21, True), (0x22, False), (0x31, False), (0xF3, True)])
def test_clusters(board, destination, comes):
    board.write(DFR, 0x0FFFFFFF)
    board.write(LDR, 0x21 << 24)
    assert board.apic.is_destination(destination, logical=True) == comes


def test_what_is_not_there_is_counted(board):
    board.write(ICR, 0x00040400)
    board.write(ICR, 0x00040200)
    board.redirect(5, 0x400)
    board.lines.drive(5)(True)
    assert board.apic.refused == {Delivery.NMI: 2, Delivery.SMI: 1}
    assert not board.lines.pending()


def test_errors(board):
    board.write(ERROR, 0x70)
    board.write(ICR, 0x0004000F)
    assert board.read(ESR) == 0, "a write makes it tell"
    board.write(ESR, 0)
    assert board.read(ESR) == 0x20
    board.apic.accept(3, level=False)
    board.read(0x40)
    board.write(0x3F0, 1)
    board.write(ESR, 0)
    assert board.read(ESR) == 0xC0
    board.write(ESR, 0)
    assert board.read(ESR) == 0
    assert board.take() == [0x70]
    board.write(ERROR, 5)
    board.apic.accept(3, level=False)
    assert board.take() == []


def test_only_words_at_multiples_of_16(board):
    board.apic.write_memory(TPR, 0x20, 1)
    board.apic.write_memory(TPR + 4, 0x20, 4)
    assert board.read(TPR) == 0 and board.apic.read_memory(SVR + 4, 4) == 0


# Its timer


@pytest.mark.parametrize(("divide", "by"), [(0, 2), (1, 4), (2, 8), (3, 16), (8, 32), (9, 64), (10, 128), (11, 1)])
def test_divisors(board, divide, by):
    board.write(DIVIDE, divide)
    board.write(INITIAL, 1000)
    board.go(COUNT * by * 10)
    assert board.read(CURRENT) == 990
    board.go(COUNT * by - 1)
    assert board.read(CURRENT) == 990
    board.go(1)
    assert board.read(CURRENT) == 989


def test_the_rate_is_the_one_that_cpuid_tells():
    _, ratio, crystal, _ = cpuid(0x15, 0)
    assert (crystal, crystal * ratio) == (1_000_000_000 // COUNT, 1_000_000_000)
    assert cpuid(1, 0)[3] >> 9 & 1 and cpuid(6, 0)[0] & 4


def test_one_shot(board):
    board.write(DIVIDE, 11)
    board.write(TIMER, 0x40)
    board.write(INITIAL, 500)
    board.go(500 * COUNT - 1)
    assert not board.lines.pending() and board.read(CURRENT) == 1
    board.go(1)
    assert board.take() == [0x40] and board.read(CURRENT) == 0
    board.go(1_000_000)
    assert board.take() == [] and board.clock.next == NEVER
    board.write(INITIAL, 500)
    board.write(INITIAL, 0)
    assert board.clock.next == NEVER


def test_periodic(board):
    board.write(DIVIDE, 11)
    board.write(TIMER, 0x40 | PERIODIC)
    board.write(INITIAL, 500)
    for _ in range(5):
        board.go(500 * COUNT)
        assert board.take() == [0x40] and board.read(CURRENT) == 500
    board.go(100 * COUNT)
    board.write(DIVIDE, 0)
    assert board.read(CURRENT) == 400, "the count goes on"
    board.go(400 * 2 * COUNT)
    assert board.take() == [0x40]
    board.write(TIMER, 0x40 | PERIODIC | MASKED)
    board.go(10 * 500 * 2 * COUNT)
    board.write(TIMER, 0x40 | PERIODIC)
    assert board.take() == [], "what came due masked is lost"
    board.go(500 * 2 * COUNT)
    assert board.take() == [0x40]


def test_a_period_of_nothing_is_not_the_end_of_time(board):
    board.write(DIVIDE, 11)
    board.write(TIMER, 0x40 | PERIODIC)
    board.write(INITIAL, 1)
    board.go(COUNT)
    assert board.take() == [0x40]
    assert board.clock.next - board.at >= KICK - COUNT


def test_what_is_due_survives_a_change_of_its_entry(board):
    board.write(DIVIDE, 11)
    board.clock.inside = True  # from an instruction: it comes no sooner than KICK
    board.write(TIMER, 0x40)
    board.write(INITIAL, 1)
    board.clock.inside = False
    board.at += 1000
    board.write(TIMER, 0x41)
    board.write(DIVIDE, 0)
    board.go(KICK)
    assert board.take() == [0x41]


# I/O APIC


def test_registers(board):
    board.io.write_memory(0, 1, 4)
    assert board.io.read_memory(0x10, 4) == 0x170020
    board.io.write_memory(0, 0, 1)
    board.io.write_memory(0x10, 0x05000000, 4)
    assert board.io.read_memory(0x10, 4) == 0x05000000
    board.redirect(23, 0xAB000000_0001FFFF)
    assert board.redirection(23) == 0xAB000000_0001AFFF, "delivery status and remote IRR tell only"
    board.io.write_memory(0, 0xFF, 4)
    assert board.io.read_memory(0x10, 4) == 0 and board.io.read_memory(0x20, 4) == 0


def test_edges(board):
    drive = board.lines.drive(4)
    drive(True)
    board.redirect(4, 0x34)
    assert not board.lines.pending(), "an edge at a masked pin is lost"
    drive(False)
    drive(True)
    drive(True)
    assert board.take() == [0x34]
    assert not board.read(TMR + 0x10) and not board.redirection(4) & 1 << 14


def test_the_timer_is_pin_2(board):
    board.redirect(2, 0x32)
    board.redirect(0, 0x30)
    board.lines.drive(0)(True)
    assert board.take() == [0x32]


def test_levels(board):
    drive = board.lines.drive(9)
    drive(True)
    board.redirect(9, 1 << 15 | 0x39)
    assert board.lines.acknowledge() == 0x39, "a level counts from the moment that the pin opens"
    assert board.redirection(9) & 1 << 14 and board.read(TMR + 0x10) == 1 << 0x19
    drive(False)
    drive(True)
    assert not board.lines.pending(), "not before the handler's end"
    board.write(EOI, 0)
    assert board.lines.acknowledge() == 0x39
    drive(False)
    board.write(EOI, 0)
    assert not board.lines.pending() and not board.redirection(9) & 1 << 14


def test_ends_by_the_io_apics_own_register(board):
    board.redirect(9, 1 << 15 | 0x39)
    board.lines.drive(9)(True)
    board.io.write_memory(0x40, 0x38, 4)
    assert board.redirection(9) & 1 << 14
    board.lines.drive(9)(False)
    board.io.write_memory(0x40, 0x39, 4)
    assert not board.redirection(9) & 1 << 14


def test_an_edge_forgets_the_remote_irr(board):
    board.redirect(9, 1 << 15 | 0x39)
    board.lines.drive(9)(True)
    board.redirect(9, MASKED | 0x39)
    assert not board.redirection(9) & 1 << 14


@pytest.mark.parametrize(
    ("entry", "comes"),
    [(0x35, True), (0x135, True), (0x35 | 1 << 56, False), (0x35 | 0xFF << 56, True), (0x835 | 1 << 56, True)],
)
def test_destinations(board, entry, comes):
    board.write(LDR, 3 << 24)
    board.redirect(5, entry)
    board.lines.drive(5)(True)
    assert board.take() == ([0x35] if comes else [])

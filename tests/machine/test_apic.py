"""The local APIC and the I/O APIC by their registers, and in a guest through memory."""

import pytest
from bare import KERNEL, NX, Bare, P, W

from machine.clock import KICK, NEVER, Clock
from machine.cpuid import cpuid
from machine.devices.interruptlines import InterruptLines
from machine.devices.localapic import LOCAL_APIC, Delivery
from machine.errors import MemoryFault
from machine.stop import Access, Halted, Watchpoint
from machine.watchpoints import Watch

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


# In a guest

APIC, IO = 0x300000, 0x301000
HANDLER = KERNEL + 0x800


def guest(code, handler="hlt"):
    bare = Bare().kernel(f"{code}\n.org 0x800\n{handler}")
    bare.map(APIC, P | W | NX, LOCAL_APIC)
    bare.map(IO, P | W | NX, 0xFEC00000)
    for vector in (0x40, 0x41):
        bare.gate(vector, HANDLER)
    return bare


def store(offset, value, base=APIC):
    return f"movl ${value:#x}, {base + offset:#x}\n"


def test_the_timer_wakes_a_halted_processor():
    bare = guest(store(DIVIDE, 11) + store(TIMER, 0x40) + store(INITIAL, 25_000_000) + "sti; hlt; nop")
    assert isinstance(bare.run(), Halted)
    assert bare.rip == HANDLER + 1
    assert 1_000_000_000 <= bare.machine.clock.now() < 1_000_000_000 + 2 * KICK


def test_handlers_nest_by_priority_and_end():
    handler = f"incl %ebx; movl {APIC + ISR + 0x20:#x}, %edx; {store(EOI, 0)}; iretq"
    bare = guest("sti;" + store(ICR, 0x40041) + "1: cmpl $1, %ebx; jne 1b; cli; hlt", handler)
    bare.run()
    assert (bare.reg("rbx"), bare.reg("rdx")) == (1, 2)


def test_a_serial_interrupt_through_the_io_apic():
    code = store(0, 0x18, IO) + store(0x10, 0x40, IO)
    code += (
        "movw $0x3fc, %dx; movb $8, %al; outb %al, %dx; movw $0x3f9, %dx; movb $2, %al; outb %al, %dx; sti; 1: jmp 1b"
    )
    bare = guest(code)
    assert isinstance(bare.run(), Halted)
    assert bare.rip == HANDLER + 1


def test_flags_live_through_an_access_also_behind_a_breakpoint():
    code = f"movl $1, %ecx; cmpl $2, %ecx; 1: movl {APIC + SVR:#x}, %eax; setb %bl; hlt"
    for armed in (False, True):
        bare = guest(code)
        if armed:
            bare.cpu.breakpoints.insert(KERNEL + 8)
            bare.machine.run()
            assert bare.rip == KERNEL + 8
        bare.run()
        assert (bare.reg("rax"), bare.reg("rbx")) == (0x1FF, 1)


def test_an_instruction_that_reads_and_writes_does_each_once():
    bare = guest(f"orl $0x20, {APIC + TPR:#x}; movl $3, %ecx; movl ${IO + 0x10:#x}, %edi; rep stosl; hlt")
    seen = watch_device(bare.machine.interrupts.local_apic)
    stored = watch_device(bare.machine.interrupts.io_apic)
    bare.run()
    assert seen == [("read", TPR), ("write", TPR)]
    assert stored == [("write", 0x10), ("write", 0x14), ("write", 0x18)]


def watch_device(device):
    seen, read, write = [], device.read_memory, device.write_memory

    def reading(offset, size):
        seen.append(("read", offset))
        return read(offset, size)

    def writing(offset, value, size):
        seen.append(("write", offset))
        write(offset, value, size)

    device.read_memory, device.write_memory = reading, writing
    return seen


@pytest.mark.parametrize(
    ("code", "access", "seen"),
    [
        (f"movl $0x20, {APIC + TPR:#x}", Access.WRITE, ["write"]),
        (f"movl {APIC + TPR:#x}, %eax", Access.READ, ["read"]),
        (f"orl $0x20, {APIC + TPR:#x}", Access.ANY, ["read", "write"]),
    ],
)
def test_a_watched_register_is_accessed_once(code, access, seen):
    bare = guest(f"nop; {code}; hlt")
    found = watch_device(bare.machine.interrupts.local_apic)
    bare.cpu.watchpoints.insert(Watch(access, APIC + TPR, 4))
    stop = bare.machine.run()
    assert isinstance(stop, Watchpoint) and stop.address == APIC + TPR
    assert [kind for kind, _ in found] == seen
    assert isinstance(bare.run(), Halted)
    assert [kind for kind, _ in found] == seen


def test_a_debugger_does_not_touch_devices():
    bare = guest("hlt")
    seen = watch_device(bare.machine.interrupts.local_apic)
    for look in (
        lambda: bare.machine.read_linear(APIC + SVR, 4),
        lambda: bare.machine.write_linear(APIC + SVR, b"1234"),
        lambda: bare.machine.memory.read(LOCAL_APIC, 4),
    ):
        with pytest.raises(MemoryFault, match="outside RAM"):
            look()
    assert seen == []


def test_what_lies_around_the_windows_is_open_bus():
    bare = guest("movl 0x302000, %eax; movl 0x303ffc, %ebx; movl %eax, 0x302000; hlt")
    bare.map(0x302000, P | W | NX, 0xFEE01000)
    bare.map(0x303000, P | W | NX, 0xFEBFF000)
    bare.run()
    assert (bare.reg("rax"), bare.reg("rbx")) == (0xFFFFFFFF, 0xFFFFFFFF)

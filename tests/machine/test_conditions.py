"""Breakpoints and watchpoints that ask: in the engine, once at each instruction, and without a trace in the guest."""

import pytest

from machine import registers
from machine.errors import MemoryFault, RegisterError
from machine.positions import Goal
from machine.probe import Probe
from machine.stop import Access, Arrived, Breakpoint, Exited, Watchpoint
from machine.watchpoints import Watch
from tests.machine.bare import EXIT, KERNEL, KERNEL_DATA, PGD, TO_RING_3, USER, USER_DATA, Bare, P, U, W, assemble

LOOP = f"movl $500, %ecx; 1: incq {KERNEL_DATA:#x}; cmpl $7, %ecx; adcq %rax, %rbx; decl %ecx; jnz 1b\n" + EXIT
BODY = KERNEL + 5
PLACES = [KERNEL, BODY, KERNEL + 13, KERNEL + 16, KERNEL + 19, KERNEL + 21]


def state(guest):
    names = [register.name for register in registers.ALL]
    return [guest.cpu.read_register(name) for name in names], guest.machine.position


def test_a_false_condition_leaves_no_trace():
    plain, asked = Bare().kernel(LOOP), Bare().kernel(LOOP)
    count = []
    for place in PLACES:
        asked.cpu.breakpoints.insert(place, lambda: bool(count.append(1)))
    assert plain.run() == asked.run() == Exited(0)
    assert len(count) == 1 + 5 * 500
    assert state(plain) == state(asked)
    assert bytes(plain.machine.memory.ram) == bytes(asked.machine.memory.ram)


@pytest.mark.parametrize("place", PLACES[1:])
def test_what_a_question_sees_is_what_a_stop_shows(place):
    asked, stopped = Bare().kernel(LOOP), Bare().kernel(LOOP)
    probe, seen = Probe(asked.cpu), []
    readers = {register.name: probe.reader(register.name) for register in registers.ALL}

    def when():
        probe.look()
        seen.append(({name: read() for name, read in readers.items()}, probe.load(KERNEL_DATA, 8)))
        return False

    asked.cpu.breakpoints.insert(place, when)
    stopped.cpu.breakpoints.insert(place)
    assert asked.run() == Exited(0)
    for values, counter in seen[:20]:
        assert stopped.run() == Breakpoint(place)
        assert values == {register.name: stopped.cpu.read_register(register.name) for register in registers.ALL}
        assert counter == stopped.peek(KERNEL_DATA)


def test_it_stops_when_the_answer_is_yes_and_asks_no_more_for_that_stop():
    guest = Bare().kernel(LOOP)
    asked = []

    def when():
        asked.append(guest.peek(KERNEL_DATA))
        return len(asked) % 100 == 0

    guest.cpu.breakpoints.insert(BODY, when)
    for stops in range(1, 6):
        assert guest.run() == Breakpoint(BODY)
        assert guest.peek(KERNEL_DATA) == 100 * stops - 1
    assert guest.run() == Exited(0)
    assert asked == list(range(500))


def test_all_who_ask_at_one_address_are_asked():
    guest, asked = Bare().kernel(LOOP), []
    points = guest.cpu.breakpoints
    first, second = (lambda: bool(asked.append(1))), (lambda: bool(asked.append(2)))
    points.insert(BODY, first)
    points.insert(BODY, second)
    points.insert(BODY)
    assert guest.run() == Breakpoint(BODY)
    assert asked == [1, 2]
    points.remove(BODY)
    points.remove(BODY, first)
    with pytest.raises(KeyError):
        points.remove(BODY, first)
    assert guest.run() == Exited(0)
    assert asked == [1, *[2] * 500]


def test_a_run_to_a_place_asks_too():
    guest = Bare().kernel("nop; nop; nop; " + EXIT)
    asked = []
    guest.cpu.breakpoints.insert(KERNEL + 2, lambda: bool(asked.append(1)))
    while (stop := guest.machine.run_to(Goal(3))) is None:
        pass
    assert stop == Arrived() and asked == [1]


def test_a_question_at_a_port_instruction_is_asked_once():
    guest = Bare().kernel(TO_RING_3).user("nop; outb %al, $0x80")
    guest.gate(13, KERNEL + 0x800)
    asked = []
    guest.cpu.breakpoints.insert(USER + 1, lambda: bool(asked.append(1)))
    guest.cpu.breakpoints.insert(KERNEL + 0x800)
    assert guest.run() == Breakpoint(KERNEL + 0x800)
    assert asked == [1]


def test_a_question_at_a_faulting_instruction_is_asked_each_time_it_is_reached():
    guest = Bare().kernel(f"movq {USER_DATA:#x}, %rax; " + EXIT)
    handler = KERNEL + 0x800
    guest.map(USER_DATA, 0)
    guest.gate(14, handler)
    mend = f"movq ${USER_DATA | P | W}, {guest.pte_address(USER_DATA):#x}; addq $8, %rsp; iretq"
    guest.machine.memory.write(handler, assemble(mend, handler))
    asked = []
    guest.cpu.breakpoints.insert(KERNEL, lambda: bool(asked.append(1)))
    assert guest.run() == Exited(0)
    assert asked == [1, 1], "before the fault and after the handler's return"


# Watchpoints


def test_a_watchpoint_asks_behind_the_access():
    guest = Bare().kernel(LOOP)
    watch = Watch(Access.WRITE, KERNEL_DATA, 8)
    asked = []

    def when():
        asked.append(guest.peek(KERNEL_DATA))
        return asked[-1] == 60

    guest.cpu.watchpoints.insert(watch, when)
    assert guest.run() == Watchpoint(Access.WRITE, KERNEL_DATA, KERNEL_DATA)
    assert asked == list(range(1, 61))
    guest.cpu.watchpoints.remove(watch, when)
    assert guest.run() == Exited(0)


@pytest.mark.parametrize("stops", [False, True])
def test_a_breakpoint_is_asked_once_where_a_watchpoint_catches_its_instruction(stops):
    guest = Bare().kernel(f"movl $5, %ecx; 1: incq {KERNEL_DATA:#x}; loop 1b; {EXIT}")
    asked, hits = [], 0
    guest.cpu.breakpoints.insert(KERNEL + 5, lambda: bool(asked.append(guest.reg("rcx"))))
    guest.cpu.watchpoints.insert(Watch(Access.WRITE, KERNEL_DATA, 8), lambda: stops)
    while guest.run() != Exited(0):
        hits += 1
    assert (asked, hits) == ([5, 4, 3, 2, 1], 5 if stops else 0)


def test_a_quiet_watchpoint_hides_no_other():
    guest = Bare().kernel(LOOP)
    guest.cpu.watchpoints.insert(Watch(Access.ANY, KERNEL_DATA, 8), lambda: False)
    guest.cpu.watchpoints.insert(Watch(Access.WRITE, KERNEL_DATA + 1, 2))
    assert guest.run().range_start == KERNEL_DATA + 1
    assert guest.peek(KERNEL_DATA) == 1


def test_a_watchpoint_that_never_wants_leaves_no_trace():
    plain, asked = Bare().kernel(LOOP), Bare().kernel(LOOP)
    asked.cpu.watchpoints.insert(Watch(Access.WRITE, KERNEL_DATA, 8), lambda: False)
    assert plain.run() == asked.run() == Exited(0)
    assert state(plain) == state(asked)


# The probe


def test_memory_follows_the_page_tables():
    guest = Bare().kernel("1: jmp 1b")
    probe = Probe(guest.cpu)
    guest.poke(USER_DATA, 0x1111)
    guest.poke(USER_DATA + 0x2000, 0x2222)
    for _ in range(2):
        probe.look()
        assert probe.load(USER_DATA, 8) == 0x1111
    guest.map(USER_DATA, P | W | U, USER_DATA + 0x2000)
    assert probe.load(USER_DATA, 2) == 0x2222, "an entry that changed is walked again"
    guest.map(USER_DATA, 0)
    with pytest.raises(MemoryFault, match="0x500000: not mapped"):
        probe.load(USER_DATA, 1)
    guest.map(USER_DATA, P | W, 0xFF00000)
    with pytest.raises(MemoryFault, match="outside RAM"):
        probe.load(USER_DATA, 1)
    with pytest.raises(MemoryFault, match="not a canonical address"):
        probe.load(1 << 62, 1)


def test_another_address_space_is_another_memory():
    guest = Bare().kernel("1: jmp 1b")
    probe = Probe(guest.cpu)
    guest.poke(USER_DATA, 1)
    assert probe.load(USER_DATA, 8) == 1
    guest.machine.memory.write(0xC00000, guest.machine.memory.read(PGD, 0x7000))
    guest.poke(0xC00000, 0xC01000 | P | W | U)
    guest.poke(0xC01000, 0xC02000 | P | W | U)
    guest.poke(0xC02000 + 8 * (USER_DATA >> 21), 0xC04000 | P | W | U)
    guest.poke(0xC04000 + 8 * (USER_DATA >> 12 & 511), USER_DATA + 0x1000 | P | W | U)
    guest.poke(USER_DATA + 0x1000, 2)
    guest.cpu.write_register("cr3", 0xC00000)
    probe.look()
    assert probe.load(USER_DATA, 8) == 2


def test_a_number_over_two_pages():
    guest = Bare().kernel("1: jmp 1b")
    probe = Probe(guest.cpu)
    guest.map(USER_DATA + 0x1000, P | W, USER_DATA + 0x5000)
    guest.poke(USER_DATA + 0xFFC, 0x11223344, 4)
    guest.poke(USER_DATA + 0x5000, 0x55667788, 4)
    probe.look()
    assert probe.load(USER_DATA + 0xFFC, 8) == 0x5566778811223344
    assert probe.read(USER_DATA + 0xFFE, 4) == bytes.fromhex("22118877")


def test_no_such_register():
    with pytest.raises(RegisterError, match="no register 'nosuch'"):
        Probe(Bare().cpu).reader("nosuch")

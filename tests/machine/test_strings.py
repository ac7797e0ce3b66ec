"""REP MOVS and REP STOS, iteration for iteration, wherever the engine does many of them at once."""

import random

import pytest

from machine.engine.choice import Engine
from machine.positions import Goal
from machine.stop import Access, Breakpoint, Halted, Watchpoint
from machine.watchpoints import Watch
from tests.machine.bare import KERNEL, KERNEL_DATA, Bare

BUFFER, BYTES = KERNEL_DATA, 0x8000
FAR = BUFFER + 0x100000
WIDTHS = {"b": 1, "w": 2, "l": 4, "q": 8}
FILLING = 0x8877665544332211

# fmt: off
MOVES = {
    # what                         from    to      elements
    "two pages":                  (0x0008, 0x4010, 0x180),
    "elements across pages":      (0x0ff3, 0x4ffd, 0x300),
    "onto what comes next":       (0x0100, 0x0102, 0x200),
    "the element behind":         (0x0100, 0x0108, 0x200),
    "onto what was before":       (0x0207, 0x0200, 0x200),
    "onto itself":                (0x0300, 0x0300, 0x100),
    "one element":                (0x0100, 0x4100, 1),
    "two elements":               (0x0100, 0x4100, 2),
    "none":                       (0x0100, 0x4100, 0),
}
# fmt: on


def program(instruction, source, target, count, before=""):
    setup = f"movl ${source:#x}, %esi; movl ${target:#x}, %edi; movl ${count}, %ecx; movabsq ${FILLING:#x}, %rax"
    return f"{before}; {setup}; 1: {instruction}; hlt"


def prepared(text, **options):
    guest = Bare(**options).kernel(text)
    guest.machine.memory.write(BUFFER, random.Random(1).randbytes(BYTES))
    return guest


def result(guest):
    registers = tuple(guest.cpu.read_register(name) for name in ("rsi", "rdi", "rcx"))
    return registers, guest.machine.position, guest.machine.memory.read(BUFFER, BYTES)


def expected(moves, width, source, target, count, step):
    """Registers and memory behind it, element by element."""
    memory = bytearray(random.Random(1).randbytes(BYTES))
    for _ in range(count):
        element = memory[source : source + width] if moves else FILLING.to_bytes(8, "little")[:width]
        memory[target : target + width] = element
        source, target = source + step * moves, target + step
    return (BUFFER + source, BUFFER + target, 0), bytes(memory)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("case", MOVES)
@pytest.mark.parametrize("instruction", ("movs", "stos"))
def test_every_element_is_done_in_order(instruction, case, width):
    source, target, count = MOVES[case]
    guest = prepared(program(f"rep {instruction}{width}", BUFFER + source, BUFFER + target, count))
    assert isinstance(guest.run(), Halted)
    registers, memory = expected(instruction == "movs", WIDTHS[width], source, target, count, WIDTHS[width])
    assert result(guest)[0] == registers
    assert result(guest)[2] == memory


def far(text, **options):
    """A guest that has the buffer's second half a megabyte behind it: one place in a TLB of 256 entries for both."""
    guest = prepared(text, **options)
    for offset in range(0, BYTES // 2, 0x1000):
        guest.map(FAR + offset, 3, physical=BUFFER + BYTES // 2 + offset)
    return guest


def far_result(source, width, count):
    memory = expected(True, width, source, BYTES // 2 + source, count, width)[1]
    return (BUFFER + source + count * width, FAR + source + count * width, 0), memory


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("start", (0, 0x7C3))
@pytest.mark.parametrize("engine", (None, Engine.PORTABLE), ids=("best", "portable"))
def test_a_copy_between_pages_of_one_place_in_the_tlb(engine, start, width):
    guest = far(program(f"rep movs{width}", BUFFER + start, FAR + start, 0x380), engine=engine)
    assert isinstance(guest.run(), Halted)
    assert (result(guest)[0], result(guest)[2]) == far_result(start, WIDTHS[width], 0x380)


@pytest.mark.parametrize("change", ("invlpg {at:#x}", "movq %cr3, %rax; movq %rax, %cr3"))
def test_such_a_copy_from_a_page_that_came_in_another_place(change):
    """The same code twice; between the two another page comes where the first was read."""
    source, target = BUFFER + 0x1000, FAR + 0x1000
    copy = f"movl ${source:#x}, %esi; movl ${target:#x}, %edi; movl $0x100, %ecx; jmp 2f; 2: rep movsq"
    other = f"movq ${BUFFER + 0x2003:#x}, {0x4000 + (source >> 9):#x}; {change.format(at=source)}"
    guest = far(f"call 1f; {other}; call 1f; hlt; 1: {copy}; ret")
    guest.run()
    memory = random.Random(1).randbytes(BYTES)
    assert guest.machine.memory.read(BUFFER + BYTES // 2 + 0x1000, 0x800) == memory[0x2000:0x2800]


def test_a_read_that_is_watched_in_such_a_copy():
    guest = far(program("rep movsq", BUFFER, FAR, 0x200))
    guest.step(5)
    guest.cpu.watchpoints.insert(Watch(Access.READ, BUFFER + 0x808, 8))
    assert guest.run() == Watchpoint(Access.READ, BUFFER + 0x808, BUFFER + 0x808)
    assert guest.cpu.read_register("rsi") == BUFFER + 0x810


@pytest.mark.parametrize("instruction", ("rep movsq", "rep stosb"))
def test_backwards(instruction):
    guest = prepared(program(instruction, BUFFER + 0x2100, BUFFER + 0x2108, 0x200, "std"))
    guest.run()
    width = WIDTHS[instruction[-1]]
    registers, memory = expected("movs" in instruction, width, 0x2100, 0x2108, 0x200, -width)
    assert result(guest)[0] == registers
    assert result(guest)[2] == memory


@pytest.mark.parametrize("instruction", ("rep movsq", "rep movsb", "rep stosl", "rep stosq", "addr32 rep movsl"))
def test_time_is_the_same_in_steps_and_in_odd_pieces(instruction):
    text = program(instruction, BUFFER + 0xFC3, BUFFER + 0x4001, 0x111)
    whole, stepped, pieces, plain = prepared(text), prepared(text), prepared(text), prepared(text, engine=Engine.PLAIN)
    whole.run()
    plain.run()
    while not isinstance(stepped.machine.step(), Halted):
        pass
    odd = random.Random(2)
    while pieces.machine.run(odd.randrange(1, 200)) is None:
        pass
    assert result(whole) == result(stepped) == result(pieces) == result(plain)


def test_a_position_in_the_middle_is_between_two_iterations():
    text = program("rep movsq", BUFFER, BUFFER + 0x4000, 0x100)
    there = prepared(text)
    while there.machine.position.progress < 0x100 * 3 // 2:
        there.machine.step()
    guest = prepared(text)
    while guest.machine.run_to(Goal(there.machine.position.progress)) is None:
        pass
    assert result(guest) == result(there)
    assert 0x70 < guest.cpu.read_register("rcx") < 0x90


def test_a_page_that_is_missing_stops_it_there():
    missing = BUFFER + 0x5000
    guest = prepared(program("rep movsq", BUFFER, missing - 0x800, 0x200))
    guest.map(missing, 0)
    guest.run()
    assert result(guest)[0] == (BUFFER + 0x800, missing, 0x100)
    assert guest.cpu.read_register("cr2") == missing


def test_a_store_to_code_is_seen():
    """Onto the page it runs on: what follows is another instruction then."""
    text = program("rep stosb", BUFFER, KERNEL + 0x100, 0x10).replace("hlt", f"jmp {KERNEL + 0x100:#x}")
    guest = prepared(f"movabsq $0x90, %rax; call {KERNEL + 0x100:#x}; {text}; .org 0x100; 3: ret; .org 0x120; hlt")
    guest.poke(guest.pte_address(KERNEL), KERNEL | 3)
    guest.run()
    assert guest.peek(KERNEL + 0x100) == 0x1111111111111111


def test_a_watchpoint_in_the_middle():
    guest = prepared(program("rep movsq", BUFFER, BUFFER + 0x4000, 0x200))
    guest.cpu.watchpoints.insert(Watch(Access.WRITE, BUFFER + 0x4408, 8))
    stop = guest.run()
    assert not isinstance(stop, Halted)
    assert guest.cpu.read_register("rdi") == BUFFER + 0x4410


def test_a_breakpoint_on_it_stops_once_an_iteration():
    guest = prepared(program("rep movsq", BUFFER, BUFFER + 0x4000, 3))
    at = KERNEL + guest.machine.memory.read(KERNEL, 64).index(b"\xf3\x48\xa5")
    guest.cpu.breakpoints.insert(at)
    stops = []
    while isinstance(stop := guest.run(), Breakpoint):
        stops.append(guest.cpu.read_register("rcx"))
    assert stops == [3, 2, 1, 0]
    assert isinstance(stop, Halted)

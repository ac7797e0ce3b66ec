"""Jumps whose target is not known before they run lead to what memory and page tables have there at that moment."""

import pytest

from machine.engine.choice import Engine
from machine.stop import Exited
from tests.machine.bare import EXIT, KERNEL, KERNEL_DATA, PGD, Bare, assemble

TARGET, OTHER = KERNEL + 0x10000, KERNEL + 0x20000
COLLIDING = TARGET + 0x1000 ^ 1
"""An address with the place of TARGET in the fast engine's table of blocks."""
SECOND_ROOT = 0x700000
ENTRY = 0x4000 + (TARGET >> 9)
ENGINES = pytest.mark.parametrize("engine", [None, Engine.PORTABLE], ids=["best", "portable"])

LOOK = "movl $200, %ecx; 8: movl ${at:#x}, %ebx; call *%rbx; loop 8b;"
"""Many calls through a register."""


def adds(number):
    """A function that adds to R12."""
    return f"addq ${number}, %r12; ret"


def root(address):
    return f"movl ${address:#x}, %eax; movq %rax, %cr3;"


RELOAD = "movq %cr3, %rax; movq %rax, %cr3;"
TO_OTHER = f"movq ${OTHER | 3:#x}, {ENTRY:#x};"


@ENGINES
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("nop;", 2),
        (f"{TO_OTHER} invlpg {TARGET:#x};", 101),
        (f"{TO_OTHER} {RELOAD}", 101),
        (root(SECOND_ROOT), 101),
        (root(SECOND_ROOT) + LOOK.format(at=TARGET) + root(PGD), 102),
        (f"movb $100, {TARGET + 3:#x};", 101),
        (f"movb $100, {KERNEL_DATA + 3:#x};", 101),
        (f"movl ${TARGET + 4:#x}, %edi; movl $100, %eax; decq %rdi; stosb;", 101),
        (LOOK.format(at=COLLIDING), 1002),
    ],
    ids=[
        "nothing",
        "a page",
        "all pages",
        "a root",
        "there and back",
        "a store",
        "an alias",
        "a string store",
        "elsewhere",
    ],
)
def test_a_jump_follows(engine, change, expected):
    """200 calls before a change and 200 behind it, in one run; the sum tells what ran."""
    guest = Bare(engine=engine).kernel(f"{LOOK.format(at=TARGET)}\n{change}\n{LOOK.format(at=TARGET)}\n{EXIT}")
    write = guest.machine.memory.write
    for address, number in ((TARGET, 1), (OTHER, 100), (COLLIDING, 1000)):
        write(address, assemble(adds(number), address))
    guest.map(KERNEL_DATA, 3, physical=TARGET)
    second_root(guest)
    assert guest.run() == Exited(0)
    assert guest.reg("r12") == 200 * expected


def second_root(guest):
    """Page tables that differ from the first ones in the target's page."""
    guest.machine.memory.write(SECOND_ROOT, guest.machine.memory.read(0x1000, 0x7000))
    for entry, table in ((0, 0x1000), (0x1000, 0x2000), (0x2000, 0x3000)):
        guest.poke(SECOND_ROOT + entry, SECOND_ROOT + table | 3)
    guest.poke(SECOND_ROOT + 0x3000 + (TARGET >> 9), OTHER | 3)


@ENGINES
def test_a_jump_to_a_page_that_is_gone_faults(engine):
    guest = Bare(engine=engine).kernel(
        f"{LOOK.format(at=TARGET)} movq $0, {ENTRY:#x}; invlpg {TARGET:#x}; movl ${TARGET:#x}, %ebx; call *%rbx\n{EXIT}"
    )
    guest.machine.memory.write(TARGET, assemble(adds(1), TARGET))
    guest.machine.memory.write(OTHER, assemble(f"movq %cr2, %r13\n{EXIT}", OTHER))
    guest.gate(14, OTHER)
    assert guest.run() == Exited(0)
    assert (guest.reg("r12"), guest.reg("r13")) == (200, TARGET)


@ENGINES
def test_a_jump_to_code_that_the_debugger_wrote(engine):
    guest = Bare(engine=engine).kernel(f"8: movl ${TARGET:#x}, %ebx; call *%rbx; jmp 8b")
    for number in (1, 100):
        guest.machine.memory.write(TARGET, assemble(adds(number), TARGET))
        guest.machine.run(10_000)
        before = guest.reg("r12")
        guest.machine.run(10_000)
        assert (guest.reg("r12") - before) % number == 0 and guest.reg("r12") > before + 100 * number

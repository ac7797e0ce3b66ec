"""Several processors in one order: the same in every run, however it is cut, stepped or stopped."""

import random

import pytest

from machine.engine.choice import Engine
from machine.stop import Breakpoint, Exited
from tests.machine.bare import KERNEL
from tests.machine.processors import APIC, EOI, ICR, OTHERS, TRAMPOLINE
from tests.machine.test_smp import ALL_DONE, ANSWER, DONE, HANDLER, LOCK, UNLOCKED, several
from tests.routes import wander


@pytest.fixture(autouse=True)
def engine():
    """Several processors run on one engine alone."""


TICKING = f"""
    movl $0xb, {APIC + 0x3E0:#x}
    movl $0x20041, {APIC + 0x320:#x}
    movl $PERIOD, {APIC + 0x380:#x}
    sti
"""
TICK = f"""
    pushq %rax
    pushq %rdx
    rdtsc
    rolq $5, {ANSWER:#x}
    xorq %rax, {ANSWER:#x}
    movq 16(%rsp), %rax
    addq %rax, {ANSWER + 8:#x}
    movl $0, {EOI:#x}
    popq %rdx
    popq %rax
    iretq
    .balign 64
    pushq %rax
    incl {ANSWER + 16:#x}
    movl $0, {EOI:#x}
    popq %rax
    iretq
"""


def mixture(**options):
    """Races, locks, timers, halts, PAUSE, interrupts from one to another: everything that depends on the order."""
    work = f"""
    {TICKING}
    movl $1500, %ecx
5:  {UNLOCKED}
    lock incl {LOCK:#x}
    testb $63, %cl
    jnz 4f
    pause
4:  testb $15, %cl
    jnz 6f
    movl $0xc4042, {ICR:#x}
    testb $15, %cl
    jnz 6f
    hlt
    hlt
    hlt
    hlt
6:  xorl %eax, %eax
    movl %ecx, %esi
    cpuid
    movl %esi, %ecx
    loop 5b
    """
    period = work.replace("PERIOD", "111")
    guest = several(
        f"{period}\n{ALL_DONE}",
        f"{work.replace('PERIOD', '77')}\nlock incl {DONE:#x}\n1: sti; hlt; jmp 1b\n",
        cpus=3,
        handlers=TICK,
        **{"quantum": 1500, **options},
    )
    guest.gate(0x41, HANDLER)
    guest.gate(0x42, HANDLER + 64)
    return guest


PLACES = (HANDLER, HANDLER + 64, OTHERS, OTHERS + 40, KERNEL + 60, TRAMPOLINE + 2)


def finish(guest):
    while (stop := guest.machine.run()) != Exited(0):
        assert stop is None or isinstance(stop, Breakpoint), stop
    return guest.state()


@pytest.fixture(scope="module")
def plain():
    return finish(mixture())


def test_the_mixture_has_everything(plain):
    _, _, now, position, _ = plain
    assert position.events > 100
    assert now > position.progress + 10_000


def test_twice_the_same(plain):
    assert finish(mixture()) == plain


def test_another_quantum_is_another_order(plain):
    assert finish(mixture(quantum=700)) != plain


def test_the_clock_in_python_gives_the_same(plain):
    assert finish(mixture(engine=Engine.PLAIN)) == plain


@pytest.mark.parametrize("chunk", [13, 777])
def test_odd_chunks(plain, chunk):
    guest = mixture()
    while guest.machine.run(chunk) is None:
        pass
    assert finish(guest) == plain


def test_every_instruction_stepped(plain):
    guest = mixture()
    for _ in range(20_000):
        guest.machine.step()
    assert finish(guest) == plain


def test_breakpoints_set(plain):
    guest = mixture()
    for place in PLACES:
        guest.cpu.breakpoints.insert(place)
    assert finish(guest) == plain


@pytest.mark.parametrize("seed", range(6))
def test_random_routes(plain, seed):
    choice, guest = random.Random(seed), mixture()
    for _ in range(80):
        wander(guest.machine, choice.choice(guest.cpus), choice, PLACES)
    assert finish(guest) == plain


def test_a_breakpoint_stops_every_processor_that_comes_there():
    guest = several("3: call 9f; jmp 3b; 9: incl %ebx; ret", "3: call 9b; jmp 3b", cpus=3, quantum=10_000)
    code = bytes(guest.machine.memory.read(KERNEL, 0x800))
    place = KERNEL + code.rindex(b"\xff\xc3\xc3")
    guest.cpu.breakpoints.insert(place)
    met = set()
    for _ in range(6000):
        if guest.machine.run() == Breakpoint(place):
            assert guest.machine.cpu.linear_pc == place
            met.add(guest.machine.cpu.number)
    assert met == {0, 1, 2}

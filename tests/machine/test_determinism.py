"""The same run, however it is cut: one hash of registers, RAM and console."""

import random
from typing import NamedTuple

import pytest

from machine.engine.choice import Engine
from machine.stop import Access, Exited
from machine.watchpoints import Watch
from tests.machine.bare import KERNEL, KERNEL_DATA, NX, TO_RING_3, USER, USER_DATA, Bare, P, U, W
from tests.routes import wander

TICK, SYSCALL = KERNEL + 0x800, KERNEL + 0x900

APIC = 0x300000
"""Where the guests map the local APIC, for ring 3 too."""

# 8259 pair to vectors 0x30 and up, IRQ 0 alone open; 8254 channel 0 every 100 ticks of 1.19 MHz.
PIT_SETUP = "".join(
    f"movb ${value:#x}, %al; outb %al, ${port:#x}\n"
    for port, value in (
        (0x20, 0x11),
        (0x21, 0x30),
        (0x21, 4),
        (0x21, 1),
        (0xA0, 0x11),
        (0xA1, 0x38),
        (0xA1, 2),
        (0xA1, 1),
        (0x21, 0xFE),
        (0xA1, 0xFF),
        (0x43, 0x34),
        (0x40, 100),
        (0x40, 0),
    )
)
# The 8259 pair shut off; the APIC's timer every 2000 counts of 25 MHz, undivided.
APIC_SETUP = "".join(
    f"movl ${value:#x}, {APIC + register:#x}\n"
    for register, value in ((0xF0, 0x1FF), (0x350, 0x10000), (0x3E0, 0xB), (0x320, 0x20030), (0x380, 2000))
)

PROGRAM = (
    "SETUP"
    + TO_RING_3
    + f"""
    .org 0x800
    pushq %rax
    pushq %rdx
    incq {KERNEL_DATA:#x}
    rdtsc
    addq %rax, {KERNEL_DATA + 8:#x}
    movq 16(%rsp), %rax
    addq 32(%rsp), %rax
    rolq $5, {KERNEL_DATA + 16:#x}
    xorq %rax, {KERNEL_DATA + 16:#x}
REARM
    popq %rdx
    popq %rax
    iretq
    .org 0x900
    cmpq $400, {KERNEL_DATA:#x}
    jae 1f
    sti
    nop
    testl $7, %ebx
    jnz 2f
    hlt
2:  iretq
1:  movl $0, %eax
    outl %eax, $0xf4
    hlt
"""
)

USER_PROGRAM = f"""
1:  incl %ebx
    movl ${USER_DATA:#x}, %edi
    movl $20, %ecx
    movl %ebx, %eax
    rep stosl
    imull $33, %ebx, %edx
    pushq %rdx
    popq %rsi
    addq %rsi, {USER_DATA + 256:#x}
    movb %bl, 3f+1(%rip)
3:  movb $0, %al
    movl $7, %ecx
2:  lea 1(%rsi,%rsi,4), %rsi
    loop 2b
    jmp 4f
    .org 0x80
4:  LOOK
    call 5f
    call 6f
    int $0x80
    jmp 1b
    .org 0x100
5:  movl ${USER_DATA + 512:#x}, %edi
    imull $0x10f0f, %ebx, %edx
    cmpl %edx, %ebx
    cmpxchg8b (%rdi)
    setc %al
    nop
    addb %al, {USER_DATA + 288:#x}
    leaq 16(%rdi), %rdi
    negl %edx
    lock cmpxchg16b (%rdi)
    leaq 1(%rdi), %rdi
    nop
    ret
    .org 0x180
6:  imull $0x7f7f7f7f, %ebx, %edx
    subl $0x80000001, %edx
    btcl $5, %edx
    leaq 3(%rdx), %rsi
    leaq 5(%rdx), %rsi
    leaq 7(%rdx), %rsi
    sbbl %edx, {USER_DATA + 296:#x}
    btsq %rdx, %rsi
    movl %esi, {USER_DATA + 304:#x}
    movl %esi, {USER_DATA + 308:#x}
    cmpl %esi, %edx
    ret
"""
"""Besides work: instructions whose flags the engine would take from where its translations begin."""

PLACES = (USER, USER + 5, USER + 12, USER + 0x83, USER + 0x10D, USER + 0x193, TICK, SYSCALL, SYSCALL + 16)


class Kind(NamedTuple):
    """A timer: its set-up, what its handler does, and how ring 3 looks at it in the middle of a block."""

    setup: str
    rearm: str
    look: str = "nop"


PIC_EOI = "movb $0x20, %al; outb %al, $0x20"
APIC_EOI = f"movl $0, {APIC + 0xB0:#x}"
LOOK = (
    f"cmpl $5, %ebx; movl {APIC + 0x390:#x}, %esi; setb %dl; addq %rsi, {USER_DATA + 264:#x};"
    f"addb %dl, {USER_DATA + 272:#x}; movl {APIC + 0x390:#x}, %esi; addq %rsi, {USER_DATA + 280:#x}; movl %ebx, %esi"
)

# A one-shot's handler arms the next, at a time that depends on the clock.
KINDS = {
    "periodic": Kind(PIT_SETUP, PIC_EOI),
    "one-shot": Kind(
        PIT_SETUP,
        "xchgl %eax, %edx; movb $0x30, %al; outb %al, $0x43; movb %dl, %al; outb %al, $0x40;"
        f"movb $0, %al; outb %al, $0x40; {PIC_EOI}",
    ),
    "periodic APIC": Kind(APIC_SETUP, APIC_EOI, LOOK),
    "one-shot APIC": Kind(
        APIC_SETUP.replace("0x20030", "0x30"),
        f"andl $0x7ff, %eax; addl $1, %eax; movl %eax, {APIC + 0x380:#x}; {APIC_EOI}",
        LOOK,
    ),
}


def make(kind="periodic", **options):
    setup, rearm, look = KINDS[kind]
    program = PROGRAM.replace("SETUP", setup).replace("REARM", rearm)
    guest = Bare(**options).kernel(program).user(USER_PROGRAM.replace("LOOK", look))
    guest.map(USER, 7)
    guest.map(APIC, P | W | U | NX, 0xFEE00000)
    guest.gate(0x30, TICK)
    guest.gate(0x80, SYSCALL, dpl=3)
    return guest


def finish(guest):
    while (stop := guest.machine.run()) != Exited(0):
        assert stop is None or stop.__class__.__name__ in ("Breakpoint", "Watchpoint"), stop
    return guest.machine.position, guest.machine.clock.now(), guest.digest()


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def plain(kind):
    return finish(make(kind))


def test_the_run_has_interrupts_and_halts(plain):
    position, now, _ = plain
    assert position.events > 1000
    assert now > position.progress + 1_000_000


def test_twice_the_same(plain, kind):
    assert finish(make(kind)) == plain


def test_the_clock_in_python_counts_the_same(plain, kind):
    assert finish(make(kind, engine=Engine.PLAIN)) == plain


@pytest.mark.parametrize("chunk", [13, 777, 10_000])
def test_odd_chunks(plain, kind, chunk):
    guest = make(kind)
    while guest.machine.run(chunk) is None:
        pass
    assert finish(guest) == plain


def test_breakpoints_set(plain, kind):
    guest = make(kind)
    for place in PLACES:
        guest.cpu.breakpoints.insert(place)
    assert finish(guest) == plain


def test_a_watchpoint_set(plain, kind):
    guest = make(kind)
    guest.cpu.watchpoints.insert(Watch(Access.WRITE, KERNEL_DATA, 8))
    assert finish(guest) == plain


def test_every_instruction_stepped(plain, kind):
    guest = make(kind)
    for _ in range(30_000):
        guest.machine.step()
    assert finish(guest) == plain


def test_looking_changes_nothing(plain, kind):
    guest = make(kind)
    while guest.machine.run(5000) is None:
        guest.machine.read_linear(USER, 4096)
        for name in ("rip", "eflags", "cr2", "st0", "xmm3", "efer"):
            guest.reg(name)
    assert finish(guest) == plain


@pytest.mark.parametrize("seed", range(6))
def test_random_routes(plain, kind, seed):
    choice, guest = random.Random(seed), make(kind)
    for _ in range(150):
        wander(guest.machine, guest.cpu, choice, PLACES)
    assert finish(guest) == plain


def test_stops_at_every_event_and_steps_over_it(plain, kind):
    """Bursts of steps around delivered events, where a late interrupt would show."""
    guest, events = make(kind), 0
    for _ in range(600):
        while guest.cpu.events == events and guest.machine.run(64) is None:
            pass
        for _ in range(5):
            guest.machine.step()
        events = guest.cpu.events
    assert finish(guest) == plain

"""Flags that an instruction leaves alone, where the engine would take them from elsewhere."""

import pytest

from machine.engine.choice import Engine
from machine.stop import Access, Breakpoint, Exited
from machine.watchpoints import Watch
from tests.machine.bare import KERNEL_DATA, Bare

BEFORE = {
    "cmp": "cmpq %rsi, %rbp",
    "cmp byte": "cmpb $0x7f, %sil",
    "add": "addl %esi, %ebp",
    "adc": "stc; adcq %rsi, %rbp",
    "sbb": "stc; sbbw %si, %bp",
    "and": "andq %rsi, %rbp",
    "xor": "xorb %sil, %bpl",
    "xor with itself": "xorl %ebp, %ebp",
    "inc": "stc; incq %rbp",
    "dec": "clc; decw %bp",
    "neg": "negq %rsi",
    "imul": "imulq %rsi, %rbp",
    "shl": "shlq $3, %rsi",
    "shl by cl": "shll %cl, %esi",
    "sar": "sarq $2, %rsi",
    "rol": "rolq $1, %rsi",
    "bt": "btq $63, %rsi",
    "blsi": "blsiq %rsi, %rbp",
    "adcx": "stc; adcxq %rsi, %rbp",
    "adox": "adoxq %rsi, %rbp",
    "popcnt": "popcntq %rsi, %rbp",
    "sahf": "movb $0xd5, %ah; sahf; movl $1, %eax",
    "nothing": "nop",
}
EQUAL, OTHER, SEEN = KERNEL_DATA, KERNEL_DATA + 16, KERNEL_DATA + 64
EXCHANGES = {
    "": None,
    f"lock cmpxchg16b {EQUAL:#x}": True,
    f"cmpxchg16b {OTHER:#x}": False,
    f"lock cmpxchg8b {EQUAL:#x}": True,
    f"cmpxchg8b {OTHER:#x}": False,
}
"""The exchange, and whether it takes place."""

ZF = 0x40


def program(before):
    pieces = [f"movl ${KERNEL_DATA:#x}, %edi; movl $1, {EQUAL:#x}; movl $2, {OTHER:#x}; movl $1, %ebx; xorl %ecx, %ecx"]
    for number, exchange in enumerate(EXCHANGES):
        pieces.append(
            "movq $0x81fffffffffff0c5, %rsi; movq $0x7ffffffffffff0c3, %rbp; movl $1, %eax; cdq; btl $0, %eax;"
            f"{before}; {exchange}; pushfq; popq {SEEN + 8 * number:#x}"
        )
    return "\n".join([*pieces, "outl %eax, $0xf4; hlt"])


def seen(guest):
    return [guest.peek(SEEN + 8 * number) for number in range(len(EXCHANGES))]


def expected(flags):
    return [flags if taken is None else flags | ZF if taken else flags & ~ZF for taken in EXCHANGES.values()]


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_an_exchange_changes_zf_alone(before):
    guest = Bare().kernel(program(before))
    assert isinstance(guest.run(), Exited)
    assert seen(guest) == expected(seen(guest)[0])
    stepped = Bare().kernel(program(before))
    while not isinstance(stepped.machine.step(), Exited):
        pass
    assert seen(stepped) == seen(guest)


@pytest.mark.parametrize("before", ("cmp", "xor", "nothing"))
def test_the_same_without_machine_code(before):
    guest = Bare(engine=Engine.PLAIN).kernel(program(BEFORE[before]))
    guest.run()
    assert seen(guest) == expected(seen(guest)[0])


def addresses(guest):
    """Where every instruction of a run begins."""
    found = [guest.rip]
    while not isinstance(guest.machine.step(), Exited):
        found.append(guest.rip)
    return found


@pytest.mark.parametrize("before", ("cmp", "and", "shl by cl"))
@pytest.mark.parametrize("late", (False, True), ids=("before the run", "behind a first run"))
def test_breakpoints_and_watchpoints_leave_the_flags(before, late):
    """A breakpoint's hook before the one that computes flags, and behind it."""
    text = program(BEFORE[before])
    places = addresses(Bare().kernel(text))
    guest = Bare().kernel(text)
    if late:
        guest = Bare().kernel(f"1: {text.replace('outl', 'incl %r15d; cmpl $2, %r15d; jb 1b; outl')}")
        guest.machine.run(200)
        places = [place for place in places if place > guest.rip]
    for place in places[1:]:
        guest.cpu.breakpoints.insert(place)
    guest.cpu.watchpoints.insert(Watch(Access.WRITE, EQUAL, 8))
    stops = 0
    while not isinstance(stop := guest.run(), Exited):
        stops += isinstance(stop, Breakpoint)
    assert stops >= len(places) - 2
    assert seen(guest) == expected(seen(guest)[0])


def test_a_question_that_comes_to_a_breakpoint_leaves_the_flags():
    """The breakpoint's hook is put in anew then, behind the one that computes flags."""
    text = program(BEFORE["cmp"])
    plain = Bare().kernel(text)
    guest = Bare().kernel(text.replace("outl", "incl %r15d; cmpl $2, %r15d; jb _start; outl"))
    read = guest.machine.memory.read
    places = [place for place in addresses(plain) if b"\x0f\xc7" in read(place, 4)]
    assert len(places) == 4
    for when in (None, lambda: False):
        for place in places:
            guest.cpu.breakpoints.insert(place, when)
        for place in places:
            assert guest.run() == Breakpoint(place)
    assert isinstance(guest.run(), Exited)
    assert seen(guest) == seen(plain)

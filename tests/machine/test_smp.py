"""Several processors: start-up, interrupts between them, locks, TLB shootdown, code that another changes."""

import pytest

from machine.boot.entry import CODE_16
from machine.cpuid import cpuid
from machine.engine.choice import Engine
from machine.engine.state import CS
from machine.errors import EngineError, Error
from machine.machine import Machine
from machine.stop import Breakpoint, Exited, Halted
from tests.machine.bare import EXIT, KERNEL, KERNEL_DATA, Bare, P, W
from tests.machine.processors import APIC, COUNT, EOI, ICR, ICR_HIGH, TRAMPOLINE, Several

HANDLER = KERNEL + 0xC00
COUNTER, LOCK, DONE, ANSWER = (KERNEL_DATA + offset for offset in (0, 0x40, 0x80, 0xC0))
ROUNDS = 3000

REST = "1: cli; hlt; jmp 1b\n"
ALL_DONE = f"""
8:  pause
    cmpl $OTHERS_DONE, {DONE:#x}
    jne 8b
{EXIT}
"""


@pytest.fixture(autouse=True)
def engine():
    """Several processors run on one engine alone."""


def several(first, others, *, cpus=2, handlers="", **options):
    return Several(first.replace("OTHERS_DONE", str(cpus - 1)), others, cpus=cpus, handlers=handlers, **options)


# Making one


def test_how_many():
    with pytest.raises(Error, match="0 processors"):
        Machine(1 << 20, cpus=0)
    with pytest.raises(Error, match="9 processors"):
        Machine(1 << 20, cpus=9)
    with pytest.raises(EngineError, match="2 processors: the fast engine"):
        Machine(1 << 20, cpus=2, engine=Engine.FAST)
    with pytest.raises(Error, match="quantum of 0"):
        Machine(1 << 20, cpus=2, quantum=0)


def test_others_wait():
    guest = Bare(cpus=3).kernel("1: incl %eax; jmp 1b")
    guest.machine.run(100_000)
    first, *others = guest.machine.cpus
    assert first.read_register("rax") > 10_000
    assert all(cpu.halted and cpu.read_register("rip") == 0xFFF0 for cpu in others)
    assert all(processor.waiting for processor in guest.machine.turns.processors[1:])


def test_halted_while_others_wait():
    guest = Bare(cpus=2).kernel("cli; hlt")
    assert isinstance(guest.run(), Halted)


# Start-up


@pytest.mark.parametrize("cpus", [2, 4])
def test_start_up(cpus):
    guest = several(EXIT, REST, cpus=cpus)
    assert guest.run() == Exited(0)
    assert guest.peek(COUNT, 4) == cpus - 1
    assert [cpu.read_register("rdi") for cpu in guest.cpus[1:]] == list(range(1, cpus))


def test_start_up_begins_in_real_mode():
    guest = several(EXIT, REST)
    guest.cpu.breakpoints.insert(TRAMPOLINE)
    assert guest.run() == Breakpoint(TRAMPOLINE)
    cpu = guest.machine.cpu
    assert cpu is guest.cpus[1]
    cpu.state.load()
    segment = cpu.state.front.segs[CS]
    assert (segment.selector, segment.base, segment.flags) == (TRAMPOLINE >> 4, TRAMPOLINE, CODE_16)
    assert (cpu.read_register("rip"), cpu.read_register("cr0") & 1, cpu.paging().efer) == (0, 0, 0)


def test_a_second_start_up_does_nothing():
    again = f"movl $0xc4670, {ICR:#x}; movl $30000, %ecx; 3: loop 3b\n"
    guest = several(again + EXIT, "1: incl %ebx; jmp 1b")
    assert guest.run() == Exited(0)
    assert guest.peek(COUNT, 4) == 1
    assert guest.cpus[1].read_register("rbx") > 1000


def test_init_stops_a_running_processor():
    stop = f"movl $0xcc500, {ICR:#x}; movl $30000, %ecx; 3: loop 3b\n"
    guest = several(stop + EXIT, "1: incl %ebx; jmp 1b")
    assert guest.run() == Exited(0)
    assert guest.machine.turns.processors[1].waiting
    assert guest.cpus[1].read_register("rbx") == 0


def test_identities():
    guest = several(f"movl $20000, %ecx; 3: loop 3b\n{EXIT}", "movl $1, %eax; cpuid; shrl $24, %ebx\n" + REST, cpus=3)
    assert guest.run() == Exited(0)
    assert [cpu.read_register("rbx") for cpu in guest.cpus[1:]] == [1, 2]
    assert cpuid(1, 0)[1] >> 24 == 0


# Interrupts between processors


PING = f"""
    incl {ANSWER:#x}
    movl $0, {EOI:#x}
    iretq
"""


@pytest.mark.parametrize("rest", ["1: sti; hlt; jmp 1b", "sti; 1: pause; jmp 1b"], ids=["halted", "running"])
@pytest.mark.parametrize("command", [0xC4041, 0x4041, 0x4841], ids=["others", "physical", "logical"])
def test_interrupt_round_trip(rest, command):
    first = f"""
    movl $0xff000000, {APIC + 0xE0:#x}
    xorl %ebx, %ebx
3:  incl %ebx
    movl $0x01000000, %eax
    testl $0x800, %esi
    movl %eax, {ICR_HIGH:#x}
    movl ${command:#x}, {ICR:#x}
4:  pause
    cmpl %ebx, {ANSWER:#x}
    jne 4b
    cmpl $50, %ebx
    jne 3b
    {EXIT}
    """
    others = f"movl $0x01000000, {APIC + 0xD0:#x}; movl $0xffffffff, {APIC + 0xE0:#x}\n{rest}\n"
    guest = several(first, others, handlers=PING)
    guest.gate(0x41, HANDLER)
    assert guest.run() == Exited(0)
    assert guest.peek(ANSWER, 4) == 50


def test_to_all_and_to_self():
    first = f"sti; movl $0x84041, {ICR:#x}; movl $30000, %ecx; 3: loop 3b; movl $0x44041, {ICR:#x}; \
        movl $30000, %ecx; 4: loop 4b\n{EXIT}"
    guest = several(first, "sti; 1: pause; jmp 1b\n", cpus=3, handlers=PING.replace("incl", "lock incl"))
    guest.gate(0x41, HANDLER)
    assert guest.run() == Exited(0)
    assert guest.peek(ANSWER, 4) == 3 + 1


@pytest.mark.parametrize("rest", ["cli; 1: pause; jmp 1b", "1: cli; hlt; jmp 1b"], ids=["running", "halted"])
def test_nmi(rest):
    """It comes with interrupts off, and wakes; another waits for IRET."""
    first = f"""
    movl $0xc4400, {ICR:#x}
    movl $30000, %ecx
3:  loop 3b
    movl $0xc4400, {ICR:#x}
    movl $200000, %ecx
4:  loop 4b
    {EXIT}
    """
    handler = f"incl {ANSWER:#x}; movl $60000, %ecx; 1: loop 1b; movl {ANSWER:#x}, %edx; movl %edx, {DONE:#x}; iretq\n"
    guest = several(first, rest + "\n", handlers=handler)
    guest.gate(2, HANDLER)
    guest.machine.run(100_000)
    assert guest.peek(ANSWER, 4) == 1, "not inside its own handler"
    assert guest.run() == Exited(0)
    assert (guest.peek(ANSWER, 4), guest.peek(DONE, 4)) == (2, 2)


def test_a_timer_of_each():
    """Every processor's own APIC timer, while all of them halt between its ticks."""
    timer = f"movl $0xb, {APIC + 0x3E0:#x}; movl $0x20041, {APIC + 0x320:#x}; movl $5000, {APIC + 0x380:#x}\n"
    first = f"{timer}\n5: sti; hlt; cmpl $60, {ANSWER:#x}; jb 5b\n{EXIT}"
    guest = several(first, f"{timer}\n1: sti; hlt; jmp 1b\n", cpus=3, handlers=PING.replace("incl", "lock incl"))
    guest.gate(0x41, HANDLER)
    assert guest.run() == Exited(0)
    assert guest.machine.clock.warp > 15 * 5000 * 40, "all halted at the same time"


# Memory


COUNTING = """
    movl $ROUNDS, %ecx
5:  CODE
    loop 5b
"""
WAYS = {
    "lock xadd": f"movl $1, %eax; lock xaddl %eax, {COUNTER:#x}",
    "xchg spinlock": f"""
6:      movl $1, %eax
        xchgl %eax, {LOCK:#x}
        testl %eax, %eax
        jz 7f
        pause
        jmp 6b
7:      movl {COUNTER:#x}, %edx
        incl %edx
        movl %edx, {COUNTER:#x}
        movl $0, {LOCK:#x}""",
    "ticket lock": f"""
        movl $1, %eax
        lock xaddl %eax, {LOCK:#x}
6:      cmpl %eax, {LOCK + 4:#x}
        je 7f
        pause
        jmp 6b
7:      movl {COUNTER:#x}, %edx
        incl %edx
        movl %edx, {COUNTER:#x}
        incl {LOCK + 4:#x}""",
}
UNLOCKED = f"movl {COUNTER:#x}, %edx; jmp 6f; 6: incl %edx; jmp 7f; 7: movl %edx, {COUNTER:#x}"


def counting(way, **options):
    code = COUNTING.replace("CODE", way).replace("ROUNDS", str(ROUNDS))
    return several(f"{code}\n{ALL_DONE}", f"{code}\nlock incl {DONE:#x}\n{REST}", **options)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("quantum", [200, 10_000])
def test_locked_counters_are_exact(way, quantum):
    guest = counting(WAYS[way], quantum=quantum)
    assert guest.run(10_000) == Exited(0)
    assert guest.peek(COUNTER, 4) == 2 * ROUNDS


def test_an_unlocked_counter_is_wrong_and_the_same_again():
    counts = []
    for _ in range(2):
        guest = counting(UNLOCKED, quantum=201)
        assert guest.run() == Exited(0)
        counts.append(guest.peek(COUNTER, 4))
    assert counts[0] == counts[1] < 2 * ROUNDS


UNTIL_ALL_ARE_SEEN = f"""
    movl %ebx, {LOCK:#x}
4:  pause
    cmpl %ebx, {LOCK + 4:#x}
    jne 4b
    decl %ebx
    jnz 3b
    {EXIT}
"""
"""Tell the other processor the round's number, wait until it says the same, and begin the next at 3."""

PAGE_A, PAGE_B, SHARED = 0x210000, 0x211000, 0x212000
SHOOTDOWN = f"""
    movl $100, %ebx
    movl ${PAGE_B | P | W:#x}, %eax
    movl ${PAGE_A | P | W:#x}, %edx
3:  movl %eax, PTE
    invlpg {SHARED:#x}
    SEND
    xchgl %eax, %edx
{UNTIL_ALL_ARE_SEEN}"""
READER = f"""
    sti
1:  movl {LOCK:#x}, %ecx
    cmpl %ecx, {LOCK + 4:#x}
    je 1b
    movl {SHARED:#x}, %eax
    xorl %ecx, %eax
    andl $1, %eax
    addl %eax, {COUNTER:#x}
    movl %ecx, {LOCK + 4:#x}
    jmp 1b
"""


@pytest.mark.parametrize("tells", [False, True], ids=["silent", "shootdown"])
def test_tlb_shootdown(tells):
    """Each has its own TLB: what the other's page tables say is seen once it has been told to flush."""
    send = f"movl $0xc4041, {ICR:#x}; 5: pause; cmpl $0, {ANSWER:#x}; je 5b; movl $0, {ANSWER:#x}" if tells else ""
    handler = f"invlpg {SHARED:#x}\n{PING}"
    probe = Bare()
    first = SHOOTDOWN.replace("PTE", f"{probe.pte_address(SHARED):#x}").replace("SEND", send)
    guest = several(first, READER, handlers=handler)
    guest.gate(0x41, HANDLER)
    guest.poke(PAGE_A, 1, 4)  # for odd rounds: 99, 97, ...
    guest.poke(PAGE_B, 0, 4)
    assert guest.run() == Exited(0)
    assert (guest.peek(COUNTER, 4) == 0) is tells


CHANGED, CHANGED_PAGE, BEFORE_ALIAS = KERNEL + 0xE00, KERNEL + 0x2000, KERNEL_DATA + 0x30000
MODIFIER = f"""
    movl $300, %ebx
3:  STORE
{UNTIL_ALL_ARE_SEEN}"""
RUNNER = f"""
1:  movl {LOCK:#x}, %esi
    cmpl %esi, {LOCK + 4:#x}
    je 1b
    xorl %eax, %eax
    cpuid
    movl {LOCK:#x}, %esi
    call CHANGED
    xorl %esi, %eax
    movzbl %al, %eax
    testl %eax, %eax
    setne %al
    addl %eax, {COUNTER:#x}
    movl %esi, {LOCK + 4:#x}
    jmp 1b
"""


@pytest.mark.parametrize("engine", [Engine.PORTABLE, Engine.PLAIN])
def test_cross_modifying_code(engine):
    """What one stores to code, the other runs (SDM 3A 8.1.3: after it has serialised)."""
    modifier, runner = (
        MODIFIER.replace("STORE", f"movb %bl, {CHANGED + 1:#x}"),
        RUNNER.replace("CHANGED", f"{CHANGED:#x}"),
    )
    guest = several(modifier, runner, handlers=".org 0xe00\nmovb $0, %al; ret\n", engine=engine)
    assert guest.run() == Exited(0)
    assert guest.peek(COUNTER, 4) == 0


@pytest.mark.parametrize("engine", [Engine.PORTABLE, Engine.PLAIN])
@pytest.mark.parametrize("before", [BEFORE_ALIAS, KERNEL], ids=["data", "code"])
def test_cross_modifying_code_by_a_store_that_begins_on_another_page(engine, before):
    """By this linear address, the page before the code is elsewhere in memory."""
    store = f"movl %ebx, %eax; shll $24, %eax; orl $0xb00000, %eax; movl %eax, {BEFORE_ALIAS + 0xFFE:#x}"
    guest = several(MODIFIER.replace("STORE", store), RUNNER.replace("CHANGED", f"{CHANGED_PAGE:#x}"), engine=engine)
    guest.machine.memory.write(CHANGED_PAGE, b"\xb0\0\xc3")  # movb $0, %al; ret
    guest.map(BEFORE_ALIAS, P | W, physical=before)
    guest.map(BEFORE_ALIAS + 0x1000, P | W, physical=CHANGED_PAGE)
    assert guest.run() == Exited(0)
    assert guest.peek(COUNTER, 4) == 0


def test_code_that_the_host_changes():
    """All processors' translations are stale then."""
    guest = several("5: call 9f; jmp 5b; 9: movl $1, %eax; ret", "5: call 9b; movl %eax, %esi; jmp 5b")
    guest.machine.run(500_000)
    assert guest.cpus[1].read_register("rsi") == 1
    code = guest.machine.memory.read(KERNEL, 0x800)
    at = code.rindex(b"\xb8\x01\0\0\0\xc3")
    guest.machine.memory.write(KERNEL + at + 1, b"\x02")
    guest.machine.run(100_000)
    assert [cpu.read_register(name) for cpu, name in zip(guest.cpus, ("rax", "rsi"), strict=True)] == [2, 2]


# PAUSE

WAITING = "movl $1000000, %ecx; 5: PAUSE; incl %esi; loop 5b"


@pytest.mark.parametrize(("pause", "rounds"), [("pause", range(9, 12)), ("nop; nop", range(20_000, 10**6))])
def test_who_waits_gives_the_turn_away(pause, rounds):
    """One round of the loop in each turn, where the others' turns are whole ones."""
    guest = several("5: incl %edi; jmp 5b", WAITING.replace("PAUSE", pause), quantum=100_000)
    guest.machine.run(1_000_000)
    assert guest.cpus[0].read_register("rdi") > 50_000
    assert guest.cpus[1].read_register("rsi") in rounds


def test_all_wait():
    guest = several(WAITING.replace("PAUSE", "pause"), WAITING.replace("PAUSE", "pause"), quantum=100_000)
    guest.machine.run(200_000)
    first, other = (cpu.read_register("rsi") for cpu in guest.cpus)
    assert first > 500 and abs(first - other) < 100

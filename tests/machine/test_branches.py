"""The branch trace tells every instruction that ran, in order, and changes nothing."""

import pytest
from capstone import CS_ARCH_X86, CS_MODE_64, Cs

from machine import snapshot
from machine.branches import Block, Branches
from machine.engine.choice import Engine
from machine.stop import Breakpoint, Exited, Stepped
from tests.machine.bare import EXIT, KERNEL, KERNEL_DATA, TO_RING_3, USER, Bare

ROOM = 4096
HANDLER = KERNEL + 0x800

SKIP_UD2 = ".org 0x800\naddq $2, (%rsp); iretq"
TIMER = (0x20, 0x11), (0x21, 0x20), (0x21, 4), (0x21, 1), (0x21, 0xFE), (0x43, 0x34), (0x40, 0xFF), (0x40, 0)
"""Ports and values: the first interrupt controller at vector 0x20 with the timer alone, the timer at 255 ticks."""

CASES = {
    "a loop": "movl $5, %ecx; 1: incq 0x200000; decl %ecx; jnz 1b\n" + EXIT,
    "calls": "call 1f; call 1f; jmp 2f; 1: nop; ret; 2: call 3f; 3: pop %rax\n" + EXIT,
    "REP": "movl $0x200000, %edi; movl $9, %ecx; xorl %eax, %eax; rep stosb; movl $3, %ecx; rep stosq\n" + EXIT,
    "REP of no iteration": "xorl %ecx, %ecx; movl $0x200000, %edi; rep stosb; nop\n" + EXIT,
    "REP alone behind a jump": "movl $4, %ecx; movl $0x200000, %edi; jmp 1f; nop; 1: rep stosb\n" + EXIT,
    "a fault in a block": "movl $3, %ebx; nop; 1: ud2; nop; decl %ebx; jnz 1b\n" + EXIT + SKIP_UD2,
    "a fault at a block's head": "jmp 1f; nop; 1: ud2; nop\n" + EXIT + SKIP_UD2,
    "INT": "nop; int $0x30; nop\n" + EXIT + ".org 0x800\nnop; iretq",
    "a store into the running block": "movl $1f, %eax; nop; movb $0x90, (%rax); nop; 1: hlt; nop\n" + EXIT,
}  # fmt: skip


def make(source, **options):
    guest = Bare(**options).kernel(source)
    guest.gate(6, HANDLER)
    guest.gate(0x30, HANDLER)
    return guest, Branches(guest.machine)


def stepped(source):
    """What single steps come by: the reference."""
    guest, _ = make(source)
    seen = [guest.cpu.linear_pc]
    while not isinstance(guest.step(), Exited):
        here = guest.cpu.linear_pc
        repeats = here == seen[-1] and guest.cpu.next_code()[:1] == b"\xf3"
        seen += [] if repeats else [here]
    return [*seen, guest.cpu.linear_pc]


def instructions(guest, blocks):
    """The addresses of all instructions of blocks."""
    found = []
    for begin, end in blocks:
        code = guest.machine.read_linear(begin, end - begin + 15)
        found += [at for at, *_ in Cs(CS_ARCH_X86, CS_MODE_64).disasm_lite(code, begin) if at <= end]
        assert found[-1] == end, f"{begin:#x} to {end:#x} ends within an instruction"
    return found


@pytest.mark.parametrize("source", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("engine", [None, Engine.PLAIN], ids=["native", "plain"])
def test_the_trace_tells_what_single_steps_come_by(source, engine):
    guest, branches = make(source, engine=engine)
    branches.start(ROOM)
    assert guest.run() == Exited(0)
    want = stepped(source)
    got = instructions(guest, branches.all())
    assert got[: len(want)] == want and len(got) - len(want) in (0, 1), "the rest of the block behind OUT runs too"


def test_steps_and_breakpoints_do_not_part_blocks():
    guest, branches = make("nop; nop; nop; nop; jmp 1f; nop; 1: nop\n" + EXIT)
    branches.start(ROOM)
    assert guest.step(2) == Stepped()
    guest.cpu.breakpoints.insert(KERNEL + 3)
    assert guest.run() == Breakpoint(KERNEL + 3)
    assert branches.all() == [Block(KERNEL, KERNEL + 3)]
    guest.step(2)
    assert branches.all() == [Block(KERNEL, KERNEL + 4), Block(KERNEL + 7, KERNEL + 7)]
    assert branches.all() == branches.all()


def test_a_breakpoint_in_a_loop_of_one_block_ends_before_it():
    guest, branches = make("movl $5, %ecx; 1: incq 0x200000; decl %ecx; jnz 1b\n" + EXIT)
    branches.start(ROOM)
    guest.cpu.breakpoints.insert(KERNEL + 5)
    for _ in range(3):
        guest.run()
    body = Block(KERNEL + 5, KERNEL + 15)
    assert branches.all() == [Block(KERNEL, body.end), body, Block(KERNEL + 5, KERNEL + 5)]


def test_what_is_new_since_a_mark():
    guest, branches = make(CASES["calls"])
    branches.start(ROOM)
    guest.step(2)
    mark = branches.mark()
    assert branches.since(mark) == [Block(mark.address, mark.address)]
    guest.step(2)
    assert instructions(guest, branches.since(mark)) == instructions(guest, branches.all())[-3:]


def test_what_is_lost_is_said():
    guest, branches = make("movl $100, %ecx; 1: jmp 2f; nop; 2: decl %ecx; jnz 1b\n" + EXIT)
    branches.start(20)
    mark = branches.mark()
    guest.run()
    assert branches.since(mark) is None
    assert 0 < len(branches.all()) <= 20
    assert branches.all()[-1].end == guest.cpu.linear_pc


def test_a_long_loop_takes_the_room_of_one_block():
    guest, branches = make("movl $100000, %ecx; 1: decl %ecx; jnz 1b\n" + EXIT)
    branches.start(100)
    guest.run()
    blocks = branches.all()
    assert len(blocks) == 100 and blocks[0] == Block(KERNEL + 5, KERNEL + 7)


def test_rings_and_interrupts():
    """Nothing of the block in which the interrupt came is told twice."""
    source = "".join(f"movb ${value}, %al; outb %al, ${port};" for port, value in TIMER) + TO_RING_3
    guest = Bare().kernel(source + ".org 0x800\nincq 0x200000; movb $0x20, %al; outb %al, $0x20; iretq")
    guest.user("1: incq %rbx; incq %rcx; incq %rdx; jmp 1b")
    guest.gate(0x20, HANDLER)
    branches = Branches(guest.machine)
    branches.start(1 << 16)
    while guest.peek(KERNEL_DATA) < 3:
        guest.machine.run(2000)
    seen = instructions(guest, branches.all())
    assert seen[-1] == guest.cpu.linear_pc
    counts = [seen[:-1].count(USER + 3 * n) for n in range(3)]
    assert counts == [guest.reg("rbx"), guest.reg("rcx"), guest.reg("rdx")]
    assert seen[:-1].count(HANDLER) == guest.peek(KERNEL_DATA) == 3


def test_code_of_another_address_space_is_told_where_this_one_has_the_same():
    guest, branches = make("call 0x400000; call 0x401000; movl $0x600000, %eax; mov %rax, %cr3; jmp 1f; 1: hlt")
    for table, other in ((0x1000, 0x600000), (0x2000, 0x601000), (0x3000, 0x602000), (0x6000, 0x605000)):
        guest.machine.memory.write(other, guest.machine.memory.read(table, 0x1000))
    for at, other in ((0x600000, 0x601000), (0x601000, 0x602000), (0x602010, 0x605000), (0x605008, 0x402000)):
        guest.poke(at, other | 7)  # 0x401000 is another page there
    guest.machine.memory.write(0x400000, b"\xc3")
    guest.machine.memory.write(0x401000, b"\x90\xc3")
    guest.machine.memory.write(0x402000, b"\xc3")
    branches.start(ROOM)
    guest.step(8)
    begins = [block.begin for block in branches.all()]
    assert 0x400000 in begins and 0x401000 not in begins
    assert 0x401000 in [block.begin for block in branches.all(root=0x1000)]


def test_recording_changes_nothing():
    digests = []
    for records in (False, True):
        guest, branches = make(CASES["a fault in a block"])
        if records:
            branches.start(ROOM)
        guest.run()
        branches.all()
        digests.append((guest.digest(), guest.machine.position))
    assert digests[0] == digests[1]


def test_nothing_is_recorded_once_stopped():
    guest, branches = make(CASES["a loop"])
    branches.start(ROOM)
    guest.step(3)
    branches.stop()
    assert not branches.recording
    guest.run()
    assert branches.since(branches.mark()) is None
    assert branches.all() == [Block(guest.rip, guest.rip)]


def test_a_snapshot_is_a_new_beginning(tmp_path):
    guest, branches = make(CASES["a loop"])
    snapshot.save(guest.machine, tmp_path / "here")
    branches.start(ROOM)
    guest.step(5)
    mark = branches.mark()
    with snapshot.opened(tmp_path / "here") as found:
        snapshot.load(guest.machine, found)
    assert branches.since(mark) is None
    guest.step()
    assert branches.all() == [Block(KERNEL, KERNEL + 5)]

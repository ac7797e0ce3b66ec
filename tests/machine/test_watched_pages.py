"""Watchpoints and the pages around them: accesses across borders, aliases, code beside data, both engines alike."""

import ctypes

import pytest

from machine.engine.choice import Engine
from machine.engine.machinecode import Block
from machine.engine.proof import refusal
from machine.stop import Access, Exited, Watchpoint
from machine.watchpoints import Watch
from tests.machine.bare import EXIT, KERNEL, KERNEL_DATA, USER, Bare, assemble

BORDER = KERNEL_DATA + 0x1000
READ, WRITE, ANY = Access.READ, Access.WRITE, Access.ANY
ENGINES = pytest.mark.parametrize("engine", [None, Engine.PORTABLE], ids=["best", "portable"])


@ENGINES
@pytest.mark.parametrize(
    ("source", "watch", "hit"),
    [
        (f"movq {BORDER - 4:#x}, %rax", Watch(READ, BORDER, 4), BORDER),
        (f"movq {BORDER - 7:#x}, %rax", Watch(READ, BORDER, 4), BORDER),
        (f"movq {BORDER - 8:#x}, %rax", Watch(READ, BORDER, 4), None),
        (f"movq {BORDER - 4:#x}, %rax", Watch(READ, BORDER + 4, 4), None),
        (f"movq {BORDER - 3:#x}, %rax", Watch(ANY, BORDER + 4, 1), BORDER + 4),
        (f"movl {BORDER - 1:#x}, %eax", Watch(READ, BORDER - 4, 3), None),
        (f"movl {BORDER - 3:#x}, %eax", Watch(READ, BORDER - 4, 2), BORDER - 3),
        (f"movq {BORDER + 1:#x}, %rax", Watch(READ, BORDER, 1), None),
        (f"movq {BORDER + 9:#x}, %rax", Watch(READ, BORDER + 8, 1), None),
        (f"movq $-1, {BORDER - 4:#x}", Watch(WRITE, BORDER, 4), BORDER),
        (f"movq $-1, {BORDER - 5:#x}", Watch(WRITE, BORDER + 3, 1), None),
        (f"movq $-1, {BORDER - 1:#x}", Watch(WRITE, BORDER - 4, 3), None),
        (f"movl $-1, {BORDER + 6:#x}", Watch(WRITE, BORDER + 8, 8), BORDER + 8),
        (f"lock; incq {BORDER:#x}", Watch(WRITE, BORDER, 8), BORDER),
        (f"movups %xmm0, {BORDER - 8:#x}", Watch(WRITE, BORDER + 7, 1), BORDER + 7),
        (f"movl ${BORDER - 64:#x}, %esi; movl ${BORDER + 0x1000:#x}, %edi; movl $16, %ecx; rep movsq",
         Watch(READ, BORDER + 16, 1), BORDER + 16),
    ],
)  # fmt: skip
def test_an_access_beside_a_border(engine, source, watch, hit):
    warm = f"movq {BORDER - 8:#x}, %rax; movq %rax, {BORDER - 8:#x}; movq {BORDER:#x}, %rax; movq %rax, {BORDER:#x}"
    guest = Bare(engine=engine).kernel(f"{warm}\n1: nop; {source}\nnop\n{EXIT}")
    guest.step(4)  # the engine knows the pages before they are watched
    guest.cpu.watchpoints.insert(watch)
    assert guest.run() == (Exited(0) if hit is None else Watchpoint(watch.access, hit, watch.address))


@ENGINES
def test_translations_that_are_there_see_a_new_watchpoint_and_forget_an_old_one(engine):
    guest = Bare(engine=engine).kernel(f"1: incq {BORDER:#x}; incq {KERNEL_DATA:#x}; jmp 1b")
    guest.machine.run(1000)
    for address in (KERNEL_DATA, BORDER):
        watch = Watch(WRITE, address, 8)
        guest.cpu.watchpoints.insert(watch)
        before = guest.peek(address)
        assert guest.run() == Watchpoint(WRITE, address, address)
        assert before <= guest.peek(address) <= before + 1
        count = guest.peek(address)
        assert guest.run() == Watchpoint(WRITE, address, address)
        assert guest.peek(address) == count + 1
        guest.cpu.watchpoints.remove(watch)
        assert guest.machine.run(1000) is None


@ENGINES
def test_a_store_by_another_linear_address(engine):
    alias = BORDER + 0x3000
    guest = Bare(engine=engine).kernel(f"1: incq {alias + 8:#x}; incq {alias:#x}; jmp 1b")
    guest.map(alias, 3, physical=BORDER)
    guest.machine.run(1000)
    guest.cpu.watchpoints.insert(Watch(WRITE, BORDER, 8))
    assert guest.run() == Watchpoint(WRITE, BORDER, BORDER)


def another_root(guest, at, physical):
    """Page tables that lead to the first ones but for one page; its entry's address."""
    entry = at + 0x3000 + (BORDER - 0x200000 >> 9)
    for place, table in ((0, 0x1000), (0x1000, 0x2000), (0x2000, 0x3000), (0x3000, 0x5000)):
        guest.machine.memory.write(at + place, guest.machine.memory.read(table, 0x1000))
    for place, value in (
        (at, at + 0x1007),
        (at + 0x1000, at + 0x2007),
        (at + 0x2008, at + 0x3007),
        (entry, physical | 3),
    ):
        guest.poke(place, value)
    return entry


def load(root):
    return f"movl ${root:#x}, %eax; movq %rax, %cr3\n"


def reload(entry, value):
    """Write an entry of the page tables, and forget what was read from them."""
    return f"movq ${value:#x}, %rax; movq %rax, {entry:#x}; movq %cr3, %rax; movq %rax, %cr3"


@ENGINES
@pytest.mark.parametrize(
    "change",
    [
        f"movq ${BORDER + 0x2003:#x}, %rax; movq %rax, {0x4000 + (BORDER >> 9):#x}; invlpg {BORDER:#x}",
        f"movq $0, {0x4000 + (BORDER >> 9):#x}; invlpg {BORDER:#x}",
        reload(0x3008, 0x6007),
        reload(0x3008, 0x200083),
        "movl $0x700000, %eax; movq %rax, %cr3",
        "movl $0x700000, %eax; movq %rax, %cr3; movl $0x1000, %eax; movq %rax, %cr3",
    ],
    ids=["another page", "demand paging", "another table", "a large page", "another root", "there and back"],
)
def test_a_watched_range_moves_with_the_page_tables(engine, change):
    """All in one run of the engine: each change of the tables is followed, also one that a fault's handler makes."""
    guest = Bare(engine=engine).kernel(f"{change}; movq $1, {BORDER + 8:#x}; nop\n{EXIT}")
    handler = "pushq %%rax; movq $%d, %%rax; movq %%rax, %#x; popq %%rax; addq $8, %%rsp; iretq"
    guest.machine.memory.write(KERNEL + 0x800, assemble(handler % (BORDER + 3, 0x4000 + (BORDER >> 9)), KERNEL + 0x800))
    guest.gate(14, KERNEL + 0x800)
    another_root(guest, 0x700000, BORDER + 0x2000)
    guest.cpu.watchpoints.insert(Watch(WRITE, BORDER + 8, 8))
    assert guest.run() == Watchpoint(WRITE, BORDER + 8, BORDER + 8)


FIRST, SECOND, PLACE = 0x1000, 0x700000, BORDER + 0x2000


@ENGINES
def test_a_range_is_watched_under_the_tables_that_are_loaded(engine):
    """Of two that take turns: at its place under each, and not at the other's."""
    store, other = f"incq {BORDER + 8:#x}\n", f"incq {PLACE + 8:#x}\n"  # the second place, at its own address
    turn = f"{load(SECOND)}{store}{other}{load(FIRST)}{other}{store}"
    guest = Bare(engine=engine).kernel(f"movl $5, %ecx\n1: {turn} loop 1b\n{EXIT}")
    another_root(guest, SECOND, PLACE)
    guest.cpu.watchpoints.insert(Watch(WRITE, BORDER + 8, 8))
    hits = []
    while (stop := guest.run()) != Exited(0):
        assert stop == Watchpoint(WRITE, BORDER + 8, BORDER + 8)
        hits.append((guest.reg("cr3"), guest.peek(BORDER + 8), guest.peek(PLACE + 8)))
    each = [[(SECOND, n, 3 * n + 1), (SECOND, n, 3 * n + 2), (FIRST, n + 1, 3 * n + 3)] for n in range(5)]
    assert hits == [hit for turn in each for hit in turn]


@ENGINES
@pytest.mark.parametrize("store", ["movq %rax, ENTRY", "movl %eax, ENTRY; nop", "movb %ah, 1+ENTRY", "movw %ax, ENTRY"])
def test_tables_that_are_not_loaded_are_followed_too(engine, store):
    """They are changed while others are, and the range is where they say when they are loaded again."""
    guest = Bare(engine=engine).kernel(
        f"{load(SECOND)}{load(FIRST)}{load(SECOND)}{load(FIRST)} movl ${BORDER + 0x4003:#x}, %eax\n"
        f"STORE; {load(SECOND)} movl $1, {PLACE:#x}; movl $1, {BORDER + 8:#x}; nop\n{EXIT}".replace(
            "STORE", store.replace("ENTRY", f"{SECOND + 0x3000 + (BORDER - 0x200000 >> 9):#x}")
        )
    )
    another_root(guest, SECOND, PLACE)
    guest.cpu.watchpoints.insert(Watch(WRITE, BORDER + 8, 4))
    assert guest.run() == Watchpoint(WRITE, BORDER + 8, BORDER + 8)
    assert guest.peek(BORDER + 0x4008, 4) == 1
    assert guest.run() == Exited(0)


@ENGINES
def test_more_tables_than_are_kept(engine):
    roots = [0x600000 + 0x8000 * index for index in range(20)]
    source = "".join(f"{load(root)} incq {BORDER + 8:#x}\n" for root in roots)
    guest = Bare(engine=engine).kernel(f"movl $3, %ecx\n1: {source} decl %ecx; jnz 1b\n{EXIT}")
    for index, root in enumerate(roots):
        another_root(guest, root, PLACE + 0x1000 * index)
    guest.cpu.watchpoints.insert(Watch(WRITE, BORDER + 8, 8))
    for count in range(60):
        assert guest.run() == Watchpoint(WRITE, BORDER + 8, BORDER + 8)
        assert guest.peek(PLACE + 0x1000 * (count % 20) + 8) == 1 + count // 20
    assert guest.run() == Exited(0)


@pytest.mark.skipif(refusal() is not None, reason=f"the fast engine: {refusal()}")
@pytest.mark.parametrize("place", [BORDER, PLACE], ids=["the same place", "another"])
def test_tables_that_take_turns_cost_nothing(place):
    turn = f"{load(SECOND)} incq {BORDER + 0x80:#x}; {load(FIRST)} incq {BORDER + 0x80:#x}"
    guest = Bare(engine=Engine.FAST).kernel(f"movl $1000, %ecx\n1: {turn}; decl %ecx; jnz 1b\n{EXIT}")
    another_root(guest, SECOND, place)
    entered = []
    start = guest.cpu.fast.start
    guest.cpu.fast.start = lambda warp: (entered.append(guest.rip), start(warp))
    guest.cpu.watchpoints.insert(Watch(WRITE, BORDER + 8, 8))
    assert guest.run() == Exited(0)
    assert len(entered) < 10


@ENGINES
def test_the_mapped_part_of_a_range(engine):
    guest = Bare(engine=engine).kernel(f"movb $1, {BORDER - 1:#x}; nop\n{EXIT}")
    guest.map(BORDER, 0)
    guest.cpu.watchpoints.insert(Watch(WRITE, BORDER - 4, 8))
    assert guest.run() == Watchpoint(WRITE, BORDER - 1, BORDER - 4)


@ENGINES
@pytest.mark.parametrize("source", ["addq $0x7fff, {at:#x}", "lock; addq $0x7fff, {at:#x}"])
def test_an_access_across_pages_that_are_not_neighbours_is_done_once(engine, source):
    guest = Bare(engine=engine).kernel(f"{source.format(at=BORDER - 1)}; nop\n{EXIT}")
    guest.map(BORDER, 3, physical=BORDER + 0x3000)
    guest.cpu.watchpoints.insert(Watch(WRITE, BORDER - 8, 8))
    assert guest.run() == Watchpoint(WRITE, BORDER - 1, BORDER - 8)
    assert (guest.peek(BORDER - 1, 1), guest.peek(BORDER + 0x3000)) == (0xFF, 0x7F)


@ENGINES
def test_code_beside_a_watched_byte_may_change_itself(engine):
    """The page takes stores the slow way for two reasons; the second must not hide the first."""
    loop = "1: incb 2f+1; jmp 2f; 2: movb $1, %al; addb %al, %bl; decl %ecx; jnz 1b"
    source = f"movl $3, %ecx; xorl %ebx, %ebx; {loop}; {EXIT}"
    guest = Bare(engine=engine).kernel(source)
    guest.cpu.watchpoints.insert(Watch(WRITE, KERNEL + 0x800, 8))
    assert guest.run() == Exited(0)
    assert guest.reg("rbx") == 2 + 3 + 4


@ENGINES
def test_a_watched_run_is_the_same_run(engine):
    source = f"""
        movl $500, %ecx
     1: movq %rcx, {BORDER + 0x800:#x}; movq {BORDER - 4:#x}, %rax; addq %rcx, {BORDER - 4:#x}; pushq %rax; popq %rbx
        invlpg {BORDER:#x}; decl %ecx; jnz 1b
        {EXIT}"""

    def result(*watches):
        guest = Bare(engine=engine).kernel(source)
        guest.machine.run(500)
        for watch in watches:
            guest.cpu.watchpoints.insert(watch, lambda: False)
        assert guest.run(10000) == Exited(0)
        return guest.machine.position, guest.digest()

    plain = result()
    assert result(Watch(WRITE, BORDER + 0x100, 8)) == plain
    assert result(Watch(ANY, BORDER - 2, 4)) == plain
    assert result(Watch(WRITE, KERNEL_DATA, 8), Watch(READ, BORDER + 0x800, 8)) == plain


@pytest.mark.skipif(refusal() is not None, reason=f"the fast engine: {refusal()}")
def test_the_fast_engine_finds_the_lists_of_hooks():
    """Without them every access that is translated meanwhile is slow: right, and ten times slower."""
    guest = Bare(engine=Engine.FAST).kernel(f"movq {BORDER:#x}, %rax; {EXIT}")
    guest.cpu.watchpoints.insert(Watch(ANY, KERNEL_DATA, 8))
    assert guest.run() == Exited(0)
    assert guest.cpu.fast.watched.hides_hooks


TOUCHING = f"""
    movq ${BORDER + 0x100:#x}, %rsp; movq ${BORDER:#x}, %rbx; movl $5, %ebp; fninit; stc
 1: incq (%rbx); lock; incq (%rbx); movq %rbp, 2(%rbx); movzbl 3(%rbx), %eax; adcq %rax, (%rbx); xchgq %rax, (%rbx)
    lock; xaddq %rcx, (%rbx); lock; cmpxchgq %rdx, (%rbx); sete %dl; movups (%rbx), %xmm0; movups %xmm0, 4(%rbx)
    movq %rbx, %rsi; leaq 4(%rbx), %rdi; movsq; cmpsb; movl $3, %ecx; subq $8, %rdi; rep; stosw
    movl $3, %ecx; movq %rbx, %rsi; leaq 0x800(%rbx), %rdi; rep; movsq; movl $5, %ecx; leaq -3(%rbx), %rdi; repne; scasb
    leaq 16(%rbx), %rsp; pushq %rax; pushq (%rbx); popq 8(%rbx); call 3f; pushq $2f; ret; ud2; 3: pushfq; popq %rdx; ret
 2: leaq 8(%rbx), %rsp; enter $8, $0; leave; fildq (%rbx); fistpq (%rbx); fxsave 0x800(%rbx); fxsave -496(%rbx)
    fxrstor 0x800(%rbx); btsq $3, (%rbx); setc %al; rolb %cl, (%rbx); cmpxchg16b (%rbx); sgdt 1(%rbx); bsfq (%rbx), %rax
    shldq $3, %rax, (%rbx); negb 5(%rbx); pushq %fs; popq %fs; movq %cr3, %rax; movq %rax, %cr3
    movw %ss, %ax; movw %ax, %ss; popq %rax; movq ${BORDER + 0x100:#x}, %rsp; cpuid; movq ${BORDER:#x}, %rbx;
    decl %ebp; jnz 1b
    {EXIT}"""


@pytest.mark.skipif(refusal() is not None, reason=f"the fast engine: {refusal()}")
@pytest.mark.parametrize("offset", [0, 5, 8, -4])
@pytest.mark.parametrize("access", [READ, WRITE, ANY])
def test_what_the_machine_code_does_itself_is_what_python_does(monkeypatch, access, offset):
    """The same stops at the same places, whether an instruction is run again inside of the engine or by a step."""

    def stops(guest):
        guest.cpu.watchpoints.insert(Watch(access, BORDER + offset, 4))
        found = []
        while not found or isinstance(found[-1][0], Watchpoint):
            found.append((guest.run(), guest.rip, guest.machine.position, guest.reg("eflags"), guest.peek(BORDER)))
        return found, guest.digest()

    def by_steps(guest):
        """With a code hook before every instruction, as far as the machine code knows."""
        told = guest.cpu.fast.hooks_at
        monkeypatch.setattr(guest.cpu.fast, "hooks_at", lambda hooked, everywhere: told(hooked, everywhere=True))
        return guest

    found = stops(Bare(engine=Engine.FAST).kernel(TOUCHING))
    assert len(found[0]) > 5 and found[0][-1][0] == Exited(0)
    assert found == stops(by_steps(Bare(engine=Engine.FAST).kernel(TOUCHING)))
    assert found == stops(Bare(engine=Engine.PORTABLE).kernel(TOUCHING))


@ENGINES
def test_a_return_to_a_missing_page_is_over_before_its_fault(engine):
    guest = Bare(engine=engine).kernel(f"movq ${BORDER:#x}, %rsp; nop; ret")
    guest.poke(BORDER, USER + 0x30)
    guest.map(USER, 0)
    guest.gate(14, KERNEL + 0x800)
    guest.machine.memory.write(KERNEL + 0x800, assemble(EXIT, KERNEL + 0x800))
    guest.cpu.watchpoints.insert(Watch(READ, BORDER, 8))
    assert guest.run() == Watchpoint(READ, BORDER, BORDER)
    assert (guest.rip, guest.machine.position.events, guest.reg("cr2")) == (USER + 0x30, 0, 0)
    assert guest.run() == Exited(0)
    assert (guest.machine.position.events, guest.reg("cr2")) == (1, USER + 0x30)


@ENGINES
@pytest.mark.parametrize("access", [READ, WRITE, ANY])
def test_an_instruction_that_faults_on_its_second_page_has_touched_nothing(engine, access):
    source = f"movq {BORDER - 4:#x}, %rax" if access is READ else f"movq %rax, {BORDER - 4:#x}"
    guest = Bare(engine=engine).kernel(f"nop; {source}; nop; {EXIT}")
    guest.map(BORDER, 0)
    guest.gate(14, KERNEL + 0x800)
    mend = f"movq ${BORDER | 3:#x}, {guest.pte_address(BORDER):#x}; addq $8, %rsp; iretq"
    guest.machine.memory.write(KERNEL + 0x800, assemble(mend, KERNEL + 0x800))
    guest.cpu.watchpoints.insert(Watch(access, BORDER - 4, 4))
    assert guest.run() == Watchpoint(access, BORDER - 4, BORDER - 4)
    assert (guest.rip, guest.machine.position.events) == (KERNEL + 9, 1)
    assert guest.run() == Exited(0)


@ENGINES
def test_watchpoints_outlast_a_load_that_faults_on_its_second_page(engine):
    load = f"movq {BORDER - 4:#x}, %rax; hlt; .org 0x800; incq {KERNEL_DATA:#x}; {EXIT}"
    guest = Bare(engine=engine).kernel(load)
    guest.map(BORDER, 0)
    guest.gate(14, KERNEL + 0x800)
    guest.cpu.watchpoints.insert(Watch(WRITE, KERNEL_DATA, 8))
    assert guest.run() == Watchpoint(WRITE, KERNEL_DATA, KERNEL_DATA)


class Translated(Block):
    """``struct block`` of native/fast.h, further than the machine reads it."""

    _fields_ = (("code", ctypes.c_uint64), ("code_size", ctypes.c_uint64))


@pytest.mark.skipif(refusal() is not None, reason=f"the fast engine: {refusal()}")
@pytest.mark.parametrize("access", [READ, WRITE, ANY])
def test_a_quiet_watchpoint_costs_nothing(access):
    """A loop on another page is translated to as much machine code: its accesses have their fast path."""
    loads = f"movq {BORDER:#x}, %rax; " * 16
    guest = Bare(engine=Engine.FAST).kernel(f"1: {loads} movq %rax, {BORDER:#x}; jmp 1b")

    def translated():
        guest.cpu.uc.ctl_flush_tb()
        assert guest.machine.run(100_000) is None
        return Translated.from_address(guest.cpu.fast._cells.refused).code_size

    plain = translated()
    guest.cpu.watchpoints.insert(Watch(access, KERNEL_DATA, 8))
    assert translated() == plain > 16 * 40

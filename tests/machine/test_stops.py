"""Breakpoints, watchpoints and single steps land where hardware would."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machine.stop import Access, Breakpoint, Exited, Interrupted, Stepped, Watchpoint
from machine.watchpoints import Watch
from tests.machine.bare import EXIT, KERNEL, KERNEL_DATA, TO_RING_3, USER, USER_DATA, Bare

LOOP = f"movl $5, %ecx; 1: incq {KERNEL_DATA:#x}; decl %ecx; jnz 1b\n" + EXIT
BODY = KERNEL + 5
DATA = KERNEL_DATA


def test_a_breakpoint_stops_before_its_instruction_every_time():
    guest = Bare().kernel(LOOP)
    guest.cpu.breakpoints.insert(BODY)
    for done in range(5):
        assert guest.run() == Breakpoint(BODY)
        assert (guest.rip, guest.peek(DATA)) == (BODY, done)
    assert guest.run() == Exited(0)


def test_a_breakpoint_on_a_jump_to_itself_hits_again():
    guest = Bare().kernel("1: jmp 1b")
    guest.cpu.breakpoints.insert(KERNEL)
    positions = []
    for _ in range(3):
        assert guest.run() == Breakpoint(KERNEL)
        positions.append(guest.machine.position.progress)
    assert positions == [0, 2, 4]


def test_a_removed_breakpoint_no_longer_stops():
    guest = Bare().kernel(LOOP)
    guest.cpu.breakpoints.insert(BODY)
    guest.run()
    guest.cpu.breakpoints.remove(BODY)
    assert guest.run() == Exited(0)


def test_two_inserts_want_two_removes():
    points = Bare().cpu.breakpoints
    points.insert(BODY)
    points.insert(BODY)
    points.remove(BODY)
    assert points.addresses() == [BODY]
    points.remove(BODY)
    with pytest.raises(KeyError):
        points.remove(BODY)


def test_a_breakpoint_where_nothing_is_mapped_yet():
    guest = Bare().kernel(LOOP)
    guest.cpu.breakpoints.insert(0xFFFFFFFF81000000)
    assert guest.run() == Exited(0)


def test_many_breakpoints_come_and_go():
    guest = Bare().kernel("nop\n" * 300 + "jmp _start")
    for address in range(KERNEL, KERNEL + 300):
        guest.cpu.breakpoints.insert(address)
        guest.machine.run(1000)
        guest.cpu.breakpoints.remove(address)
    guest.cpu.breakpoints.insert(KERNEL + 100)
    assert guest.run() == Breakpoint(KERNEL + 100)


def test_moving_rip_onto_a_breakpoint_stops_there():
    guest = Bare().kernel(LOOP)
    guest.cpu.breakpoints.insert(BODY)
    guest.run()
    guest.cpu.write_register("rip", BODY)
    assert guest.run() == Breakpoint(BODY)


def test_a_write_watchpoint_stops_right_after_a_read_modify_write():
    guest = Bare().kernel(LOOP)
    guest.cpu.watchpoints.insert(Watch(Access.WRITE, DATA, 8))
    for count in range(1, 6):
        assert guest.run() == Watchpoint(Access.WRITE, DATA, DATA)
        assert guest.peek(DATA) == count
        assert guest.rip == BODY + 8
    assert guest.run() == Exited(0)


@pytest.mark.parametrize(
    ("source", "access", "hit"),
    [
        (f"movb $1, {DATA + 3:#x}", Access.WRITE, DATA + 3),
        (f"movq $1, {DATA - 4:#x}", Access.WRITE, DATA),
        (f"movq $1, {DATA - 8:#x}; movq $1, {DATA + 4:#x}", Access.WRITE, None),
        (f"movb {DATA:#x}, %al", Access.WRITE, None),
        (f"movb {DATA:#x}, %al", Access.READ, DATA),
        (f"movb %al, {DATA:#x}", Access.READ, None),
        (f"movb {DATA:#x}, %al", Access.ANY, DATA),
        (f"movb %al, {DATA:#x}", Access.ANY, DATA),
        (f"movl ${DATA - 16:#x}, %edi; movl $32, %ecx; rep stosb", Access.WRITE, DATA),
        (f"fxsave {DATA - 256:#x}; jmp 1f; 1:", Access.WRITE, DATA),
        (f"movl ${DATA + 4:#x}, %esp; pushq $1", Access.WRITE, DATA),
    ],
)
def test_what_a_four_byte_watchpoint_sees(source, access, hit):
    guest = Bare().kernel(f"{source}\nnop\n{EXIT}")
    guest.cpu.watchpoints.insert(Watch(access, DATA, 4))
    stop = guest.run()
    assert stop == (Exited(0) if hit is None else Watchpoint(access, hit, DATA))


def test_a_watch_across_two_pages_that_lie_apart():
    guest = Bare().kernel(f"movb $1, {USER_DATA + 0x1001:#x}\n{EXIT}")
    guest.map(USER_DATA + 0x1000, 3, physical=USER_DATA + 0x8000)
    guest.cpu.watchpoints.insert(Watch(Access.WRITE, USER_DATA + 0xFFE, 8))
    assert guest.run() == Watchpoint(Access.WRITE, USER_DATA + 0x1001, USER_DATA + 0xFFE)


@pytest.mark.parametrize("hooked", [False, True])
def test_flags_survive_a_fault_and_a_watch_behind_a_breakpoint(hooked):
    """The engine loses the flags when it leaves an instruction that has a code hook; the machine mends them."""
    handler = KERNEL + 0x800
    source = (
        f"xorl %eax, %eax; subl $1, %eax; movq {USER_DATA:#x}, %rbx; movq %rbx, {DATA:#x}; pushfq; popq %rcx; hlt; "
    )
    guest = Bare().kernel(source + ".org 0x800; orq $7, (%rdi); addq $8, %rsp; iretq")
    guest.gate(14, handler)
    guest.map(USER_DATA, 0)
    guest.poke(guest.pte_address(USER_DATA), USER_DATA)
    guest.cpu.write_register("rdi", guest.pte_address(USER_DATA))
    guest.cpu.watchpoints.insert(Watch(Access.WRITE, DATA, 8))
    stops = [KERNEL + 5, KERNEL + 13] if hooked else []
    for address in stops:
        guest.cpu.breakpoints.insert(address)
    while not guest.cpu.halted:
        guest.machine.run(1000)
    assert guest.reg("rcx") & 0x8D5 == 0x95, "CF, PF, AF and SF of 0 - 1"


def test_a_delivered_frame_is_not_taken_for_a_second_hit():
    guest = Bare().kernel(LOOP)
    guest.cpu.watchpoints.insert(Watch(Access.WRITE, DATA, 8))
    guest.run()
    guest.cpu.watchpoints.remove(Watch(Access.WRITE, DATA, 8))
    assert guest.run() == Exited(0)


STEPS = {
    "iretq to ring 3": (TO_RING_3, 5, USER),
    "rep stosb: one iteration": (f"movl ${DATA:#x}, %edi; movl $3, %ecx; rep stosb", 2, KERNEL + 10),
    "mov ss holds no step back": ("movw %ss, %ax; movw %ax, %ss; nop; nop", 1, KERNEL + 5),
    "sti": ("cli; sti; nop; nop", 1, KERNEL + 2),
    "popf with TF clear": ("pushfq; popfq; nop", 1, KERNEL + 2),
    "jump": ("jmp 1f; nop; 1: nop", 0, KERNEL + 3),
    "pause": ("nop; pause; nop", 1, KERNEL + 3),
    "cpuid": ("nop; cpuid; nop", 1, KERNEL + 3),
}


@pytest.mark.parametrize("name", STEPS)
def test_one_step_is_one_instruction(name):
    source, before, after = STEPS[name]
    guest = Bare().kernel(source)
    for _ in range(before):
        assert guest.step() == Stepped()
    assert guest.step() == Stepped()
    assert guest.rip == after


@pytest.mark.parametrize("leave", ["jmp", "call", "ret", "iretq", "fall"])
def test_a_step_to_a_missing_page_ends_there_and_the_next_one_faults(leave):
    target = USER + 0x1000 - (1 if leave == "fall" else 0)
    gone = USER + 0x1000
    ways = {
        "jmp": f"movl ${target}, %eax; jmp *%rax",
        "call": f"movl ${target}, %eax; call *%rax",
        "ret": f"pushq ${target}; ret",
        "iretq": TO_RING_3.replace(f"pushq ${USER:#x}", f"pushq ${target}"),
        "fall": f"movl ${target - 1}, %eax; jmp *%rax",  # NOP, then an instruction of which one byte is there
    }
    steps = {"iretq": 6, "fall": 3}.get(leave, 2)
    guest = Bare().kernel(f"{ways[leave]}; .org 0x800; hlt")
    guest.gate(14, KERNEL + 0x800)
    guest.machine.memory.write(gone - 2, b"\x90\x01")
    guest.map(gone, 0)
    guest.step(steps)
    assert (guest.rip, guest.machine.position.events) == (target, 0)
    assert guest.reg("cr2") == 0 or leave == "fall", "the engine looked at what is behind the NOP"
    before = guest.machine.position.progress
    guest.step()
    assert (guest.rip, guest.machine.position, guest.reg("cr2")) == (KERNEL + 0x800, (before, 1), gone)


def test_stepping_through_rep_gives_the_same_clock_as_running():
    source = f"movl ${DATA:#x}, %edi; movl $3, %ecx; rep stosb; 1: jmp 1b"
    run = Bare().kernel(source)
    run.cpu.breakpoints.insert(KERNEL + 12)
    run.run()
    stepped = Bare().kernel(source)
    while stepped.rip != KERNEL + 12:
        stepped.step()
    assert run.machine.position == stepped.machine.position


def test_a_step_leaves_no_trap_flag_for_the_guest_to_see():
    guest = Bare().kernel("pushfq; popq %rax; nop")
    guest.step(2)
    assert not guest.reg("rax") & 0x100


def test_the_guest_can_single_step_itself():
    handler = KERNEL + 0x800
    guest = Bare().kernel("pushfq; orl $0x100, (%rsp); popfq; nop; nop; .org 0x800; iretq")
    guest.gate(1, handler)
    guest.cpu.breakpoints.insert(handler)
    first = KERNEL + 1 + 7 + 1 + 1
    assert guest.run() == Breakpoint(handler)
    assert guest.stack(1) == [first]
    assert guest.run() == Breakpoint(handler)
    assert guest.stack(1) == [first + 1]


def test_an_interrupt_request_stops_at_once():
    guest = Bare().kernel("1: jmp 1b")
    guest.machine.interrupt()
    assert guest.run() == Interrupted()
    assert guest.machine.run(1000) is None


def test_a_slice_ends_before_a_block_and_a_shorter_one_inside(monkeypatch):
    guest, steps = Bare().kernel("1: " + "nop; " * 30 + "jmp 1b"), []
    step = guest.cpu.step
    monkeypatch.setattr(guest.cpu, "step", lambda: steps.append(step()))
    assert guest.machine.run(1000) is None
    assert 0 < guest.machine.position.progress < 1032 and not steps
    before = guest.machine.position.progress
    assert guest.machine.run(5) is None
    assert before + 5 <= guest.machine.position.progress <= before + 32


def test_self_modifying_code_runs_as_written():
    """The store changes the instruction behind it, in the same block."""
    source = "movb $2, 1f+1(%rip); nop; 1: movb $1, %al; hlt; "
    guest = Bare().kernel(source)
    guest.run()
    assert guest.reg("rax") & 255 == 2
    stepped = Bare().kernel(source)
    while not stepped.cpu.halted:
        stepped.step()
    assert guest.machine.position == stepped.machine.position


def test_a_debugger_write_to_code_that_already_ran_counts():
    guest = Bare().kernel("1: movb $1, %al; jmp 1b")
    guest.machine.run(1000)
    guest.machine.write_linear(KERNEL + 1, b"\x07")
    guest.machine.run(1000)
    assert guest.reg("rax") & 255 == 7


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 60), max_size=30))
def test_breakpoints_and_steps_mix(moves):
    """However a loop is walked, the count of increments fits the registers."""
    guest = Bare().kernel(LOOP.replace("$5", "$1000"))
    guest.cpu.breakpoints.insert(BODY)
    for move in moves:
        if move % 2:
            guest.step(move)
        else:
            guest.run()
        done = 1000 - guest.reg("rcx") if guest.rip != KERNEL else 0
        assert guest.peek(DATA) - done in (0, 1)


def test_slices_that_end_at_a_breakpoint_told_before():
    """Coming there again is told again, wherever the run is cut."""
    bare = Bare().kernel("nop; 1: nop; nop; nop; nop; jmp 1b")
    place = KERNEL + 1
    bare.cpu.breakpoints.insert(place)
    assert bare.run() == Breakpoint(place)
    stops = [bare.machine.run(6) for _ in range(100)]  # as long as the loop
    assert stops.count(Breakpoint(place)) > 40

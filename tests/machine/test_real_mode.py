"""Real mode: delivery through the vector table, and what a debugger sees of 16-bit code."""

import hashlib

import pytest

from machine.engine.choice import Engine
from machine.stop import Access, Breakpoint, Halted, Shutdown, Stepped, Watchpoint
from machine.watchpoints import Watch
from machine.x86.mode import operating_mode
from tests.machine.sixteen import CODE, CODE_SEGMENT, SCRATCH, STACK, STACK_SEGMENT, TOP, Sixteen

HANDLER = 0x400
CF, IF, TF, AC = 1 << 0, 1 << 9, 1 << 8, 1 << 18


def to_handler(source, vector, **options):
    """Run until the handler of ``vector`` is next."""
    guest = Sixteen(source, **options)
    guest.vector(vector, HANDLER)
    guest.cpu.breakpoints.insert(CODE + HANDLER)
    assert guest.run() == Breakpoint(CODE + HANDLER)
    return guest


def test_the_state_at_entry():
    guest = Sixteen("nop")
    assert (guest.reg("cs"), guest.reg("rip"), guest.cpu.linear_pc) == (CODE_SEGMENT, 0, CODE)
    assert guest.reg("cr0") == 0x10 and not guest.reg("efer") and guest.reg("cpl") == 0
    assert operating_mode(guest.reg("cr0"), guest.reg("efer"), guest.reg("eflags"), 16).name == "real"


def test_int_pushes_three_words_and_masks():
    guest = to_handler("sti; stc; nop; int $0x80", 0x80)
    assert guest.frame() == [5, CODE_SEGMENT, 0x2 | IF | CF]
    assert guest.reg("rsp") == TOP - 6
    assert (guest.reg("cs"), guest.reg("rip")) == (CODE_SEGMENT, HANDLER)
    assert not guest.reg("eflags") & (IF | TF)


def test_the_handler_may_lie_in_another_segment():
    guest = Sixteen("int $0x21")
    guest.vector(0x21, 0x10, 0x3456)
    guest.cpu.breakpoints.insert(0x34570)
    assert guest.run() == Breakpoint(0x34570)
    assert (guest.reg("cs"), guest.reg("rip"), guest.cpu.linear_pc) == (0x3456, 0x10, 0x34570)


def test_iret_returns_behind_the_int():
    guest = Sixteen("int $0x80\nmovw %ax, %bx\ncli\nhlt\n.org 0x400\nmovw $7, %ax\niret")
    guest.vector(0x80, HANDLER)
    assert guest.run() == Halted(CODE + 6)
    assert guest.reg("rbx") == 7 and guest.reg("rsp") == TOP


@pytest.mark.parametrize(
    ("source", "vector", "ip"),
    [
        ("nop; xorw %cx, %cx; divw %cx", 0, 3),
        ("nop; int3", 3, 2),
        ("movb $0x7f, %al; incb %al; into", 4, 5),
        ("nop; ud2", 6, 1),
        ("nop; .byte 0x0f, 0x05", 6, 1),  # SYSCALL
        ("nop; int $0x0d", 13, 3),  # INT n never has an error code, nor has anything here
        (".byte 0x0f, 0x34", 13, 0),  # SYSENTER
    ],
)
def test_exceptions_have_no_error_code(source, vector, ip):
    guest = to_handler(source, vector)
    assert guest.frame()[:2] == [ip, CODE_SEGMENT]
    assert guest.reg("rsp") == TOP - 6


def lidt(limit):
    return f"movw ${limit:#x}, {SCRATCH}; movl $0, {SCRATCH + 2}; lidt {SCRATCH}; "


def test_a_vector_beyond_the_table_is_gp_at_the_instruction():
    guest = to_handler(lidt(0x7F) + "1: int $0x20; .org 0x300; 2: nop", 13)
    ip, segment, _ = guest.frame()
    assert guest.machine.read_linear(CODE + ip, 2) == b"\xcd\x20" and segment == CODE_SEGMENT


def test_the_last_vector_of_the_table_is_in_it():
    assert to_handler(lidt(0x7F) + "int $0x1f", 0x1F).reg("rip") == HANDLER


def test_without_a_vector_for_gp_it_becomes_a_double_fault():
    assert to_handler(lidt(0x23) + "int $0x20", 8).frame()[1] == CODE_SEGMENT


def test_without_a_vector_for_a_double_fault_it_shuts_down():
    stop = Sixteen(lidt(0x1F) + "int $0x20").run()
    assert isinstance(stop, Shutdown)
    assert [link.vector for link in stop.chain] == [0x20, 13, 13, 8, 13]
    assert "beyond the IVT limit" in stop.chain[1].reason


def test_a_frame_wraps_round_the_stack_segment():
    guest = to_handler("int $0x80", 0x80, sp=2)
    assert guest.reg("rsp") == 0xFFFC
    assert guest.peek(STACK) & 2 and guest.peek(STACK + 0xFFFE) == CODE_SEGMENT and guest.peek(STACK + 0xFFFC) == 2


def test_the_upper_half_of_esp_stays():
    assert to_handler("movl $0x12348000, %esp; int $0x80", 0x80).reg("rsp") == 0x12347FFA


def test_a_word_across_the_segments_end_shuts_down():
    guest = Sixteen("int $0x80", sp=1)
    stop = guest.run()
    assert isinstance(stop, Shutdown)
    assert [link.vector for link in stop.chain] == [0x80, 12, 12, 8, 12]
    assert "does not fit the stack" in stop.chain[1].reason


def test_stepping_shows_every_instruction():
    source = """
        movw $2, %cx
        movw %ss, %ax
        movw %ax, %ss
        incw %ax
        movw $0x100, %si
        movw $0x200, %di
        rep movsb
        movl $0x12345678, %ebx
        sti
        int $0x80
        .org 0x400
        iret
    """
    guest = Sixteen(source)
    guest.vector(0x80, HANDLER)
    places = []
    while not places or places[-1] != HANDLER:
        assert guest.machine.step() == Stepped()
        places.append(guest.reg("rip"))
    # rep movsb stays in place for each pass and one more
    assert places == [3, 5, 7, 8, 11, 14, 14, 14, 16, 22, 23, HANDLER]
    guest.machine.step()
    assert guest.reg("rip") == 25


def test_rex_bytes_are_inc_and_dec():
    """0x40-0x4F before a REP would be a prefix in 64-bit code; here it is an instruction of its own."""
    guest = Sixteen(".byte 0x41, 0xf3, 0xa4, 0x48; cli; hlt")
    guest.machine.step()
    assert (guest.reg("rip"), guest.reg("rcx")) == (1, 1)
    guest.run()
    assert guest.reg("rax") == 0xFFFF and guest.reg("rcx") == 0 and guest.reg("rsi") == 1


def test_a_watchpoint_tells_linear_addresses():
    guest = Sixteen(f"nop; movw $1, {SCRATCH}; nop; hlt")
    guest.cpu.watchpoints.insert(Watch(Access.WRITE, STACK + SCRATCH, 2))
    assert guest.run() == Watchpoint(Access.WRITE, STACK + SCRATCH, STACK + SCRATCH)
    assert guest.reg("rip") == 7


def test_writing_a_segment_register_moves_its_base():
    guest = Sixteen("nop")
    guest.cpu.write_register("ds", 0x1234)
    guest.cpu.write_register("cs", 0x3000)
    guest.cpu.write_register("rip", 0x10)
    assert guest.cpu.linear_pc == 0x30010
    assert [guest.reg(name) for name in ("ds", "ss")] == [0x1234, STACK_SEGMENT]


def test_addresses_above_a_megabyte_do_not_wrap():
    """Line A20 is on, as the firmware of every PC of this century leaves it."""
    guest = Sixteen("movw $0xffff, %ax; movw %ax, %es; movw $0xbeef, %es:0x20; cli; hlt")
    guest.run()
    assert guest.peek(0x100010) == 0xBEEF


TO_PROTECTED = f"""
    cli
    movw $0x1000, %ax
    movw %ax, %ds
    lgdtl gdtr - {CODE}
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
"""
GDT = f"""
gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00009b010000ffff
gdtr: .word 31
    .long {CODE} + (gdt - {CODE})
"""


def test_into_protected_mode_and_back_as_unreal_mode():
    source = f"""
        {TO_PROTECTED}
        movw $0x10, %bx
        movw %bx, %fs
        andb $0xfe, %al
        movl %eax, %cr0
        movl $0x200000, %esi
        movl $0xcafef00d, %fs:(%esi)
        int $0x80
        {GDT}
    """
    guest = to_handler(source, 0x80)
    assert guest.machine.memory.read(0x200000, 4) == bytes.fromhex("0df0feca")
    assert guest.reg("cs") == CODE_SEGMENT and guest.frame()[1] == CODE_SEGMENT


def test_one_session_from_real_to_32_bit_code():
    source = f"""
        {TO_PROTECTED}
        ljmpl $8, $wide
        .code32
    wide: movl $0x11223344, %eax
        movl %eax, 0x300000
        hlt
        {GDT}
    """
    guest = Sixteen(source)
    while guest.reg("cs") != 8:
        assert guest.machine.step() == Stepped()
    assert guest.cpu.linear_pc == guest.reg("rip") > CODE
    assert operating_mode(guest.reg("cr0"), guest.reg("efer"), guest.reg("eflags"), 32).name == "32-bit protected"
    guest.machine.step()
    assert guest.reg("rax") == 0x11223344


TIMER = """
    cli
    movb $0x11, %al; outb %al, $0x20
    movb $0x20, %al; outb %al, $0x21
    movb $4, %al; outb %al, $0x21
    movb $1, %al; outb %al, $0x21
    movb $0xfe, %al; outb %al, $0x21
    movb $0x34, %al; outb %al, $0x43
    movb $37, %al; outb %al, $0x40
    movb $0, %al; outb %al, $0x40
    sti
1:  incl %ebx
    movw %bx, %di
    andw $0xfff, %di
    addw %bx, 0x3000(%di)
    imull $1103515245, %ebx, %edx
    testb $1, %bl
    jz 2f
    movw $5, %cx
    movw $0x5000, %di
    rep stosb
2:  cmpw $200, 0x2ffe
    jb 1b
    cli
    hlt
    .org 0x400
    pushw %ax
    incw 0x2ffe
    movb $0x20, %al; outb %al, $0x20
    popw %ax
    iret
"""


def run_timer(advance, **options):
    guest = Sixteen(TIMER, **options)
    guest.vector(0x20, HANDLER)
    while not isinstance(stop := advance(guest.machine), Halted):
        assert stop is None or stop == Stepped()
    state = " ".join(f"{guest.reg(name):x}" for name in ("rax", "rbx", "rcx", "rdx", "rdi", "rsp", "rip", "eflags"))
    ram = hashlib.sha256(bytes(guest.machine.memory.ram)).hexdigest()
    return guest.machine.position, guest.machine.clock.now(), state, ram, guest.peek(STACK + 0x2FFE)


def in_bursts(machine):
    """Odd chunks, each with single steps behind it."""
    machine.run(977)
    for _ in range(3):
        stop = machine.step()
        if isinstance(stop, Halted):
            return stop
    return None


def test_a_run_with_timer_interrupts_is_one_however_it_is_cut():
    whole = run_timer(lambda machine: machine.run())
    assert whole[-1] == 200, "the timer interrupted 200 times"
    assert run_timer(lambda machine: machine.run(777)) == whole
    assert run_timer(lambda machine: machine.run(13_001)) == whole
    assert run_timer(in_bursts) == whole
    assert run_timer(lambda machine: machine.run(), engine=Engine.PLAIN) == whole


def test_a_run_of_single_steps_is_the_same_run():
    short = TIMER.replace("$200", "$4")

    def run(advance):
        guest = Sixteen(short)
        guest.vector(0x20, HANDLER)
        while not isinstance(advance(guest.machine), Halted):
            pass
        return guest.machine.position, guest.reg("rbx"), guest.reg("rdx"), bytes(guest.machine.memory.ram[:0x40000])

    assert run(lambda machine: machine.step()) == run(lambda machine: machine.run())

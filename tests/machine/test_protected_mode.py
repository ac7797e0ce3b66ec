"""Protected mode without IA-32e: gates of 16 and 32 bits, stacks of the TSS, virtual-8086 mode, what they refuse."""

import pytest

from machine.engine.state import CS, HF_ADDSEG, HF_CS32, HF_SS32
from tests.machine.flat32 import (
    CODE,
    GDT,
    HANDLER,
    KERNEL_CS,
    KERNEL_DS,
    RING0_STACK,
    RING1_STACK,
    SMALL,
    STACK,
    TO_RING_3,
    TSS,
    USER,
    USER_CS,
    USER_DS,
    USER_STACK,
    Flat32,
    digest,
    fault_chain,
    stopped,
)

IF, IOPL, NT, RF, VM = 1 << 9, 3 << 12, 1 << 14, 1 << 16, 1 << 17

INTERRUPT_16, TRAP_16, INTERRUPT_32, TRAP_32, TASK = 6, 7, 14, 15, 5


@pytest.mark.parametrize(("kind", "masked"), [(INTERRUPT_32, True), (TRAP_32, False)])
def test_within_ring_0_the_stack_stays(kind, masked):
    guest = Flat32("sti; nop; int $0x80")
    guest.gate(0x80, HANDLER, kind=kind)
    stopped(guest)
    assert guest.frame(3) == [CODE + 4, KERNEL_CS, 0x202]
    assert guest.reg("rsp") == STACK - 12
    assert bool(guest.reg("eflags") & IF) != masked
    assert digest(guest) == HF_CS32 | HF_SS32


@pytest.mark.parametrize("kind", [INTERRUPT_32, TRAP_32])
def test_from_ring_3_the_stack_comes_from_the_tss(kind):
    guest = Flat32(TO_RING_3, "nop; int $0x80")
    guest.gate(0x80, HANDLER, kind=kind, dpl=3)
    stopped(guest)
    assert guest.frame(5) == [USER + 3, USER_CS, 0x202, USER_STACK, USER_DS]
    assert (guest.reg("cs"), guest.reg("ss"), guest.reg("cpl")) == (KERNEL_CS, KERNEL_DS, 0)
    assert guest.reg("rsp") == RING0_STACK - 20
    assert digest(guest) == HF_CS32 | HF_SS32


def test_iret_goes_back_to_ring_3():
    guest = Flat32(TO_RING_3 + ".org 0x800\niretl", "int $0x80; nop")
    guest.gate(0x80, HANDLER, dpl=3)
    stopped(guest, USER + 2)
    assert (guest.reg("cs"), guest.reg("ss"), guest.reg("rsp")) == (USER_CS, USER_DS, USER_STACK)


def test_16_bit_gates_push_16_bit_words():
    guest = Flat32("int $0x80")
    guest.gate(0x80, 0x12340400, kind=TRAP_16, selector=0x30)
    stopped(guest, SMALL + 0x400)
    assert guest.frame(3, size=2) == [CODE + 2 & 0xFFFF, KERNEL_CS, 2]
    assert guest.reg("rsp") == STACK - 6
    assert guest.reg("rip") == 0x400, "a 16-bit gate has a 16-bit offset"
    assert digest(guest) == HF_SS32 | HF_ADDSEG


def test_a_16_bit_tss_has_a_16_bit_stack():
    guest = Flat32(TO_RING_3, "int $0x80", tss=0x80)
    guest.poke(TSS + 2, 0x8000, 2)
    guest.poke(TSS + 4, 0x38, 2)
    guest.gate(0x80, 0x400, kind=INTERRUPT_16, selector=0x30, dpl=3)
    stopped(guest, SMALL + 0x400)
    assert guest.frame(5, size=2) == [USER + 2 & 0xFFFF, USER_CS, 0x202, USER_STACK & 0xFFFF, USER_DS]
    assert (guest.reg("ss"), guest.reg("rsp")) == (0x38, 0x8000 - 10)
    assert digest(guest) == HF_ADDSEG


def test_a_32_bit_gate_onto_a_16_bit_stack_wraps_in_it():
    guest = Flat32(TO_RING_3, "int $0x80")
    guest.poke(TSS + 4, 0xABCD0008)
    guest.poke(TSS + 8, 0x38)
    guest.gate(0x80, HANDLER, dpl=3)
    stopped(guest)
    assert guest.reg("rsp") == 0xABCDFFF4
    assert guest.peek(SMALL + 4) == USER_DS and guest.peek(SMALL + 0xFFF4) == USER + 2
    assert digest(guest) == HF_CS32 | HF_ADDSEG, "the stack has a base"


def test_code_of_16_bits_runs_and_returns():
    guest = Flat32("movl $5, %eax; int $0x80; nop")
    guest.machine.memory.write(SMALL + 0x400, bytes.fromhex("40 66 cf"))  # inc %ax; iretl
    guest.gate(0x80, 0x400, selector=0x30)
    stopped(guest, CODE + 7)
    assert guest.reg("rax") == 6 and guest.reg("rsp") == STACK


def test_conforming_code_keeps_ring_and_stack():
    guest = Flat32(TO_RING_3, "int $0x80")
    guest.gate(0x80, HANDLER, selector=0x40, dpl=3)
    stopped(guest)
    assert guest.frame(3) == [USER + 2, USER_CS, 0x202]
    assert (guest.reg("cs"), guest.reg("cpl"), guest.reg("rsp")) == (0x43, 3, USER_STACK - 12)


def test_ring_1_has_a_stack_of_its_own():
    guest = Flat32(TO_RING_3, "int $0x80")
    guest.gate(0x80, HANDLER, selector=0x48, dpl=3)
    stopped(guest)
    assert (guest.reg("cs"), guest.reg("ss"), guest.reg("cpl")) == (0x49, 0x51, 1)
    assert guest.reg("rsp") == RING1_STACK - 20


@pytest.mark.parametrize(
    ("user", "vector", "code", "offset"),
    [
        ("cli", 13, 0, 0),
        ("hlt", 13, 0, 0),
        ("movl %cr0, %eax", 13, 0, 0),
        ("movw $0x10, %ax; movw %ax, %ds", 13, 0x10, 4),
        ("movw $0x63, %ax; movw %ax, %ds", 13, 0x60, 4),
        ("nop; int $0x30", 13, 0x30 * 8 + 2, 1),
        ("ud2", 6, None, 0),
        ("xorl %ecx, %ecx; divl %ecx", 0, None, 2),
        ("int3", 3, None, 1),
    ],
)
def test_faults_of_ring_3(user, vector, code, offset):
    guest = Flat32(TO_RING_3, user)
    guest.gate(0x30, HANDLER)
    guest.gate(vector, HANDLER, dpl=3)
    stopped(guest)
    frame = guest.frame(4)
    assert code is None or frame.pop(0) == code
    assert frame[:2] == [USER + offset, USER_CS]
    assert bool(frame[2] & RF) == (vector != 3)


def test_flags_that_delivery_clears():
    guest = Flat32("pushl $0x4202; popfl; int $0x80")
    guest.gate(0x80, HANDLER, kind=TRAP_32)
    stopped(guest)
    assert guest.frame(3)[2] == IF | NT | 2
    assert guest.reg("eflags") == IF | 2


@pytest.mark.parametrize(
    ("gate", "vector", "code", "reason"),
    [
        ({"present": 0}, 11, 0x402, "not present"),
        ({"kind": 12}, 13, 0x402, "type 0xc"),
        ({"kind": 9}, 13, 0x402, "type 0x9"),
        ({"selector": 0}, 13, 0, "no descriptor"),
        ({"selector": 0x10}, 13, 0x10, "not a code segment"),
        ({"selector": 0x18}, 13, 0x18, "not a code segment with DPL <= 0"),
        ({"selector": 0x58}, 11, 0x58, "not present"),
        ({"selector": 0x4000}, 13, 0x4000, "no descriptor"),
        ({"selector": 0x0C}, 13, 0x0C, "no descriptor"),
        ({"selector": 0x70}, 13, 0, "beyond CS's limit"),
    ],
)
def test_a_broken_gate_raises_the_fault_that_the_manual_says(gate, vector, code, reason):
    guest = Flat32("nop; int $0x80")
    guest.gate(0x80, HANDLER, **gate)
    second = fault_chain(guest)[1]
    assert (second.vector, second.error_code, second.address) == (vector, code, CODE + 1)
    assert reason in second.reason


def test_an_exception_sets_ext_in_the_error_code():
    guest = Flat32("ud2")
    guest.gate(6, HANDLER, selector=0x58)
    assert fault_chain(guest)[1].error_code == 0x59


def test_a_vector_beyond_the_table():
    guest = Flat32("int $0x80")
    guest.cpu.state.load()
    guest.cpu.state.front.idt.limit = 0x403
    guest.cpu.state.store()
    assert fault_chain(guest)[1][:2] == (13, 0x402)


@pytest.mark.parametrize(
    ("selector", "vector", "code"),
    [
        (0, 10, 0),
        (3, 10, 0),
        (0x11, 10, 0x10),
        (0x20, 10, 0x20),
        (0x08, 10, 0x08),
        (0x68, 10, 0x68),
        (0x1000, 10, 0x1000),
        (0x60, 12, 0x60),
    ],
)
def test_a_bad_stack_selector_in_the_tss(selector, vector, code):
    guest = Flat32(TO_RING_3, "int $0x80")
    guest.poke(TSS + 8, selector)
    guest.gate(0x80, HANDLER, dpl=3)
    second = fault_chain(guest)[1]
    assert (second.vector, second.error_code) == (vector, code)


def test_a_short_tss_is_ts():
    guest = Flat32(TO_RING_3, "int $0x80")
    guest.set_tr(0x28, limit=8)
    guest.gate(0x80, HANDLER, dpl=3)
    second = fault_chain(guest)[1]
    assert (second.vector, second.error_code) == (10, 0x28)


@pytest.mark.parametrize(("esp", "fits"), [(12, True), (8, False), (16, False)])
def test_the_stack_segments_limit(esp, fits):
    """A segment of 12 bytes holds a frame of three words and no more."""
    guest = Flat32(f"movw $0x78, %ax; movw %ax, %ss; movl ${esp}, %esp; int $0x80")
    guest.gate(0x80, HANDLER)
    if fits:
        assert stopped(guest).reg("rsp") == 0
    else:
        second = fault_chain(guest)[1]
        assert (second.vector, second.error_code) == (12, 0)


@pytest.mark.parametrize(("esp", "fits"), [(STACK + 12, True), (STACK + 8, False)])
def test_an_expand_down_stack_ends_above_its_limit(esp, fits):
    guest = Flat32(f"movw $0x88, %ax; movw %ax, %ss; movl ${esp}, %esp; int $0x80")
    guest.gate(0x80, HANDLER)
    if fits:
        assert stopped(guest).reg("rsp") == STACK
    else:
        assert fault_chain(guest)[1].vector == 12


def test_the_new_stacks_limit_is_checked_too():
    guest = Flat32(TO_RING_3, "int $0x80")
    guest.poke(TSS + 4, 12)
    guest.poke(TSS + 8, 0x78)
    guest.gate(0x80, HANDLER, dpl=3)
    second = fault_chain(guest)[1]
    assert (second.vector, second.error_code) == (12, 0x78)


def test_a_double_fault_has_its_gate():
    guest = Flat32("ud2")
    guest.gate(6, HANDLER, present=0)
    guest.gate(11, HANDLER, present=0)
    guest.gate(8, HANDLER)
    assert stopped(guest).frame(2) == [0, CODE]


def test_a_task_gate_is_refused_in_words():
    guest = Flat32("int $0x80")
    guest.gate(0x80, 0, kind=TASK, selector=0x28)
    assert "task switches are not modelled" in fault_chain(guest)[-1].reason


def test_a_local_table_holds_handlers_too():
    guest = Flat32("int $0x80")
    guest.cpu.state.load()
    ldt = guest.cpu.state.front.ldt
    ldt.selector, ldt.base, ldt.limit = 0x98, GDT, 0x97
    guest.cpu.state.store()
    guest.gate(0x80, HANDLER, selector=0x0C)
    assert stopped(guest).reg("cs") == 0x0C


def test_bases_of_data_segments_are_used_in_the_handler():
    """A handler in flat code still adds the base that DS has."""
    source = "movw $0x38, %ax; movw %ax, %ds; int $0x80; nop; .org 0x800; movl $7, 0x40; iretl"
    guest = Flat32(source)
    guest.gate(0x80, HANDLER)
    stopped(guest, CODE + 8)
    assert guest.peek(SMALL + 0x40) == 7
    guest.cpu.state.load()
    assert guest.cpu.state.front.segs[CS].base == 0


PAGED = """
    movl $0x40000, %edi
    movl $0x87, %eax
1:  movl %eax, (%edi)
    addl $0x400000, %eax
    addl $4, %edi
    cmpl $0x40010, %edi
    jb 1b
    movl $0x40000, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x10, %eax
    movl %eax, %cr4
    movl %cr0, %eax
    orl $0x80010000, %eax
    movl %eax, %cr0
"""


def test_page_faults_with_two_level_paging():
    guest = Flat32(PAGED + TO_RING_3, "movl $1, 0x5000000")
    guest.gate(14, HANDLER)
    stopped(guest)
    assert guest.frame(3) == [6, USER, USER_CS]
    assert guest.reg("cr2") == 0x5000000


def test_a_frame_of_ring_3_itself_is_a_user_access():
    """Conforming code keeps ring 3, whose stack is on a page that is not there."""
    guest = Flat32(PAGED + TO_RING_3, "movl $0x5000000, %esp; int $0x80")
    guest.gate(0x80, HANDLER, selector=0x40, dpl=3)
    guest.gate(14, HANDLER + 0x100)
    stopped(guest, HANDLER + 0x100)
    assert guest.frame(2) == [6, USER + 5]
    assert guest.reg("cr2") == 0x4FFFFFC


def test_protected_mode_without_a_table_shuts_down_with_the_chain():
    guest = Flat32("ud2")
    assert [link.vector for link in fault_chain(guest)] == [6, 13, 13, 8, 13]

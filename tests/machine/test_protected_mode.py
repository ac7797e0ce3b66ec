"""Protected mode without IA-32e: gates of 16 and 32 bits, stacks of the TSS, virtual-8086 mode, what they refuse."""

import pytest
from flat32 import (
    CODE,
    GDT,
    KERNEL_CS,
    KERNEL_DS,
    RING0_STACK,
    RING1_STACK,
    SMALL,
    STACK,
    TO_RING_3,
    TSS,
    TSS_SELECTOR,
    USER,
    USER_CS,
    USER_DS,
    USER_STACK,
    Flat32,
)

from machine.engine.state import CS, HF_ADDSEG, HF_CPL, HF_CS32, HF_CS64, HF_SS32
from machine.stop import Breakpoint, Shutdown

HANDLER = CODE + 0x800
IF, IOPL, NT, RF, VM = 1 << 9, 3 << 12, 1 << 14, 1 << 16, 1 << 17

INTERRUPT_16, TRAP_16, INTERRUPT_32, TRAP_32, TASK = 6, 7, 14, 15, 5


def stopped(guest, address=HANDLER):
    guest.cpu.breakpoints.insert(address)
    assert guest.run() == Breakpoint(address)
    return guest


def digest(guest):
    """The engine's view of the mode."""
    guest.cpu.state.load()
    return guest.cpu.state.front.hflags & (HF_CPL | HF_CS32 | HF_SS32 | HF_ADDSEG | HF_CS64)


def fault_chain(guest):
    """Vectors, error codes and reasons of a shutdown."""
    stop = guest.run()
    assert isinstance(stop, Shutdown)
    return stop.chain


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


VM86_SEGMENT, VM86_STACK = 0x2000, 0x5000


def vm86(code, *, iopl=3, selector=KERNEL_CS, kind=INTERRUPT_32, vector=0x80, dpl=3):
    """A guest that enters virtual-8086 mode at 2000:0000 to run some bytes of code."""
    flags = VM | iopl << 12 | 0x202
    segments = "".join(f"pushl ${value:#x}\n" for value in (0x4444, 0x3333, 0x2222, 0x1111, VM86_STACK, 0xFF0))
    guest = Flat32(f"{segments} pushl ${flags:#x}; pushl ${VM86_SEGMENT:#x}; pushl $0; iretl")
    guest.machine.memory.write(VM86_SEGMENT << 4, code)
    guest.gate(vector, HANDLER, dpl=dpl, selector=selector, kind=kind)
    return guest


def test_from_virtual_8086_mode_all_segments_are_pushed_and_nulled():
    guest = stopped(vm86(bytes.fromhex("90 cd 80")))
    frame = guest.frame(9)
    assert frame[:2] == [3, VM86_SEGMENT] and frame[2] == VM | IOPL | 0x202
    assert frame[3:] == [0xFF0, VM86_STACK, 0x1111, 0x2222, 0x3333, 0x4444]
    assert [guest.reg(name) for name in ("ds", "es", "fs", "gs")] == [0] * 4
    assert not guest.reg("eflags") & VM and guest.reg("cpl") == 0 and guest.reg("ss") == KERNEL_DS
    assert digest(guest) == HF_CS32 | HF_SS32


def test_virtual_8086_mode_runs_at_cs_ip():
    guest = vm86(bytes.fromhex("40 90"))
    stopped(guest, (VM86_SEGMENT << 4) + 1)
    assert (guest.reg("rip"), guest.reg("cs"), guest.reg("rax")) == (1, VM86_SEGMENT, 1)


def test_a_debugger_loads_segments_as_virtual_8086_mode_does():
    guest = vm86(bytes.fromhex("40 90"))
    stopped(guest, VM86_SEGMENT << 4)
    guest.cpu.write_register("cs", 0x2001)
    assert guest.cpu.linear_pc == (VM86_SEGMENT << 4) + 16
    guest.cpu.write_register("es", 0x1234)
    assert guest.reg("es") == 0x1234


def test_int_with_low_iopl_is_gp_in_virtual_8086_mode():
    guest = stopped(vm86(bytes.fromhex("90 cd 80"), iopl=0, vector=13))
    assert guest.frame(3) == [0, 1, VM86_SEGMENT]


def test_an_exception_in_virtual_8086_mode():
    guest = stopped(vm86(bytes.fromhex("0f 0b"), vector=6, dpl=0))
    assert guest.frame(2) == [0, VM86_SEGMENT]


def test_ports_in_virtual_8086_mode_follow_the_bitmap_whatever_iopl_says():
    guest = vm86(bytes.fromhex("90 e6 80"), vector=13, dpl=0)
    assert stopped(guest).frame(3) == [0, 1, VM86_SEGMENT]
    allowed = vm86(bytes.fromhex("90 e6 80 90"))
    allowed.set_tr(TSS_SELECTOR, limit=0x167)
    allowed.poke(TSS + 0x66, 0x68, 2)
    stopped(allowed, (VM86_SEGMENT << 4) + 3)


@pytest.mark.parametrize("selector", [0x40, 0x48])
def test_virtual_8086_mode_goes_to_ring_0_alone(selector):
    second = fault_chain(vm86(bytes.fromhex("cd 80"), selector=selector))[1]
    assert (second.vector, second.error_code) == (13, selector)
    assert "VM is set" in second.reason


def test_iret_to_virtual_8086_mode_and_back_keeps_the_program():
    guest = vm86(bytes.fromhex("40 cd 80 40 90"))
    guest.machine.memory.write(HANDLER, b"\xcf")
    stopped(guest, (VM86_SEGMENT << 4) + 4)
    assert guest.reg("rax") == 2
    assert [guest.reg(name) for name in ("es", "ds", "fs", "gs")] == [0x1111, 0x2222, 0x3333, 0x4444]


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

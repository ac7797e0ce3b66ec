"""Delivery of exceptions and interrupts: what the handler finds, and what happens when delivery faults."""

import pytest

from machine.stop import Breakpoint, Halted, Shutdown
from tests.machine.bare import (
    IST1,
    KERNEL,
    KERNEL_CS,
    KERNEL_STACK,
    RSP0,
    TO_RING_3,
    USER,
    USER_CS,
    USER_DATA,
    USER_DS,
    USER_STACK,
    Bare,
    P,
    U,
    W,
)

HANDLER = KERNEL + 0x800
RF = 1 << 16


@pytest.fixture
def guest():
    return Bare()


def user_guest(guest, source, *, vector, **gate):
    """Enter ring 3, run ``source`` and stop at the handler of ``vector``."""
    guest.kernel(TO_RING_3).user(source)
    guest.gate(vector, HANDLER, **gate)
    guest.cpu.breakpoints.insert(HANDLER)
    assert guest.run() == Breakpoint(HANDLER)
    return guest


def test_int_from_ring_3_pushes_the_frame_on_rsp0(guest):
    user_guest(guest, "nop; int $0x80", vector=0x80, dpl=3)
    assert guest.stack(5) == [USER + 3, USER_CS, 0x202, USER_STACK, USER_DS]
    assert guest.reg("rsp") == RSP0 - 40
    assert (guest.reg("cs"), guest.reg("ss"), guest.reg("cpl")) == (KERNEL_CS, 0, 0)
    assert not guest.reg("eflags") & 0x200, "an interrupt gate clears IF"


def test_trap_gate_leaves_interrupts_enabled(guest):
    user_guest(guest, "int $0x80", vector=0x80, dpl=3, kind=15)
    assert guest.reg("eflags") & 0x200


def test_int_from_ring_0_keeps_the_stack_and_aligns_it(guest):
    guest.kernel("subq $8, %rsp; int $0x80").gate(0x80, HANDLER)
    guest.cpu.breakpoints.insert(HANDLER)
    guest.run()
    assert guest.reg("rsp") == KERNEL_STACK - 16 - 40
    assert guest.stack(5) == [KERNEL + 6, KERNEL_CS, 0x2 | guest.stack(3)[2], KERNEL_STACK - 8, 0x18]


def test_int_through_a_privileged_gate_is_gp_at_the_instruction(guest):
    user_guest(guest, "nop; int $0x30", vector=13)
    assert guest.stack(3) == [0x30 * 8 + 2, USER + 1, USER_CS]


@pytest.mark.parametrize(
    ("source", "vector", "code", "offset"),
    [
        ("cli", 13, 0, 0),
        ("hlt", 13, 0, 0),
        ("movq %cr3, %rax", 13, 0, 0),
        ("rdmsr", 13, 0, 0),
        ("movw $0x10, %ax; movw %ax, %ds", 13, 0x10, 4),
        ("movq $0x800000000000, %rax; movq (%rax), %rax", 13, 0, 10),
        ("ud2", 6, None, 0),
        ("xorl %ecx, %ecx; divl %ecx", 0, None, 2),
    ],
)
def test_faults_of_ring_3(guest, source, vector, code, offset):
    user_guest(guest, source, vector=vector)
    frame = guest.stack(6)
    if code is not None:
        assert frame.pop(0) == code
    assert frame[0] == USER + offset
    assert frame[2] & RF, "a fault's frame has RF set"


def test_int3_is_a_trap_behind_the_instruction(guest):
    user_guest(guest, "nop; int3", vector=3, dpl=3)
    assert guest.stack(1) == [USER + 2]
    assert not guest.stack(3)[2] & RF


@pytest.mark.parametrize(
    ("source", "flags", "code"),
    [
        (f"movq {USER_DATA:#x}, %rax", 0, 4),
        (f"movq %rax, {USER_DATA:#x}", 0, 6),
        (f"movq %rax, {USER_DATA:#x}", P | U, 7),
        (f"movq {USER_DATA:#x}, %rax", P | W, 5),
        (f"movq {USER_DATA:#x}, %rax", P | U | 1 << 45, 0xD),
        (f"jmp {USER_DATA:#x}", P | W | U | 1 << 63, 0x15),
    ],
)
def test_page_fault_error_codes(guest, source, flags, code):
    guest.map(USER_DATA, flags)
    user_guest(guest, source, vector=14)
    assert guest.stack(1) == [code]
    assert guest.reg("cr2") == USER_DATA


def test_many_page_faults_in_a_row_stay_page_faults(guest):
    """The engine remembers the last exception for ever; without care the second would become #DF."""
    guest.map(USER_DATA, 0)
    guest.kernel(TO_RING_3 + f".org 0x800\nincq {RSP0 - 0x100:#x}\naddq $8, %rsp\naddq $8, (%rsp)\niretq")
    guest.user(f"movq {USER_DATA:#x}, %rax;" * 5 + "1: jmp 1b").gate(14, HANDLER)
    guest.cpu.breakpoints.insert(USER + 40)
    guest.run()
    assert guest.peek(RSP0 - 0x100) == 5


def test_an_instruction_across_a_missing_page_faults_at_its_own_address(guest):
    boundary = USER + 0x1000
    guest.map(boundary, 0)
    guest.kernel(TO_RING_3.replace(f"{USER:#x}", f"{boundary - 6:#x}")).user(
        ".org 0xffa\nnop; nop; nop; movabsq $1, %rax"
    )
    guest.gate(14, HANDLER)
    guest.cpu.breakpoints.insert(HANDLER)
    guest.run()
    assert guest.stack(2) == [0x14, boundary - 3]
    assert guest.reg("cr2") == boundary


def test_double_fault_goes_through_its_ist(guest):
    """A #PF whose frame cannot be pushed becomes #DF on a stack of its own."""
    guest.map(RSP0 - 0x1000, 0)
    guest.map(USER_DATA, 0)
    guest.gate(14, KERNEL + 0x900)
    user_guest(guest, f"movq {USER_DATA:#x}, %rax", vector=8, ist=1)
    assert guest.reg("rsp") == IST1 - 48
    assert guest.stack(3) == [0, USER, USER_CS]


def test_triple_fault_tells_the_chain(guest):
    guest.kernel(TO_RING_3).user("ud2")
    stop = guest.run()
    assert isinstance(stop, Shutdown)
    assert [link.vector for link in stop.chain] == [6, 13, 13, 8, 13], "#UD is benign, #GP is not"
    assert stop.chain[0].address == USER == guest.rip
    assert "64-bit gate" in stop.chain[1].reason


def test_a_shut_down_machine_stays_so(guest):
    guest.kernel("ud2")
    first = guest.run()
    assert isinstance(first, Shutdown)
    assert guest.run() == first == guest.step()


@pytest.mark.parametrize(
    ("gate", "vector", "reason"),
    [
        ({"present": 0}, 11, "not present"),
        ({"kind": 5}, 13, "type 0x5"),
        ({"selector": 0}, 13, "no descriptor"),
        ({"selector": 0x18}, 13, "not a 64-bit code segment"),
        ({"selector": 0x48}, 13, "not a 64-bit code segment"),
        ({"selector": 0x100}, 13, "no descriptor"),
        ({"selector": 0x20}, 13, "not a 64-bit code segment"),
    ],
)
def test_a_broken_gate_raises_the_fault_that_the_manual_says(guest, gate, vector, reason):
    guest.kernel("ud2").gate(6, HANDLER, **gate)
    stop = guest.run()
    assert isinstance(stop, Shutdown)
    assert stop.chain[1].vector == vector
    assert reason in stop.chain[1].reason


def test_a_short_tss_is_ts(guest):
    guest.cpu.state.load()
    guest.cpu.state.front.tr.limit = 8
    guest.cpu.state.store()
    guest.kernel(TO_RING_3).user("ud2").gate(6, HANDLER)
    stop = guest.run()
    assert isinstance(stop, Shutdown)
    assert stop.chain[1].vector == 10


def test_delivery_sets_accessed_and_dirty_bits_of_the_stack_page(guest):
    page = guest.pte_address(RSP0 - 0x1000)
    assert not guest.peek(page) & 0x60
    user_guest(guest, "int $0x80", vector=0x80, dpl=3)
    assert guest.peek(page) & 0x60 == 0x60


def test_halt_without_interrupts_is_told(guest):
    guest.kernel("nop; cli; hlt")
    assert guest.run() == Halted(KERNEL + 3)


def test_code_on_the_open_bus_is_an_invalid_opcode(guest):
    guest.map(USER_DATA, P | W | U, physical=0x7000000)
    user_guest(guest, f"movl ${USER_DATA:#x}, %eax; jmp *%rax", vector=6)
    assert guest.stack(1) == [USER_DATA]

"""SYSCALL, SYSRET, SYSENTER, SYSEXIT, CPUID, the time-stamp counter, port permissions."""

import pytest

from machine.engine.choice import Engine
from machine.stop import Breakpoint, Exited
from tests.machine.bare import (
    EXIT,
    KERNEL,
    PGD,
    RSP0,
    TO_RING_3,
    TSS,
    USER,
    USER_CS,
    USER_DATA,
    USER_DS,
    USER_STACK,
    Bare,
    P,
    U,
    assemble,
)

HANDLER = KERNEL + 0x800
STAR = 0x0023001000000000


def wrmsr(number, value):
    return f"movl ${number:#x}, %ecx; movl ${value & 0xFFFFFFFF:#x}, %eax; movl ${value >> 32:#x}, %edx; wrmsr\n"


SETUP = wrmsr(0xC0000081, STAR) + wrmsr(0xC0000082, HANDLER) + wrmsr(0xC0000084, 0x47700)


def test_syscall_and_sysret():
    guest = Bare().kernel(SETUP + TO_RING_3 + ".org 0x800\nsysretq").user("nop; stc; syscall; nop")
    guest.cpu.breakpoints.insert(HANDLER)
    assert guest.run() == Breakpoint(HANDLER)
    assert (guest.reg("cs"), guest.reg("ss"), guest.reg("cpl")) == (0x10, 0x18, 0)
    assert guest.reg("rcx") == USER + 4
    assert guest.reg("r11") & 0x201 == 0x201
    assert not guest.reg("eflags") & 0x200, "FMASK clears IF"
    assert guest.reg("eflags") & 1, "FMASK leaves CF"
    assert guest.reg("rsp") == USER_STACK, "SYSCALL does not touch RSP"
    guest.step()
    assert (guest.rip, guest.reg("cs"), guest.reg("ss"), guest.reg("cpl")) == (USER + 4, USER_CS, USER_DS, 3)


def test_syscall_without_sce_is_an_invalid_opcode():
    guest = Bare().kernel(wrmsr(0xC0000080, 0x900) + TO_RING_3).user("nop; syscall")
    guest.gate(6, HANDLER)
    guest.cpu.breakpoints.insert(HANDLER)
    guest.run()
    assert guest.stack(1) == [USER + 1]


def test_sysenter_and_sysexit():
    setup = wrmsr(0x174, 0x10) + wrmsr(0x175, RSP0) + wrmsr(0x176, HANDLER)
    kernel = setup + TO_RING_3 + f".org 0x800\nmovl ${USER + 8:#x}, %edx; movl ${USER_STACK:#x}, %ecx; sysexitq"
    guest = Bare().kernel(kernel).user("nop; sysenter; .org 8; nop")
    # SYSEXIT's segments are fixed distances from SYSENTER_CS: 0x10 + 32 and + 40.
    guest.cpu.breakpoints.insert(HANDLER)
    assert guest.run() == Breakpoint(HANDLER)
    assert (guest.reg("cs"), guest.reg("ss"), guest.reg("rsp"), guest.reg("cpl")) == (0x10, 0x18, RSP0, 0)
    assert not guest.reg("eflags") & 0x200
    guest.step(3)
    assert (guest.rip, guest.reg("cs"), guest.reg("ss"), guest.reg("cpl")) == (USER + 8, 0x33, 0x3B, 3)


def test_sysenter_without_a_segment_is_gp():
    guest = Bare().kernel(TO_RING_3).user("nop; sysenter")
    guest.gate(13, HANDLER)
    guest.cpu.breakpoints.insert(HANDLER)
    guest.run()
    assert guest.stack(2) == [0, USER + 1]


def test_cpuid_answers_from_the_table():
    guest = Bare().kernel("xorl %eax, %eax; cpuid; hlt")
    guest.run()
    text = b"".join(guest.reg(name).to_bytes(4, "little") for name in ("rbx", "rdx", "rcx"))
    assert text == b"GenuineIntel"


def test_cpuid_offers_nothing_that_would_read_the_host():
    guest = Bare().kernel("movl $1, %eax; cpuid; movl %ecx, %esi; movl $7, %eax; xorl %ecx, %ecx; cpuid; hlt")
    guest.run()
    assert not guest.reg("rsi") >> 30 & 1, "RDRAND"
    assert not guest.reg("rbx") >> 18 & 1, "RDSEED"


def test_the_time_stamp_counts_code_bytes_inside_a_block():
    guest = Bare().kernel("rdtsc; movl %eax, %esi; nop; nop; nop; rdtsc; hlt")
    guest.run()
    assert guest.reg("rax") - guest.reg("rsi") == 2 + 2 + 3


def test_code_in_the_upper_half_is_told_the_same_time():
    upper = KERNEL - (1 << 39)
    times = "nop; nop; rdtsc; movl %eax, %esi; nop; rdtscp; hlt"
    code = f"movabsq ${(upper + 0x100) % (1 << 64):#x}, %rax; jmp *%rax; .org 0x100; {times}"
    seen = []
    for options in ({}, {"engine": Engine.PLAIN}):
        guest = Bare(**options).kernel(wrmsr(0xC0000103, 7) + code)
        guest.poke(PGD + 8 * 511, guest.peek(PGD))
        guest.run()
        seen.append([guest.reg(name) for name in ("rsi", "rax", "rdx", "rcx", "rip")])
    assert seen[0] == seen[1]
    assert seen[0][0] + 5 == seen[0][1]
    assert seen[0][3] == 7


def test_rdtscp_gives_the_processor_number():
    guest = Bare().kernel(wrmsr(0xC0000103, 7) + "rdtscp; hlt")
    guest.run()
    assert guest.reg("rcx") == 7
    assert guest.reg("rax") > 0


IN = "inb $0x70, %al"


@pytest.mark.parametrize(
    "source", ["movb $0x5a, %al; outb %al, $0x80", "movw $0x80, %dx; movl $1, %eax; outb %al, %dx"]
)
def test_ports_are_closed_to_ring_3(source):
    guest = Bare().kernel(TO_RING_3).user(source)
    guest.gate(13, HANDLER)
    guest.cpu.breakpoints.insert(HANDLER)
    guest.run()
    assert guest.stack(1) == [0]
    assert guest.machine.post.code == 0, "the port was not touched"


def open_bitmap(guest, port, size=1):
    """A TSS with a bitmap that permits some ports."""
    bitmap = bytearray(b"\xff" * 0x21)
    for each in range(port, port + size):
        bitmap[each >> 3] &= ~(1 << (each & 7))
    guest.poke(TSS + 0x66, 0x68, 2)
    guest.machine.memory.write(TSS + 0x68, bytes(bitmap))
    guest.cpu.state.load()
    guest.cpu.state.front.tr.limit = 0x68 + len(bitmap)
    guest.cpu.state.store()


def test_the_tss_bitmap_opens_a_port():
    guest = Bare().kernel(TO_RING_3).user("movb $0x5a, %al; outb %al, $0x80; outw %ax, $0x80")
    open_bitmap(guest, 0x80)
    guest.gate(13, HANDLER)
    guest.cpu.breakpoints.insert(HANDLER)
    guest.run()
    assert guest.machine.post.code == 0x5A
    assert guest.stack(2) == [0, USER + 4], "two ports wide, the second is closed"


SMAP = "movq %cr4, %rax; btsq $21, %rax; movq %rax, %cr4;"
BACK = "movl $0x33, %ecx; pushq %rcx; leaq 1f(%rip), %rcx; pushq %rcx; lretq; ud2; 1: "


@pytest.mark.parametrize("stepped", (False, True))
def test_far_returns_in_ring_3_use_the_stack_of_ring_3_under_smap(stepped):
    guest = Bare().kernel(SMAP + TO_RING_3).user(f"{BACK} movl (%rsp), %eax; movq {KERNEL:#x}, %rbx")
    guest.gate(14, HANDLER)
    guest.machine.memory.write(HANDLER, assemble(f"movl {USER_DATA:#x}, %eax", HANDLER))
    guest.cpu.breakpoints.insert(HANDLER)
    while not isinstance(stop := guest.machine.step() if stepped else guest.machine.run(), Breakpoint):
        assert stop is None or stepped, stop
        if guest.rip == HANDLER:
            break
    assert guest.reg("cr2") == KERNEL, "the last access of ring 3, not one of the far return"
    guest.cpu.breakpoints.remove(HANDLER)
    guest.machine.step()
    assert (guest.rip, guest.reg("cr2")) == (HANDLER, USER_DATA), "SMAP is on again"


FAR_CALL = (
    "leaq 1f(%rip), %rcx; pushq $0x33; pushq %rcx; movq %rsp, %rbx;"
    f"movl ${USER_DATA + 0x1000:#x}, %esp; lcallq *(%rbx); 1: nop"
)


@pytest.mark.parametrize("page", (0, P | U))
def test_a_far_call_to_a_stack_that_is_not_there_is_a_fault_of_ring_3(page):
    guest = Bare().kernel(SMAP + TO_RING_3).user(FAR_CALL)
    guest.map(USER_DATA, page)
    guest.gate(14, HANDLER)
    guest.cpu.breakpoints.insert(HANDLER)
    guest.run()
    assert guest.stack(1) == [4 | 2 | (page & P)]


STRING_OUT = f"movl ${USER_DATA:#x}, %esi; movl $3, %ecx; movw $0x80, %dx; rep outsb"


@pytest.mark.parametrize("permitted", (False, True), ids=("denied", "permitted"))
def test_a_string_to_a_port_asks_for_permission_before_it_reads(permitted):
    guest = Bare().kernel(TO_RING_3).user(STRING_OUT)
    if permitted:
        open_bitmap(guest, 0x80)
    guest.map(USER_DATA, 0)
    guest.gate(13, HANDLER)
    guest.gate(14, HANDLER + 16)
    guest.cpu.breakpoints.insert(HANDLER)
    guest.cpu.breakpoints.insert(HANDLER + 16)
    assert guest.run() == Breakpoint(HANDLER + 16 * permitted)
    assert guest.stack(2) == [4 if permitted else 0, USER + 14]


def test_iopl_3_opens_all_ports():
    guest = Bare().kernel(TO_RING_3.replace("0x202", "0x3202")).user(EXIT)
    assert guest.run() == Exited(0)


def test_a_breakpoint_on_a_denied_port_instruction_comes_first():
    guest = Bare().kernel(TO_RING_3).user("nop; outb %al, $0x80")
    guest.gate(13, HANDLER)
    guest.cpu.breakpoints.insert(USER + 1)
    guest.cpu.breakpoints.insert(HANDLER)
    assert guest.run() == Breakpoint(USER + 1)
    assert guest.run() == Breakpoint(HANDLER)


def test_a_step_over_a_denied_port_instruction_lands_in_the_handler():
    guest = Bare().kernel(TO_RING_3).user("nop; outb %al, $0x80")
    guest.gate(13, HANDLER)
    guest.step(7)
    assert guest.rip == USER + 1
    guest.step()
    assert guest.rip == HANDLER


def test_a_bitmap_on_a_missing_page_is_a_page_fault():
    guest = Bare().kernel(TO_RING_3).user("nop; outb %al, $0x80")
    open_bitmap(guest, 0x80)
    guest.poke(TSS + 0x66, 0x1000, 2)  # the bitmap lies on the page behind the TSS
    guest.cpu.state.load()
    guest.cpu.state.front.tr.limit = 0x1100
    guest.cpu.state.store()
    guest.map(TSS + 0x1000, 0)
    guest.gate(14, HANDLER)
    guest.cpu.breakpoints.insert(HANDLER)
    guest.run()
    assert guest.stack(2) == [0, USER + 1]
    assert guest.reg("cr2") == TSS + 0x1010

"""Virtual-8086 mode: into it, out of it by gates, and what IOPL and the TSS's bitmap allow there."""

import pytest

from machine.engine.state import HF_CS32, HF_SS32
from tests.machine.flat32 import (
    HANDLER,
    KERNEL_CS,
    KERNEL_DS,
    TSS,
    TSS_SELECTOR,
    Flat32,
    digest,
    fault_chain,
    stopped,
)

IOPL, VM = 3 << 12, 1 << 17
INTERRUPT_32 = 14
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

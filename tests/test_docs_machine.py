"""What docs/machine.md says of the machine and hardware, tried on a bare guest: a row no longer true fails here."""

import re
from pathlib import Path

import pytest

from machine.boot.load import boot
from machine.machine import Machine
from machine.stop import Halted, Shutdown
from tests.machine.bare import KERNEL, NX, TO_RING_3, P, W, assemble
from tests.machine.bare import Bare as BareGuest

ROOT = Path(__file__).resolve().parent.parent

pytest.importorskip("ziglang", reason="the compiler, ziglang, is not installed")

HANDLERS = KERNEL + 0x800
UD, DB, GP, PF = 6, 1, 13, 14
DATA = 0x200000

# name of the row -> (ring-0 code, what is seen: an exception's vector, or a register's value at the final HLT)
ROWS = {
    "no #XM": (
        "movl $0x1f80, 0x200000; andl $~0x1f80, 0x200000; ldmxcsr 0x200000; xorps %xmm0, %xmm0; movl $1, %eax;"
        "cvtsi2ss %eax, %xmm1; divss %xmm0, %xmm1; movl $7, %eax; hlt",
        ("rax", 7),
    ),
    "misaligned movaps": ("movaps 0x200001, %xmm0; movl $7, %eax; hlt", ("rax", 7)),
    "VEX is not #UD": ("movl $0xf, %ecx; movl $3, %edx; andn %ecx, %edx, %eax; hlt", ("rax", 0xC)),
    "VEX with 256 bits": ("vaddps %ymm0, %ymm1, %ymm2; hlt", UD),
    "XSAVE": ("xsave 0x200000; hlt", UD),
    "unknown MSR reads 0": ("movl $0x12345, %ecx; movl $-1, %eax; movl %eax, %edx; rdmsr; hlt", ("rax", 0)),
    "unknown MSR ignores writes": ("movl $0x12345, %ecx; movl $-1, %eax; wrmsr; rdmsr; hlt", ("rax", 0)),
    "IA32_APIC_BASE": ("movl $0x1b, %ecx; rdmsr; hlt", ("rax", 0)),
    "no PCI": (
        "movl $0x80000000, %eax; movw $0xcf8, %dx; outl %eax, %dx; movw $0xcfc, %dx; inl %dx, %eax; hlt",
        ("rax", 0xFFFFFFFF),
    ),
    "CR4.PCIDE can be set": (
        "movq %cr4, %rax; orl $0x20000, %eax; movq %rax, %cr4; movq %cr4, %rax; hlt",
        ("rax", 0x20620),
    ),
    "INVPCID": ("xorl %eax, %eax; invpcid 0x200000, %rax; hlt", UD),
    "reserved CR4 bits": ("movl $0x8620, %eax; movq %rax, %cr4; movq %cr4, %rax; hlt", ("rax", 0x8620)),
    "PG without PE": ("movq %cr0, %rax; andl $~1, %eax; movq %rax, %cr0; movl $7, %eax; hlt", ("rax", 7)),
    "DR7 data breakpoint": (
        "movl $0x200000, %eax; movq %rax, %dr0; movl $0xd0401, %eax; movq %rax, %dr7; movl $5, 0x200000; hlt",
        ("dr6", 0xFFFF0FF0),
    ),
    "DR7 instruction breakpoint": (
        "leaq 1f(%rip), %rax; movq %rax, %dr0; movl $0x401, %eax; movq %rax, %dr7; nop; 1: nop; hlt",
        DB,
    ),
    "non-canonical stack is #GP": ("movq $0x900000000000, %rsp; pushq $1; hlt", GP),
    "task gate": ("int $5; hlt", GP),
}


def guest(code, user=None):
    """A bare guest whose exception handlers are a HLT each, on a stack of their own."""
    bare = BareGuest().kernel(code)
    if user:
        bare.user(user)
    for vector in range(32):
        bare.gate(vector, HANDLERS + 16 * vector, ist=1)
        bare.machine.memory.write(HANDLERS + 16 * vector, b"\xf4")
    return bare


def exception(bare):
    """The vector in whose handler the guest halted, None for a HLT of its own."""
    vector, behind = divmod(bare.rip - 1 - HANDLERS, 16)
    return vector if 0 <= vector < 32 and not behind else None


@pytest.mark.parametrize("row", ROWS)
def test_row(row):
    code, seen = ROWS[row]
    bare = guest(code)
    if row == "task gate":
        bare.gate(5, 0, kind=5)
    assert isinstance(bare.run(), Halted)
    if isinstance(seen, tuple):
        assert exception(bare) is None
        assert bare.reg(seen[0]) == seen[1]
    else:
        assert exception(bare) == seen


def test_no_ac():
    bare = guest(TO_RING_3.replace("$0x202", "$0x40202"), "movl $0x500001, %ebx; movl (%rbx), %ecx; cli")
    bare.cpu.write_register("cr0", bare.reg("cr0") | 1 << 18)
    bare.run()
    assert exception(bare) == GP  # of CLI, behind the misaligned access


@pytest.mark.parametrize("stepped", (False, True))
def test_a_bit_test_may_change_af_and_of(stepped):
    """The same code in one translation, and an instruction at a time."""
    bare = guest("movl $0x80000000, %eax; cmpl $1, %eax; btl $0, %eax; pushfq; popq %rbx; movl $7, %ecx; cli; hlt")
    if stepped:
        bare.step(8)
    bare.run()
    adjust, overflow = 0x10, 0x800
    assert bare.reg("rbx") & 0x8D5 & ~(adjust | overflow) == 0x04, "PF as CMP left it; no CF, ZF, SF"
    assert bool(bare.reg("rbx") & adjust) is stepped


def test_no_umip():
    bare = guest("movq %cr4, %rax; orl $0x800, %eax; movq %rax, %cr4;" + TO_RING_3, "sgdt 0x500000; movl $7, %eax; cli")
    bare.run()
    assert (exception(bare), bare.reg("rax")) == (GP, 7)


def test_a_cr3_write_flushes_global_pages():
    bare = guest(
        "movq %cr4, %rax; orl $0x80, %eax; movq %rax, %cr4; movl 0x200000, %ebx; movq $0, 0x5000;"
        "movq %cr3, %rax; movq %rax, %cr3; movl 0x200000, %eax; hlt"
    )
    bare.map(DATA, P | W | NX | 0x100)
    bare.map(0x5000, P | W | NX)
    bare.run()
    assert exception(bare) == PF


def test_cr4_la57_is_obeyed_at_once():
    """A processor raises #GP for the change in long mode. Here the next fetch is by five levels: nothing is mapped."""
    bare = guest("movq %cr4, %rbx; orl $0x1000, %ebx; movq %rbx, %cr4; hlt")
    chain = bare.run().chain
    assert (chain[0].vector, chain[0].error_code) == (PF, 0x10)
    assert bare.machine.cpu.paging().cr4 & 0x1000


def test_rdrand_is_the_hosts():
    values = set()
    for _ in range(3):
        bare = guest("rdrand %rax; hlt")
        bare.run()
        values.add(bare.reg("rax"))
    assert len(values) > 1


def test_a20_is_always_on():
    bare = guest(
        "movb $0xd1, %al; outb %al, $0x64; movb $0xdd, %al; outb %al, $0x60; xorl %eax, %eax; outb %al, $0x92;"
        "movl $1, 0x200000; movl $2, 0x300000; movl 0x200000, %ebx; movl %ebx, %ecx;"
        "inb $0x92, %al; movzbl %al, %esi; movb $0xd0, %al; outb %al, $0x64; inb $0x60, %al; movzbl %al, %edi; hlt"
    )
    bare.run()
    assert (bare.reg("rbx"), bare.reg("rsi"), bare.reg("rdi") & 2) == (1, 2, 2)


def test_cr8_is_not_the_task_priority():
    bare = guest("movl $5, %eax; movq %rax, %cr8; movl 0x300080, %ebx; movl $0x30, 0x300080; movq %cr8, %rcx; hlt")
    bare.map(0x300000, P | W | NX, 0xFEE00000)
    bare.run()
    assert bare.reg("rbx") == 0
    assert bare.reg("rcx") != 3


def test_an_nmi_by_the_apic_is_counted():
    bare = guest("movl $0x40400, 0x300300; hlt")
    bare.map(0x300000, P | W | NX, 0xFEE00000)
    bare.run()
    assert exception(bare) is None
    assert bare.machine.interrupts.local_apic.refused == {4: 1}


FLAT_IMAGE = """
    .code32
    .long 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
    .long 0x100000, 0x100000, 0, 0, 0x100020
    lidt idtr
    int $3
    .balign 8
    idtr: .word 0x7ff; .long idt
    .balign 8
    idt: .fill 3, 8, 0
    .long 0x00080000, 0x0000e500
"""


def test_a_task_gate_is_a_reported_shutdown():
    machine = Machine(16 << 20)
    assert boot(machine, assemble(FLAT_IMAGE, 0x100000)) == "multiboot"
    stop = machine.run()
    assert isinstance(stop, Shutdown)
    assert "task gate" in stop.chain[-1].reason


def test_the_page_names_only_tests_that_exist():
    page = (ROOT / "docs" / "machine.md").read_text()
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page):
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE), f"{path}::{name}"
    assert set(re.findall(r"`row: ([^`]+)`", page)) == ROWS.keys()

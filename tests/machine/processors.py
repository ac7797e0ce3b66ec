"""A bare guest with several processors: the others start by INIT and start-up, in real mode."""

from tests.machine.bare import GDT, IDT, KERNEL, NX, PGD, Bare, P, W, assemble

APIC = 0x300000
"""Where the local APIC is mapped."""
TRAMPOLINE = 0x70000
OTHERS = KERNEL + 0x800
"""Where the other processors begin in 64-bit mode, with their number in %edi and a stack of their own."""
STACKS = 0x260000
COUNT = 0x200800
"""Counts the processors that have come so far."""

ICR, ICR_HIGH, EOI, SVR, ID = (APIC + offset for offset in (0x300, 0x310, 0xB0, 0xF0, 0x20))
INIT_OTHERS, START_OTHERS = 0xCC500, 0xC4600 | TRAMPOLINE >> 12

_START = f"""
    .code16
    cli
    movw %cs, %ax
    movw %ax, %ds
    lgdtl gdtr - _start
    movl $0x620, %eax
    movl %eax, %cr4
    movl ${PGD:#x}, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    movl $0x901, %eax
    xorl %edx, %edx
    wrmsr
    movl $0x80010013, %eax
    movl %eax, %cr0
    ljmpl $0x10, $wide
    .code64
wide:
    movl $0x18, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    lidt idtr(%rip)
    movl {ID:#x}, %edi
    shrl $24, %edi
    movl %edi, %eax
    shll $12, %eax
    leal {STACKS:#x}(%eax), %esp
    movl $0x1ff, {SVR:#x}
    lock incl {COUNT:#x}
    movq ${OTHERS:#x}, %rax
    jmpq *%rax
gdtr: .word 0x4f
    .long {GDT:#x}
idtr: .word 0xfff
    .quad {IDT:#x}
"""

WAKE = f"""
    movl $0x1ff, {SVR:#x}
    movl ${INIT_OTHERS:#x}, {ICR:#x}
    movl $5000, %ecx
1:  loop 1b
    movl ${START_OTHERS:#x}, {ICR:#x}
2:  pause
    cmpl $OTHERS_WANTED, {COUNT:#x}
    jne 2b
"""
"""The first processor's: INIT and start-up to all others, and wait for them."""


class Several(Bare):
    """``first`` is what the first processor runs once the others are there, ``others`` what they run."""

    def __init__(self, first, others, *, cpus=2, handlers="", **options):
        super().__init__(cpus=cpus, **options)
        self.map(APIC, P | W | NX, 0xFEE00000)
        self.map(TRAMPOLINE, P | W)
        self.machine.memory.write(TRAMPOLINE, assemble(_START, TRAMPOLINE))
        wake = WAKE.replace("OTHERS_WANTED", str(cpus - 1))
        self.kernel(f"{wake}\n{first}\n.org 0x800\n{others}\n.org 0xc00\n{handlers}")

    @property
    def cpus(self):
        return self.machine.cpus

    def state(self):
        """Registers of all processors, RAM, clock and position."""
        names = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rip", "eflags", "cr2", "cr3")
        processors = [[cpu.read_register(name) for name in names] + [cpu.halted] for cpu in self.cpus]
        machine = self.machine
        return self.digest(), processors, machine.clock.now(), machine.position, machine.cpu.number

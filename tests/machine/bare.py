"""A bare 64-bit guest for tests: page tables, GDT, IDT and TSS laid out by hand, code from assembly text.

Linear addresses equal physical ones.  Page size 4 KiB below 8 MiB; nothing above is mapped.
"""

import hashlib

from unicorn import x86_const as x86

from machine.boot.entry import CODE_32, protected_mode
from machine.engine.state import CS, DS, ES, FS, GS, HF_CS32, HF_CS64, HF_LMA, HF_PE, HF_SS32, SS
from machine.machine import Machine
from tests.machine.handmade import SIZE, Guest, assemble

PGD, GDT, IDT, TSS = 0x1000, 0x8000, 0x9000, 0xA000
KERNEL, KERNEL_DATA, KERNEL_STACK, RSP0, IST1 = 0x100000, 0x200000, 0x280000, 0x290000, 0x2A0000
USER, USER_DATA, USER_STACK = 0x400000, 0x500000, 0x580000

KERNEL_CS, KERNEL_DS, USER32_CS, USER_DS, USER_CS, TSS_SELECTOR = 0x10, 0x18, 0x23, 0x2B, 0x33, 0x40

P, W, U, NX = 1, 2, 4, 1 << 63


class Bare(Guest):
    """The guest.  ``output`` collects its serial bytes."""

    def __init__(self, **options):
        self.output = bytearray()
        super().__init__(Machine(SIZE, send=self.output.extend, **options))
        self._page_tables()
        self._tables()
        self._enter()

    # Building

    def pte_address(self, address):
        return 0x4000 + (address >> 12) * 8

    def map(self, address, flags, physical=None):
        self.poke(self.pte_address(address), (address if physical is None else physical) | flags if flags else 0)

    def _page_tables(self):
        self.poke(PGD, 0x2000 | P | W | U)
        self.poke(0x2000, 0x3000 | P | W | U)
        for table in range(4):  # four page tables at 0x4000: 8 MiB
            self.poke(0x3000 + 8 * table, 0x4000 + 0x1000 * table | P | W | U)
        for page in range(0, 8 << 20, 4096):
            if page >= USER:
                self.map(page, P | W | U | (NX if page >= USER_DATA else 0))
            else:
                self.map(page, P | W | (0 if KERNEL <= page < KERNEL_DATA else NX))

    def _tables(self):
        descriptors = {
            KERNEL_CS: 0x00AF9B000000FFFF,
            KERNEL_DS: 0x00CF93000000FFFF,
            USER32_CS & ~3: 0x00CFFB000000FFFF,
            USER_DS & ~3: 0x00CFF3000000FFFF,
            USER_CS & ~3: 0x00AFFB000000FFFF,
            TSS_SELECTOR: 0x0000890000000067 | TSS << 16,
        }
        for selector, descriptor in descriptors.items():
            self.poke(GDT + selector, descriptor)
        self.poke(TSS + 4, RSP0)
        self.poke(TSS + 0x24, IST1)
        self.poke(TSS + 0x66, 0x68, 2)

    def gate(self, vector, handler, *, dpl=0, ist=0, kind=14, selector=KERNEL_CS, present=1):
        low = (handler & 0xFFFF) | selector << 16 | ist << 32 | kind << 40 | dpl << 45 | present << 47
        self.poke(IDT + 16 * vector, low | (handler >> 16 & 0xFFFF) << 48)
        self.poke(IDT + 16 * vector + 8, handler >> 32)

    def _enter(self):
        cpu = self.cpu
        protected_mode(cpu, KERNEL, {})
        cpu.uc.reg_write(x86.UC_X86_REG_CR4, 1 << 5 | 1 << 9 | 1 << 10)
        cpu.uc.reg_write(x86.UC_X86_REG_CR3, PGD)
        cpu.uc.msr_write(0xC0000080, 1 << 0 | 1 << 8 | 1 << 11)
        cpu.uc.reg_write(x86.UC_X86_REG_CR0, 0x80010013)
        cpu.state.load()
        front = cpu.state.front
        cpu.state.set_segment(CS, KERNEL_CS, 0, 0xFFFFFFFF, 0x00AF9B00)
        for index in (ES, SS, DS, FS, GS):
            cpu.state.set_segment(index, KERNEL_DS, 0, 0xFFFFFFFF, 0x00CF9300)
        assert CODE_32 and front.efer & 1 << 10, "long mode is active"
        front.hflags = front.hflags & ~(HF_CS32 | HF_SS32) | HF_PE | HF_LMA | HF_CS64 | HF_CS32 | HF_SS32
        front.gdt.base, front.gdt.limit = GDT, 0x4F
        front.idt.base, front.idt.limit = IDT, 0xFFF
        front.tr.selector, front.tr.base, front.tr.limit, front.tr.flags = TSS_SELECTOR, TSS, 0x67, 0x8B00
        front.regs[4] = KERNEL_STACK
        cpu.state.store()

    def kernel(self, source):
        """Put ring-0 code at KERNEL, where the guest starts."""
        self.machine.memory.write(KERNEL, assemble(source, KERNEL))
        return self

    def user(self, source):
        """Put ring-3 code at USER."""
        self.machine.memory.write(USER, assemble(source, USER))
        return self

    # Running and looking

    def step(self, count=1):
        for _ in range(count):
            stop = self.machine.step()
        return stop

    @property
    def rip(self):
        return self.reg("rip")

    @property
    def symbols(self):
        return self

    def stack(self, count):
        rsp = self.reg("rsp")
        return [int.from_bytes(self.machine.read_linear(rsp + 8 * i, 8), "little") for i in range(count)]

    def digest(self):
        """Hash of RAM and of the registers that the guest can see."""
        names = [f"r{n}" for n in range(8, 16)]
        names += ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "rip", "eflags", "cs", "ss", "cr2", "cr3"]
        state = " ".join(f"{name}={self.reg(name):x}" for name in names)
        return hashlib.sha256(bytes(self.machine.memory.ram) + state.encode()).hexdigest()


TO_RING_3 = f"""
    pushq ${USER_DS}
    pushq ${USER_STACK:#x}
    pushq $0x202
    pushq ${USER_CS}
    pushq ${USER:#x}
    iretq
"""
EXIT = "movl $0, %eax; movw $0xf4, %dx; outl %eax, %dx; hlt\n"

WAYS_IN = f"""
    jmp start
.org 0x100
    addq $2, (%rsp)         # behind UD2
    iretq
.org 0x140
    iretq                   # INT 0x80
.org 0x180
    sysretq
.org 0x1c0
    {EXIT}
.org 0x200
    add $8, %rsp            # #PF: skip the two bytes of the store
    addq $2, (%rsp)
    iretq
start:
{TO_RING_3}
"""


def with_ways_in(user):
    """Ring 3 runs ``user``: from UD2, INT 0x80, SYSCALL and a #PF it goes on, and #GP is the end."""
    bare = Bare().kernel(WAYS_IN).user(user)
    bare.gate(6, KERNEL + 0x100)
    bare.gate(0x80, KERNEL + 0x140, dpl=3)
    bare.gate(13, KERNEL + 0x1C0)
    bare.gate(14, KERNEL + 0x200)
    bare.cpu.write_register("star", (USER_CS - 16) << 48 | 0x10 << 32)
    bare.cpu.write_register("lstar", KERNEL + 0x180)
    return bare

"""A guest in 32-bit protected mode: GDT, IDT and TSS laid out by hand, paging off, code from assembly text."""

from machine.boot.entry import protected_mode
from machine.engine.state import DS, ES, FS, GS, HF_ADDSEG, HF_CPL, HF_CS32, HF_CS64, HF_SS32, SS
from machine.machine import Machine
from machine.stop import Breakpoint, Shutdown
from tests.machine.handmade import SIZE, Guest, assemble

GDT, IDT, TSS = 0x8000, 0x9000, 0xA000
CODE, USER = 0x100000, 0x180000
HANDLER = CODE + 0x800
STACK, RING0_STACK, RING1_STACK, USER_STACK = 0x280000, 0x290000, 0x2A0000, 0x2B0000
SMALL = 0x300000
"""Base of the 16-bit segments."""

# fmt: off
DESCRIPTORS = {
    0x08: 0x00CF9B000000FFFF,  # ring 0 code
    0x10: 0x00CF93000000FFFF,  # ring 0 data
    0x18: 0x00CFFB000000FFFF,  # ring 3 code
    0x20: 0x00CFF3000000FFFF,  # ring 3 data
    0x28: 0x0000890000000067 | TSS << 16,
    0x30: 0x00009B300000FFFF,  # ring 0 code of 16 bits at SMALL
    0x38: 0x000093300000FFFF,  # ring 0 data of 16 bits at SMALL
    0x40: 0x00CF9F000000FFFF,  # ring 0 code, conforming
    0x48: 0x00CFBB000000FFFF,  # ring 1 code
    0x50: 0x00CFB3000000FFFF,  # ring 1 data
    0x58: 0x00CF1B000000FFFF,  # ring 0 code, absent
    0x60: 0x00CF13000000FFFF,  # ring 0 data, absent
    0x68: 0x00CF91000000FFFF,  # ring 0 data, read-only
    0x70: 0x00409B000000000F,  # ring 0 code of 16 bytes
    0x78: 0x004093000000000B,  # ring 0 data of 12 bytes
    0x80: 0x0000810000000000 | 0x2B | TSS << 16,  # a 16-bit TSS
    0x88: 0x00C097000000027F,  # ring 0 data, expand-down: valid above 0x27ffff
    0x90: 0x00FF9B000000FFFF,  # ring 0 code, L and D
}
# fmt: on
KERNEL_CS, KERNEL_DS, USER_CS, USER_DS, TSS_SELECTOR = 0x08, 0x10, 0x1B, 0x23, 0x28


class Flat32(Guest):
    """The guest."""

    word = 4

    def __init__(self, source="", user="nop", *, tss=TSS_SELECTOR):
        super().__init__(Machine(SIZE))
        for selector, descriptor in DESCRIPTORS.items():
            self.poke(GDT + selector, descriptor, 8)
        self.poke(TSS + 4, RING0_STACK)
        self.poke(TSS + 8, KERNEL_DS)
        self.poke(TSS + 12, RING1_STACK)
        self.poke(TSS + 16, 0x51)
        self.machine.memory.write(CODE, assemble(".code32\n" + source, CODE))
        self.machine.memory.write(USER, assemble(".code32\n" + user, USER))
        self._enter(tss)

    def _enter(self, tss):
        cpu = self.cpu
        protected_mode(cpu, CODE, {4: STACK})
        cpu.state.load()
        front = cpu.state.front
        front.gdt.base, front.gdt.limit = GDT, 0x97
        front.idt.base, front.idt.limit = IDT, 0x7FF
        for index in (ES, SS, DS, FS, GS):
            cpu.state.set_segment(index, KERNEL_DS, 0, 0xFFFFFFFF, 0x00CF9300)
        cpu.state.store()
        self.set_tr(tss)

    def set_tr(self, selector, limit=None):
        front = self.cpu.state.front
        front.tr.selector, front.tr.base = selector, TSS
        wide = selector == TSS_SELECTOR
        front.tr.limit = limit or (0x67 if wide else 0x2B)
        front.tr.flags = 0x8B00 if wide else 0x8300
        self.cpu.state.store()

    def gate(self, vector, handler, *, kind=14, dpl=0, selector=KERNEL_CS, present=1):
        low = handler & 0xFFFF | selector << 16
        self.poke(IDT + 8 * vector, low | (kind << 8 | dpl << 13 | present << 15 | handler >> 16 << 16) << 32, 8)

    def frame(self, count, size=4):
        """Words on the stack, the last one pushed first; linear address by SS's base."""
        self.cpu.state.load()
        at = self.cpu.state.front.segs[SS].base + self.reg("rsp")
        return [self.peek(at + size * index, size) for index in range(count)]


TO_RING_3 = f"pushl ${USER_DS}; pushl ${USER_STACK}; pushl $0x202; pushl ${USER_CS}; pushl ${USER}; iretl\n"


def stopped(guest, address=HANDLER):
    """The guest, run to an address."""
    guest.cpu.breakpoints.insert(address)
    assert guest.run() == Breakpoint(address)
    return guest


def fault_chain(guest):
    """Vectors, error codes and reasons of a shutdown."""
    stop = guest.run()
    assert isinstance(stop, Shutdown)
    return stop.chain


def digest(guest):
    """The engine's view of the mode."""
    guest.cpu.state.load()
    return guest.cpu.state.front.hflags & (HF_CPL | HF_CS32 | HF_SS32 | HF_ADDSEG | HF_CS64)

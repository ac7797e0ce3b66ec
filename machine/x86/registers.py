"""RFLAGS, the names of the general and segment registers (SDM 1 3.4), and which registers have named bits."""

from __future__ import annotations

from . import control, msrs
from .bits import Layout

# fmt: off
RFLAGS = Layout(
    "RFLAGS", 64,
    # name   low high  meaning (SDM 1 3.4.3, figure 3-8)
    ("CF",     0,  0, "carry"),
    ("PF",     2,  2, "parity of the low byte is even"),
    ("AF",     4,  4, "auxiliary carry: out of bit 3"),
    ("ZF",     6,  6, "zero"),
    ("SF",     7,  7, "sign"),
    ("TF",     8,  8, "trap: #DB after each instruction"),
    ("IF",     9,  9, "interrupts enabled"),
    ("DF",    10, 10, "direction: string instructions go down"),
    ("OF",    11, 11, "overflow"),
    ("IOPL",  12, 13, "I/O privilege level: largest CPL that may do I/O"),
    ("NT",    14, 14, "nested task"),
    ("RF",    16, 16, "resume: instruction breakpoints off for one instruction"),
    ("VM",    17, 17, "virtual-8086 mode"),
    ("AC",    18, 18, "alignment check; in ring 0, SMAP suspended"),
    ("VIF",   19, 19, "virtual interrupt flag"),
    ("VIP",   20, 20, "virtual interrupt pending"),
    ("ID",    21, 21, "CPUID can be used"),
    fixed=1 << 1,
)

# In the order of their encoding (SDM 2A table 2-1 and 2.2.1.2).
GPR64 = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
         "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")
GPR32 = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi",
         "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d")
GPR16 = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di",
         "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w")
GPR8 = ("al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil",
        "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b")
GPR8_LEGACY = ("al", "cl", "dl", "bl", "ah", "ch", "dh", "bh")   # without a REX prefix
SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs")

LAYOUTS = {
    # register  its bits; the others hold an address, a selector or a number
    "eflags":   RFLAGS,
    "cr0":      control.CR0,
    "cr3":      control.CR3,
    "cr4":      control.CR4,
    "cr8":      control.CR8,
    "xcr0":     control.XCR0,
    "efer":     control.EFER,
    "dr6":      control.DR6,
    "dr7":      control.DR7,
    "star":     msrs.STAR,
    "fmask":    RFLAGS,
}
# fmt: on

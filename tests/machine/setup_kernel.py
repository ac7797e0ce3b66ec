"""A Linux image made by hand: its setup prints a letter and enters 32-bit code by itself."""

from tests.machine.handmade import assemble

ENTRY_16, ENTRY_32 = 0x90200, 0x100000
"""Linear addresses of the first instructions."""

SETUP = """
    jmp code
    .ascii "HdrS"
    .word 0x20f
    .org 0x11
    .byte 1
    .org 0x14
    .long 0x100000
    .org 0x2c
    .long 0x7fffffff
    .org 0x30
    .long 0x200000
    .byte 1
    .org 0x38
    .long 255
    .org 0x58
    .quad 0x200000
    .long 0x10000
    .org 0x80
code: movw $0x0e4f, %ax
    int $0x10
    cli
    lgdtl gdtr - _start + 0x200
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    movw $0x10, %ax
    movw %ax, %ds
    ljmpl $8, $0x100000
gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr: .word 23
    .long 0x90200 + (gdt - _start)
"""
PROTECTED = ".code32\nmovl $0x90000, %esi\nmovl 0x228(%esi), %eax\nmovl (%eax), %ebx\nhlt"


def kernel():
    """A bzImage whose setup prints O and enters 32-bit code, which reads the command line's first bytes."""
    sector = bytearray(512)
    sector[0x1F1] = 1
    sector[0x1FE:] = b"\x55\xaa"
    wide = assemble(PROTECTED, 0x100000).ljust(32, b"\x90")
    sector[0x1F4:0x1F8] = (len(wide) // 16).to_bytes(4, "little")
    return bytes(sector) + assemble(".code16\n" + SETUP, 0x200).ljust(512, b"\0") + wide

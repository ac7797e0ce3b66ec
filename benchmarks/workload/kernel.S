# Bare metal: PVH entry (32-bit, paging off), long mode, 4-level paging (4 KiB pages for the first 4 MiB,
# data and stacks no-execute as in every real kernel, 2 MiB pages to 64 MiB), GDT/TSS/IDT, int 0x80 gate
# (DPL 3), syscall/sysret, ring-3 part.
        .section .note.xen, "a", @note
        .balign 4
        .long   4, 4, 18                 # name, descriptor, XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .long   _start

        .code32
        .section .boot, "ax"
        .globl _start
_start:
        cli
        movl    $boot_stack_top, %esp
        # zero page tables
        movl    $pml4, %edi
        movl    $(5*4096/4), %ecx
        xorl    %eax, %eax
        cld
        rep stosl
        movl    $pdpt+7, pml4
        movl    $pd+7, pdpt
        movl    $pt0+7, pd
        movl    $pt1+7, pd+8
        # 2 MiB pages from 4 MiB to 64 MiB
        movl    $2, %ecx
1:      movl    %ecx, %eax
        shll    $21, %eax
        orl     $0x87, %eax
        movl    %eax, pd(,%ecx,8)
        incl    %ecx
        cmpl    $32, %ecx
        jb      1b
        # 4 KiB pages for 0..4 MiB (pt0, pt1 contiguous)
        xorl    %ecx, %ecx
2:      movl    %ecx, %eax
        shll    $12, %eax
        xorl    %edx, %edx
        cmpl    $data_start, %eax
        jb      3f
        movl    $0x80000000, %edx        # no-execute
3:      orl     $7, %eax
        movl    %eax, pt0(,%ecx,8)
        movl    %edx, pt0+4(,%ecx,8)
        incl    %ecx
        cmpl    $1024, %ecx
        jb      2b
        movl    %cr4, %eax
        orl     $0x620, %eax             # PAE | OSFXSR | OSXMMEXCPT
        movl    %eax, %cr4
        movl    $pml4, %eax
        movl    %eax, %cr3
        movl    $0xC0000080, %ecx
        rdmsr
        orl     $0x901, %eax             # NXE | LME | SCE
        wrmsr
        movl    %cr0, %eax
        andl    $~4, %eax
        orl     $0x80010003, %eax        # PG | WP | MP | PE
        movl    %eax, %cr0
        lgdt    gdtr
        ljmp    $0x08, $long_entry

        .code64
        .globl long_entry, kmain
long_entry:
        movw    $0x10, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        xorl    %eax, %eax
        movw    %ax, %fs
        movw    %ax, %gs
        movq    $kstack_top, %rsp
        # IDT: all gates -> isr_panic, 0x80 -> isr_80 (DPL 3)
        movq    $isr_panic, %rax
        movl    $idt, %edi
        movl    $256, %ecx
3:      movw    %ax, (%rdi)
        movw    $0x08, 2(%rdi)
        movw    $0x8E00, 4(%rdi)
        movq    %rax, %rdx
        shrq    $16, %rdx
        movw    %dx, 6(%rdi)
        movq    $0, 8(%rdi)
        addq    $16, %rdi
        decl    %ecx
        jnz     3b
        movq    $isr_80, %rax
        movw    %ax, idt+0x800
        shrq    $16, %rax
        movw    %ax, idt+0x806
        movw    $0xEE00, idt+0x804
        lidt    idtr
        # TSS descriptor
        movq    $tss, %rax
        movw    %ax, gdt+0x32
        shrq    $16, %rax
        movb    %al, gdt+0x34
        movb    %ah, gdt+0x37
        movw    $0x30, %ax
        ltr     %ax
        # syscall MSRs
        movl    $0xC0000081, %ecx        # STAR
        xorl    %eax, %eax
        movl    $0x001B0008, %edx
        wrmsr
        movl    $0xC0000082, %ecx        # LSTAR
        movq    $sys_entry, %rax
        movq    %rax, %rdx
        shrq    $32, %rdx
        wrmsr
        movl    $0xC0000084, %ecx        # FMASK
        movl    $0x200, %eax
        xorl    %edx, %edx
        wrmsr
kmain:  call    bench_loop
        hlt

        .section .text
# int 0x80: rax = 1 -> count; rax = 2 -> leave ring 3
isr_80:
        cmpq    $2, %rax
        je      leave_user
        incq    syscount
        iretq
sys_entry:                               # syscall: rcx = rip, r11 = rflags (interrupts off, no swapgs needed)
        incq    syscount
        sysretq
isr_panic:
        .globl isr_panic, isr_80, sys_entry
        cli
        hlt
        jmp     isr_panic
# enter ring 3 at rsi with arg rdi; returns when the user code does int 0x80 / rax=2
enter_user:
        pushq   %rbx
        pushq   %rbp
        movq    %rsp, saved_ksp
        movq    $kstack2_top, tss+4
        pushq   $0x23
        pushq   $ustack_top
        pushq   $0x2
        pushq   $0x2B
        pushq   %rsi
        iretq
leave_user:
        movq    saved_ksp, %rsp
        popq    %rbp
        popq    %rbx
        ret
        .globl user_loop, user_syscalls, user_entry, user_sys_entry
# 6: ring-3 compute loop (n iterations)
user_loop:
        movq    $user_entry, %rsi
        jmp     enter_user
# 7: ring-3: n times { int 0x80 ; syscall }
user_syscalls:
        movq    $user_sys_entry, %rsi
        jmp     enter_user
        .balign 4096
user_entry:
        call    compute
        movl    $2, %eax
        int     $0x80
user_sys_entry:
        movq    %rdi, %rbx
4:      movl    $1, %eax
        int     $0x80
        movl    $1, %eax
        syscall
        decq    %rbx
        jnz     4b
        movl    $2, %eax
        int     $0x80
        .balign 4096

        .section .data
        .balign 16
gdt:    .quad 0
        .quad 0x00AF9A000000FFFF         # 08 ring-0 code64
        .quad 0x00CF92000000FFFF         # 10 ring-0 data
        .quad 0x00CFFA000000FFFF         # 18 ring-3 code32 (sysret base)
        .quad 0x00CFF2000000FFFF         # 20 ring-3 data
        .quad 0x00AFFA000000FFFF         # 28 ring-3 code64
        .quad 0x0000890000000067         # 30 TSS
        .quad 0
gdtr:   .word 63
        .quad gdt
        .balign 8
idtr:   .word 4095
        .quad idt
        .balign 16
tss:    .skip 104
        .balign 8
saved_ksp: .quad 0
        .section .bss
        .balign 4096
pml4:   .skip 4096
pdpt:   .skip 4096
pd:     .skip 4096
pt0:    .skip 4096
pt1:    .skip 4096
idt:    .skip 4096
        .skip 16384
kstack_top:
        .skip 8192
kstack2_top:
        .skip 8192
ustack_top:
        .skip 4096
boot_stack_top:
#include "body.S"

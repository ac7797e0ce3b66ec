/*
 * The decompressor's two entries, of the 32-bit and of the 64-bit boot protocol
 * (Linux: arch/x86/boot/compressed/head_64.S). Linked and loaded at 1 MiB; it does not move.
 */
#include <asm/layout.h>
#include <asm/linkage.h>
#include <asm/processor-flags.h>
#include "../real/segment.h"

#define ENTRY_64	0x200	/* where the boot protocol wants startup_64 */
#define TABLE		0x03	/* present, written */
#define LARGE		0x83	/* and 2 MiB */
#define GIBS		4
#define CPUID_LM_BIT	29
#define DWARF_RIP	16	/* a 32-bit section may not name it */

	.cfi_sections .debug_frame
	.section .head.text, "ax"
	.code32
/* Flat 32-bit segments, paging and interrupts off; ESI is struct boot_params. */
SYM_CODE_START(startup_32)
	.cfi_startproc
	.cfi_undefined DWARF_RIP
	cld
	cli
	lgdtl	gdt_descr
	movl	$__BOOT_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%eax, %ss
	movl	$boot_stack_end, %esp

	movl	$0x80000001, %eax
	cpuid
	btl	$CPUID_LM_BIT, %edx
	jnc	no_longmode

	/* The first 4 GiB, where they lie, in pages of 2 MiB. The tables are zero up to here or twice the same. */
	movl	$(level3_pgt + TABLE), level4_pgt
	movl	$(level2_pgt + TABLE), %eax
	xorl	%ecx, %ecx
1:	movl	%eax, level3_pgt(, %ecx, 8)
	addl	$PAGE_SIZE, %eax
	incl	%ecx
	cmpl	$GIBS, %ecx
	jb	1b
	movl	$LARGE, %eax
	xorl	%ecx, %ecx
2:	movl	%eax, level2_pgt(, %ecx, 8)
	addl	$PMD_SIZE, %eax
	incl	%ecx
	cmpl	$(GIBS * 512), %ecx
	jb	2b

	movl	$X86_CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$level4_pgt, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME, %eax
	wrmsr
	pushl	$__BOOT_CS
	pushl	$startup_64
	movl	$(X86_CR0_PE | X86_CR0_PG), %eax
	movl	%eax, %cr0
	lretl

SYM_INNER_LABEL(no_longmode)
	hlt
	jmp	no_longmode
	.cfi_endproc
SYM_CODE_END(startup_32)

	.code64
	.org	ENTRY_64
/* Long mode, the kernel's memory mapped where it lies; RSI is struct boot_params. */
SYM_CODE_START(startup_64)
	.cfi_startproc
	.cfi_undefined %rip
	cld
	cli
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movl	$boot_stack_end, %esp
	pushq	%rsi

	movl	$_bss, %edi
	movl	$_ebss, %ecx
	subl	%edi, %ecx
	shrl	$3, %ecx
	rep stosq

	movq	(%rsp), %rdi
	movl	$LOAD_PHYSICAL_ADDR, %esi
	call	extract_kernel
	popq	%rsi
	jmp	*%rax
	.cfi_endproc
SYM_CODE_END(startup_64)

	.data
	.balign	8
gdt:	.quad	0, 0
	.quad	0x00af9b000000ffff		/* __BOOT_CS: 64-bit code */
	.quad	0x00cf93000000ffff		/* __BOOT_DS */
gdt_descr:
	.word	gdt_descr - gdt - 1
	.long	gdt

	.section .stack, "aw", @nobits
	.balign	16
	.skip	0x4000
boot_stack_end:

	.section .pgtable, "aw", @nobits
	.balign	PAGE_SIZE
level4_pgt:
	.skip	PAGE_SIZE
level3_pgt:
	.skip	PAGE_SIZE
level2_pgt:
	.skip	GIBS * PAGE_SIZE

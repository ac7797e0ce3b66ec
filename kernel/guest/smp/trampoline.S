/*
 * Where an application processor begins: a start-up IPI sends it, in real mode, to a page below 1 MiB. What is copied
 * there goes to protected mode and jumps to startup_32_smp, which is mapped where it lies, goes to long mode and leaves
 * for the addresses that the kernel is linked for (SDM 3A 8.4.4; Linux: arch/x86/realmode/rm/trampoline_64.S).
 */
#include <asm/layout.h>
#include <asm/linkage.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>

#define pa(symbol) ((symbol) - __START_KERNEL_map)

	.cfi_sections .debug_frame

	.section .init.data, "aw"
	.code16
	.balign	16
SYM_CODE_START(trampoline_start)
	cli
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	tr_gdt_descr - trampoline_start
	movl	%cr0, %eax
	orb	$X86_CR0_PE, %al
	movl	%eax, %cr0
	ljmpl	$__KERNEL32_CS, $startup_32_smp
	.balign	4
tr_gdt_descr:
	.word	GDT_ENTRIES * 8 - 1
	.long	pa(gdt_page)
	.globl	trampoline_end
trampoline_end:
SYM_CODE_END(trampoline_start)

	.section .head.text, "ax"
	.code32
SYM_CODE_START(startup_32_smp)
	.cfi_startproc
	.cfi_undefined 8
	movl	$__KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %ss
	movl	pa(trampoline_cr4), %eax
	movl	%eax, %cr4
	movl	pa(trampoline_cr3), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	movl	$(EFER_LME | EFER_NX | EFER_SCE), %eax
	xorl	%edx, %edx
	wrmsr
	movl	$CR0_STATE, %eax
	movl	%eax, %cr0
	ljmpl	$__KERNEL_CS, $startup_64_smp
	.cfi_endproc
SYM_CODE_END(startup_32_smp)

	.code64
SYM_CODE_START(startup_64_smp)
	.cfi_startproc
	.cfi_undefined %rip
	movq	$secondary_startup_64, %rax
	jmp	*%rax
	.cfi_endproc
SYM_CODE_END(startup_64_smp)

	.data
	.balign	8
	.globl	trampoline_cr3, trampoline_cr4
trampoline_cr3:	.quad	0
trampoline_cr4:	.quad	0

/*
 * From four levels of page tables to five: only with paging off, so by way of 32-bit mode, in the page of the kernel that
 * is linked where it lies (SDM 3A 4.1.2, 9.8.5.4; Linux does the same before it decompresses itself:
 * arch/x86/boot/compressed/la57toggle.S).
 */
#include <asm/layout.h>
#include <asm/linkage.h>
#include <asm/processor-flags.h>

	.cfi_sections .debug_frame

	.text
	.code64
SYM_CODE_START(la57_enable)
	.cfi_startproc
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, la57_rsp(%rip)
	pushq	$__KERNEL32_CS
	pushq	$la57_toggle
	lretq
	.cfi_endproc
SYM_CODE_END(la57_enable)

/* Leaving 64-bit mode loses the upper halves of all registers. */
SYM_CODE_START(la57_done)
	.cfi_startproc
	.cfi_undefined %rip
	movq	la57_rsp(%rip), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
	.cfi_endproc
SYM_CODE_END(la57_done)

	.section .head.text, "ax"
	.code32
SYM_CODE_START(la57_toggle)
	movl	%cr0, %eax
	andl	$~X86_CR0_PG, %eax
	movl	%eax, %cr0
	movl	%cr4, %eax
	orl	$X86_CR4_LA57, %eax
	movl	%eax, %cr4
	movl	%edi, %cr3
	movl	%cr0, %eax
	orl	$X86_CR0_PG, %eax
	movl	%eax, %cr0
	ljmpl	$__KERNEL_CS, $la57_toggled
SYM_CODE_END(la57_toggle)

	.code64
SYM_CODE_START(la57_toggled)
	movq	$la57_done, %rax
	jmp	*%rax
SYM_CODE_END(la57_toggled)

	.data
	.balign 8
la57_rsp:
	.quad	0

/* The jump into protected mode (SDM 3A 10.9.1; Linux: arch/x86/boot/pmjump.S). */
#include <asm/linkage.h>
#include <asm/processor-flags.h>
#include "segment.h"

	.code16
	.section .text, "ax"
/* EAX: where to; EDX: boot_params, which goes to ESI. */
SYM_CODE_START(protected_mode_jump)
	movl	%edx, %esi
	xorl	%ebx, %ebx
	movw	%cs, %bx
	shll	$4, %ebx

	/* A far return: the segment's base is known only now. */
	pushl	$__BOOT_CS
	leal	in_pm32(%ebx), %ecx
	pushl	%ecx
	movl	%cr0, %edx
	orb	$X86_CR0_PE, %dl
	movl	%edx, %cr0
	lretl
SYM_CODE_END(protected_mode_jump)

	.code32
SYM_CODE_START(in_pm32)
	movl	$__BOOT_DS, %ecx
	movl	%ecx, %ds
	movl	%ecx, %es
	movl	%ecx, %fs
	movl	%ecx, %gs
	movl	%ecx, %ss
	addl	%ebx, %esp
	movl	$__BOOT_TSS, %ecx
	ltr	%cx

	/* The boot protocol wants these to be 0, for what will be passed in them one day. */
	xorl	%ebx, %ebx
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%ebp, %ebp
	xorl	%edi, %edi
	lldt	%cx
	jmp	*%eax
SYM_CODE_END(in_pm32)

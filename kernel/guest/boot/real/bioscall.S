/*
 * A service of the BIOS: an interrupt whose number is a variable, which is a far call through the vector table with the
 * flags on the stack (Linux: arch/x86/boot/bioscall.S).
 */
#include <asm/linkage.h>

#define REGS		44	/* sizeof(struct biosregs) */
#define SAVED_ECX	24	/* in what pushal leaves */

	.code16
	.section .inittext, "ax"
SYM_CODE_START(intcall)
	pushfl
	pushw	%fs
	pushw	%gs
	pushal

	xorw	%bx, %bx
	movw	%bx, %fs
	movzbw	%al, %bx
	shlw	$2, %bx
	movl	%fs:(%bx), %eax
	movl	%eax, intcall_vector

	subw	$REGS, %sp
	movw	%dx, %si
	movw	%sp, %di
	movw	$(REGS / 4), %cx
	rep movsl
	popal
	popw	%gs
	popw	%fs
	popw	%es
	popw	%ds
	popfl

	pushfw
	lcallw	*%cs:intcall_vector

	pushfl
	pushw	%ds
	pushw	%es
	pushw	%fs
	pushw	%gs
	pushal
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movzwl	%sp, %esp
	movw	(REGS + SAVED_ECX)(%esp), %di
	movw	%sp, %si
	movw	$(REGS / 4), %cx
	rep movsl
	addw	$REGS, %sp

	popal
	popw	%gs
	popw	%fs
	popfl
	retl
SYM_CODE_END(intcall)

	.data
	.balign	4
intcall_vector:
	.long	0

/*
 * long thread_create(unsigned long flags, void *stack, int *tid, void *tls, int (*fn)(void *), void *arg)
 *
 * clone's child has no caller to return to on its new stack: it calls fn(arg) and exits with what that returns.
 * tid is for CLONE_PARENT_SETTID and for CLONE_CHILD_CLEARTID alike. The thread's number, or -errno.
 */
#include <asm/unistd.h>

	.cfi_sections .debug_frame
	.text
	.globl	thread_create
	.type	thread_create, @function
thread_create:
	.cfi_startproc
	andq	$-16, %rsi
	subq	$16, %rsi
	movq	%r8, (%rsi)
	movq	%r9, 8(%rsi)
	movq	%rcx, %r8
	movq	%rdx, %r10
	movl	$__NR_clone, %eax
	syscall
	testq	%rax, %rax
	jz	1f
	ret
1:	.cfi_undefined %rip
	xorl	%ebp, %ebp
	popq	%rax
	popq	%rdi
	call	*%rax
	movl	%eax, %edi
	movl	$__NR_exit, %eax
	syscall
	ud2
	.cfi_endproc
	.size	thread_create, . - thread_create

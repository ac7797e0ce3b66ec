/*
 * The first instruction of every program: the stack holds argc, argv, NULL, envp, NULL and the auxiliary vector.
 */
	.cfi_sections .debug_frame
	.text
	.globl	_start
	.type	_start, @function
_start:
	.cfi_startproc
	.cfi_undefined %rip
	xorl	%ebp, %ebp
	movq	(%rsp), %rdi
	leaq	8(%rsp), %rsi
	leaq	8(%rsi, %rdi, 8), %rdx
	movq	%rdx, environ(%rip)
	call	main
	movl	%eax, %edi
	call	exit_group
	ud2
	.cfi_endproc
	.size	_start, . - _start

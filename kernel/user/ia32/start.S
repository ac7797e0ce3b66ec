/* The first instruction of a 32-bit program: the same stack as in 64 bits, in words of four bytes. */
	.text
	.code32
	.globl	_start
_start:
	xorl	%ebp, %ebp
	movl	%esp, %eax
	andl	$-16, %esp
	subl	$12, %esp
	pushl	%eax
	call	begin
	movl	%eax, %ebx
	movl	$1, %eax
	int	$0x80
	ud2

	.globl	int80
/* long int80(nr, ebx, ecx, edx) */
int80:
	pushl	%ebx
	movl	8(%esp), %eax
	movl	12(%esp), %ebx
	movl	16(%esp), %ecx
	movl	20(%esp), %edx
	int	$0x80
	popl	%ebx
	ret

	.globl	sysenter
/* The same by the address in AT_SYSINFO, which is the vDSO's __kernel_vsyscall. */
sysenter:
	pushl	%ebx
	movl	8(%esp), %eax
	movl	12(%esp), %ebx
	movl	16(%esp), %ecx
	movl	20(%esp), %edx
	call	*at_sysinfo
	popl	%ebx
	ret

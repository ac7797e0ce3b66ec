/*
 * The pages that every program finds in its address space. The 64-bit one is a shared object, linked on its own; the
 * 32-bit one is so small that it is written out here.
 */
#include <asm/layout.h>
#include <asm/unistd.h>

	.section .rodata..vdso, "a", @progbits
	.balign	PAGE_SIZE
	.globl	vdso_image_64, vdso_image_64_end
vdso_image_64:
	.incbin	"vdso64.so"
	.balign	PAGE_SIZE
vdso_image_64_end:

/*
 * AT_SYSINFO of 32-bit programs: EAX number, EBX ECX EDX ESI EDI EBP arguments, as for int $0x80, by SYSENTER, which
 * remembers neither where it came from nor the stack. So the stack is in EBP, and the way back is known to the kernel
 * (Linux: arch/x86/entry/vdso/vdso32/system_call.S).
 */
	.globl	vdso_image_32, vdso32_landing_pad, vdso_image_32_end
	.code32
vdso_image_32:
__kernel_vsyscall:
	pushl	%ecx
	pushl	%edx
	pushl	%ebp
	movl	%esp, %ebp
	sysenter
	int	$IA32_SYSCALL_VECTOR
vdso32_landing_pad:
	popl	%ebp
	popl	%edx
	popl	%ecx
	ret
	.balign	PAGE_SIZE
vdso_image_32_end:

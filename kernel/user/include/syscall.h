#ifndef _SYSCALL_H
#define _SYSCALL_H

/*
 * SYSCALL: RAX the number, RDI RSI RDX R10 R8 R9 the arguments; RCX and R11 are lost; RAX the result, which is
 * -errno for an error. Nothing here turns that into -1 and errno: what the kernel said is what is seen.
 *
 * Always inlined: gdb takes a caller whose stack lies below its callee's, as ring 3's does, for a broken stack,
 * except where the caller is an inlined function.
 */
static inline __attribute__((__always_inline__)) long syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long ret;

	asm volatile("syscall"
		     : "=a"(ret)
		     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return ret;
}

#define syscall0(nr)			syscall6(nr, 0, 0, 0, 0, 0, 0)
#define syscall1(nr, a)			syscall6(nr, a, 0, 0, 0, 0, 0)
#define syscall2(nr, a, b)		syscall6(nr, a, b, 0, 0, 0, 0)
#define syscall3(nr, a, b, c)		syscall6(nr, a, b, c, 0, 0, 0)
#define syscall4(nr, a, b, c, d)	syscall6(nr, a, b, c, d, 0, 0)
#define syscall5(nr, a, b, c, d, e)	syscall6(nr, a, b, c, d, e, 0)

#endif

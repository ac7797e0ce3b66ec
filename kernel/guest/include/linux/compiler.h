#ifndef _LINUX_COMPILER_H
#define _LINUX_COMPILER_H

/* Addresses of the user's half: only the functions of <asm/uaccess.h> may follow them. */
#define __user

/* A function that backtraces must show and breakpoints must find, whatever the compiler is told. */
#define noinline		__attribute__((__noinline__))
#define __noreturn		__attribute__((__noreturn__))
#define __packed		__attribute__((__packed__))
#define __aligned(n)		__attribute__((__aligned__(n)))
#define __section(name)		__attribute__((__section__(name)))
#define __used			__attribute__((__used__))
#define __printf(format, first)	__attribute__((__format__(__printf__, format, first)))

/* Code and data needed only while booting. */
#define __init			__section(".init.text")
#define __initdata		__section(".init.data")

/* Each processor has its own: see asm/percpu.h. */
#define __percpu		__section(".data..percpu")
#define __percpu_page_aligned	__section(".data..percpu..page_aligned") __aligned(PAGE_SIZE)

/* What the processor itself reads on its way in, before CR3 is the kernel's: in ring 3's tables too (mm/pti.c), as are __percpu variables. */
#define __cpu_entry_bss		__section(".bss..cpu_entry_area") __aligned(PAGE_SIZE)

#define __page_aligned_bss	__section(".bss..page_aligned") __aligned(PAGE_SIZE)

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define barrier()		asm volatile("" ::: "memory")
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value)	(*(volatile __typeof__(x) *)&(x) = (value))

#endif

#ifndef _ASM_PTRACE_H
#define _ASM_PTRACE_H

#include <asm/segment.h>
#include <linux/types.h>

/* What every entry from ring 3 or by a gate leaves on the kernel stack; entry_64.S pushes it upside down. */
struct pt_regs {
	/* Callee-saved by the C convention. */
	unsigned long r15;
	unsigned long r14;
	unsigned long r13;
	unsigned long r12;
	unsigned long bp;
	unsigned long bx;
	/* Clobbered by calls. */
	unsigned long r11;
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	/* System-call number; -1 on exceptions and interrupts. */
	unsigned long orig_ax;
	/* Pushed by the processor, popped by IRETQ. */
	unsigned long ip;
	unsigned long cs;
	unsigned long flags;
	unsigned long sp;
	unsigned long ss;
};

static inline bool user_mode(const struct pt_regs *regs)
{
	return (regs->cs & SEGMENT_RPL_MASK) == USER_RPL;
}

/* The task's registers of its first entry from ring 3: they end at the top of its kernel stack. */
#define task_pt_regs(task)	((struct pt_regs *)(task)->thread.sp0 - 1)

#endif

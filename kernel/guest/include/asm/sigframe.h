#ifndef _ASM_SIGFRAME_H
#define _ASM_SIGFRAME_H

#include <asm/processor.h>
#include <linux/signal.h>

/* The registers of the interrupted program (arch/x86/include/uapi/asm/sigcontext.h). */
struct sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 di, si, bp, bx, dx, ax, cx, sp, ip;
	u64 flags;
	u16 cs, gs, fs, ss;
	u64 err;			/* of the exception that raised the signal, if one did */
	u64 trapno;
	u64 oldmask;
	u64 cr2;
	struct fxregs_state __user *fpstate;
	u64 reserved1[8];
};

enum {
	UC_SIGCONTEXT_SS = 0x2,		/* ss was saved */
	UC_STRICT_RESTORE_SS = 0x4,	/* and rt_sigreturn loads it */
};

struct ucontext {
	unsigned long uc_flags;
	struct ucontext __user *uc_link;
	stack_t uc_stack;
	struct sigcontext uc_mcontext;
	sigset_t uc_sigmask;
};

union siginfo {
	struct kernel_siginfo known;
	u8 bytes[SI_MAX_SIZE];
};

/* What a handler finds at its stack pointer. */
struct rt_sigframe {
	char __user *pretcode;		/* sa_restorer, which calls rt_sigreturn */
	struct ucontext uc;
	union siginfo info;
};

BUILD_BUG_ON(sizeof(struct sigcontext) != 256 || sizeof(struct rt_sigframe) != 8 + 304 + 128);

#define SYSCALL_INSN_SIZE 2		/* SYSCALL, int $0x80 and SYSENTER alike */

#endif

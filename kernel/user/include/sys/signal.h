#ifndef _SYS_SIGNAL_H
#define _SYS_SIGNAL_H

#include <linux/signal.h>
#include <stddef.h>

/* Linux's own layouts, without what a C library puts over them. */
typedef struct {
	unsigned long sig;
} sigset_t;

typedef struct {
	int si_signo;
	int si_errno;
	int si_code;
	int _pad;
	union {
		struct {
			int si_pid;
			unsigned int si_uid;
			union {
				int si_status;
				long si_value;
			};
		};
		void *si_addr;
		char _room[112];
	};
} siginfo_t;

struct sigaction {
	union {
		void (*sa_handler)(int sig);
		void (*sa_sigaction)(int sig, siginfo_t *info, void *context);
	};
	unsigned long sa_flags;
	void (*sa_restorer)(void);
	sigset_t sa_mask;
};

typedef struct {
	void *ss_sp;
	int ss_flags;
	size_t ss_size;
} stack_t;

/* The registers that a handler's third argument leads to. */
struct sigcontext {
	unsigned long r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	unsigned short cs, gs, fs, ss;
	unsigned long err, trapno, oldmask, cr2;
	void *fpstate;
	unsigned long reserved[8];
};

typedef struct ucontext {
	unsigned long uc_flags;
	struct ucontext *uc_link;
	stack_t uc_stack;
	struct sigcontext uc_mcontext;
	sigset_t uc_sigmask;
} ucontext_t;

#endif

#ifndef _SYS_SIGNAL_H
#define _SYS_SIGNAL_H

#include <stddef.h>

/* Linux's own numbers and layouts, without what a C library puts over them. */
enum {
	SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2,
	SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGXCPU,
	SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS,
	SIGRTMIN = 32,
	NSIG = 64,
};

typedef struct {
	unsigned long sig;
} sigset_t;

#define sigmask(number) (1UL << ((number) - 1))

#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)

enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };

enum {
	SA_NOCLDSTOP = 1, SA_NOCLDWAIT = 2, SA_SIGINFO = 4, SA_RESTORER = 0x04000000, SA_ONSTACK = 0x08000000,
	SA_RESTART = 0x10000000, SA_NODEFER = 0x40000000, SA_RESETHAND = (int)0x80000000,
};

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

enum {
	SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = -1, SI_TKILL = -6,
	ILL_ILLOPN = 2, FPE_INTDIV = 1, FPE_FLTDIV = 3, FPE_FLTINV = 7, SEGV_MAPERR = 1, SEGV_ACCERR = 2, TRAP_TRACE = 2,
	CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED,
};

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

enum { SS_ONSTACK = 1, SS_DISABLE = 2 };

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

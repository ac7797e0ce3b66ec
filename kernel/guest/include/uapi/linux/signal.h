#ifndef _UAPI_LINUX_SIGNAL_H
#define _UAPI_LINUX_SIGNAL_H

/* Signals, and what sigaction and its relatives are told of them (Linux: arch/x86/include/uapi/asm/signal.h). */
enum {
	SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2,
	SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGXCPU,
	SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS,
	SIGRTMIN = 32,
	_NSIG = 64,
};

#define sigmask(sig) (1UL << ((sig) - 1))

typedef void (*__sighandler_t)(int);

#define SIG_DFL ((__sighandler_t)0)
#define SIG_IGN ((__sighandler_t)1)

enum {
	SA_NOCLDSTOP = 0x00000001,	/* no SIGCHLD for children that stop */
	SA_NOCLDWAIT = 0x00000002,	/* children leave no zombies */
	SA_SIGINFO = 0x00000004,	/* the handler gets a siginfo_t and a context */
	SA_RESTORER = 0x04000000,	/* sa_restorer is set: x86-64 has no other way back */
	SA_ONSTACK = 0x08000000,
	SA_RESTART = 0x10000000,
	SA_NODEFER = 0x40000000,
	SA_RESETHAND = (int)0x80000000,
};

enum { SIG_BLOCK = 0, SIG_UNBLOCK = 1, SIG_SETMASK = 2 };
enum { SS_ONSTACK = 1, SS_DISABLE = 2, MINSIGSTKSZ = 2048 };

/* si_code: who sent it, or what the processor found (Linux: include/uapi/asm-generic/siginfo.h). */
enum {
	SI_USER = 0,		/* kill */
	SI_KERNEL = 0x80,
	SI_QUEUE = -1,		/* rt_sigqueueinfo */
	SI_TIMER = -2,
	SI_TKILL = -6,
	ILL_ILLOPN = 2,
	FPE_INTDIV = 1, FPE_INTOVF, FPE_FLTDIV, FPE_FLTOVF, FPE_FLTUND, FPE_FLTRES, FPE_FLTINV,
	SEGV_MAPERR = 1, SEGV_ACCERR, SEGV_BNDERR,
	BUS_ADRALN = 1, BUS_ADRERR,
	TRAP_BRKPT = 1, TRAP_TRACE,
	CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED,
};

#endif

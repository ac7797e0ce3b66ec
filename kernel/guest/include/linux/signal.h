#ifndef _LINUX_SIGNAL_H
#define _LINUX_SIGNAL_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <uapi/linux/signal.h>

struct pt_regs;
struct task_struct;

typedef struct {
	unsigned long sig[1];
} sigset_t;

/* What a signal does when nobody has said otherwise; all others end the process. */
#define SIG_KERNEL_ONLY_MASK	 (sigmask(SIGKILL) | sigmask(SIGSTOP))
#define SIG_KERNEL_STOP_MASK	 (sigmask(SIGSTOP) | sigmask(SIGTSTP) | sigmask(SIGTTIN) | sigmask(SIGTTOU))
#define SIG_KERNEL_IGNORE_MASK	 (sigmask(SIGCONT) | sigmask(SIGCHLD) | sigmask(SIGWINCH) | sigmask(SIGURG))
#define SIG_KERNEL_COREDUMP_MASK (sigmask(SIGQUIT) | sigmask(SIGILL) | sigmask(SIGTRAP) | sigmask(SIGABRT) |	\
				  sigmask(SIGFPE) | sigmask(SIGSEGV) | sigmask(SIGBUS) | sigmask(SIGSYS) |	\
				  sigmask(SIGXCPU) | sigmask(SIGXFSZ))

/* Those that an instruction of the task itself raised: they are taken before all others. */
#define SYNCHRONOUS_MASK	 (sigmask(SIGSEGV) | sigmask(SIGBUS) | sigmask(SIGILL) | sigmask(SIGTRAP) |	\
				  sigmask(SIGFPE) | sigmask(SIGSYS))

#define sig_kernel_only(sig)	 (!!(sigmask(sig) & SIG_KERNEL_ONLY_MASK))
#define sig_kernel_stop(sig)	 (!!(sigmask(sig) & SIG_KERNEL_STOP_MASK))
#define sig_kernel_ignore(sig)	 (!!(sigmask(sig) & SIG_KERNEL_IGNORE_MASK))
#define sig_kernel_coredump(sig) (!!(sigmask(sig) & SIG_KERNEL_COREDUMP_MASK))

struct sigaction {
	__sighandler_t sa_handler;
	unsigned long sa_flags;
	void (*sa_restorer)(void);
	sigset_t sa_mask;
};

struct k_sigaction {
	struct sigaction sa;
};

typedef union sigval {
	int sival_int;
	void *sival_ptr;
} sigval_t;

/* What differs by the kind of signal. */
union __sifields {
	struct { pid_t _pid; u32 _uid; } _kill;
	struct { pid_t _pid; u32 _uid; sigval_t _sigval; } _rt;
	struct { pid_t _pid; u32 _uid; int _status; long _utime, _stime; } _sigchld;
	struct { void *_addr; } _sigfault;
};

typedef struct kernel_siginfo {
	int si_signo;
	int si_errno;
	int si_code;
	union __sifields _sifields;
} kernel_siginfo_t;

/* As a program has it: the same with room for more. */
#define SI_MAX_SIZE 128

#define si_pid		_sifields._kill._pid
#define si_uid		_sifields._kill._uid
#define si_value	_sifields._rt._sigval
#define si_status	_sifields._sigchld._status
#define si_utime	_sifields._sigchld._utime
#define si_stime	_sifields._sigchld._stime
#define si_addr		_sifields._sigfault._addr

/* In place of a siginfo: nothing is known but that a user, or the kernel, sent it. */
#define SEND_SIG_NOINFO	((struct kernel_siginfo *)0)
#define SEND_SIG_PRIV	((struct kernel_siginfo *)1)

typedef struct sigaltstack {
	void __user *ss_sp;
	int ss_flags;
	size_t ss_size;
} stack_t;

/* Signals that were sent and not taken yet: the set, and what is known of each. */
struct sigpending {
	struct list_head list;		/* of sigqueue.list */
	sigset_t signal;
};

struct sigqueue {
	struct list_head list;
	kernel_siginfo_t info;
};

/* One signal on its way to its handler. */
struct ksignal {
	struct k_sigaction ka;
	kernel_siginfo_t info;
	int sig;
};

/* Whom a signal is for: one thread, or whichever of the process takes it. */
enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX };

static inline bool sigismember(const sigset_t *set, int sig)
{
	return set->sig[0] & sigmask(sig);
}

static inline void sigaddset(sigset_t *set, int sig)
{
	set->sig[0] |= sigmask(sig);
}

static inline void sigdelset(sigset_t *set, int sig)
{
	set->sig[0] &= ~sigmask(sig);
}

static inline bool valid_signal(unsigned long sig)
{
	return sig <= _NSIG;
}

/* signal.c */
void init_sigpending(struct sigpending *sig);
void flush_sigqueue(struct sigpending *queue);
void flush_signal_handlers(struct task_struct *t, bool force_default);
bool sig_ignored(struct task_struct *t, int sig, bool force);
void recalc_sigpending(void);
int dequeue_signal(const sigset_t *mask, kernel_siginfo_t *info);
void signal_wake_up(struct task_struct *t, bool fatal);
int send_signal_locked(int sig, struct kernel_siginfo *info, struct task_struct *t, enum pid_type type);
int do_send_sig_info(int sig, struct kernel_siginfo *info, struct task_struct *p, enum pid_type type);
int send_sig(int sig, struct task_struct *p, bool priv);
int kill_pgrp(pid_t pgrp, int sig, bool priv);

/* force_sig.c */
void force_sig(int sig);
void force_sig_fault(int sig, int code, void __user *addr);
void force_fatal_sig(int sig);
void force_sigsegv(int sig);
bool unhandled_signal(struct task_struct *tsk, int sig);

/* get_signal.c */
bool get_signal(struct ksignal *ksig);
void signal_setup_done(bool failed, struct ksignal *ksig);
bool do_notify_parent(struct task_struct *tsk, int sig);
void zap_other_threads(struct task_struct *p);
void exit_signals(struct task_struct *tsk);

/* sigaction.c */
void __set_current_blocked(const sigset_t *newset);
void set_current_blocked(sigset_t *newset);
void restore_saved_sigmask(void);
int set_user_sigmask(const sigset_t __user *umask, size_t sigsetsize);
void restore_altstack(const stack_t *uss);
int copy_siginfo_to_user(void __user *to, const kernel_siginfo_t *from);

/* entry/signal_64.c */
void arch_do_signal_or_restart(struct pt_regs *regs);

#endif

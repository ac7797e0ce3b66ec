#ifndef _LINUX_SCHED_SIGNAL_H
#define _LINUX_SCHED_SIGNAL_H

#include <linux/hrtimer.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/signal.h>

struct tty_struct;

/* A timer that counts what the process uses, in ticks; 0: not set. */
struct cpu_itimer {
	u64 expires;
	u64 incr;
};

enum { CPUCLOCK_VIRT, CPUCLOCK_PROF, CPUCLOCK_MAX };

/* What each signal does; shared by the threads of a process. */
struct sighand_struct {
	int count;
	struct k_sigaction action[_NSIG];
};

/* What the threads of a process have in common besides memory and files. */
struct signal_struct {
	int sigcnt;			/* threads that have not been released */
	atomic_t live;			/* threads that have not begun to exit */
	int nr_threads;
	struct list_head thread_head;	/* of task_struct.thread_node */
	struct wait_queue_head wait_chldexit;
	struct task_struct *curr_target; /* who got the last signal for the process */
	struct sigpending shared_pending;
	int group_exit_code;
	struct task_struct *group_exec_task; /* the thread that waits in de_thread for the others' end */
	int group_stop_count;		/* threads that have still to stop */
	unsigned int flags;
	struct hrtimer real_timer;	/* ITIMER_REAL */
	ktime_t it_real_incr;
	struct cpu_itimer it[CPUCLOCK_MAX];
	pid_t pgrp;			/* Linux: pids[PIDTYPE_PGID], PIDTYPE_SID */
	pid_t session;
	bool leader;			/* of the session */
	struct tty_struct *tty;		/* the controlling terminal */
	u64 utime, stime;		/* of threads that are gone, in ticks */
	u64 cutime, cstime;		/* of children that were waited for */
	struct rlimit rlim[RLIM_NLIMITS];
};

enum {
	SIGNAL_STOP_STOPPED = 0x01,	/* every thread has stopped */
	SIGNAL_STOP_CONTINUED = 0x02,	/* SIGCONT since, and wait has not said so */
	SIGNAL_GROUP_EXIT = 0x04,
	SIGNAL_CLD_STOPPED = 0x10,	/* the parent is still to be told */
	SIGNAL_CLD_CONTINUED = 0x20,
	SIGNAL_CLD_MASK = SIGNAL_CLD_STOPPED | SIGNAL_CLD_CONTINUED,
	SIGNAL_STOP_MASK = SIGNAL_CLD_MASK | SIGNAL_STOP_STOPPED | SIGNAL_STOP_CONTINUED,
	SIGNAL_UNKILLABLE = 0x40,	/* task 1: what it has no handler for does nothing */
};

enum {
	JOBCTL_STOP_PENDING = 1 << 17,	/* the thread is to stop with its process */
};

extern struct signal_struct init_signals;
extern struct sighand_struct init_sighand;

#define for_each_thread(p, t) list_for_each_entry(t, &(p)->signal->thread_head, thread_node)

static inline bool thread_group_leader(const struct task_struct *p)
{
	return p->exit_signal >= 0;
}

static inline bool thread_group_empty(const struct task_struct *p)
{
	return p->signal->thread_head.next == p->signal->thread_head.prev;
}

static inline bool signal_pending(const struct task_struct *p)
{
	return test_tsk_thread_flag(p, TIF_SIGPENDING);
}

static inline bool fatal_signal_pending(const struct task_struct *p)
{
	return signal_pending(p) && sigismember(&p->pending.signal, SIGKILL);
}

/* Put back, on the way to ring 3, the mask that a call such as rt_sigsuspend has replaced. */
static inline void set_restore_sigmask(void)
{
	current->restore_sigmask = true;
}

static inline unsigned long rlimit(unsigned int limit)
{
	return current->signal->rlim[limit].rlim_cur;
}

/* sighand.c */
int copy_sighand(u64 clone_flags, struct task_struct *p);
int copy_signal(u64 clone_flags, struct task_struct *p);
void put_signal_struct(struct signal_struct *sig);
void put_sighand_struct(struct sighand_struct *sighand);

/* de_thread.c */
int de_thread(void);
int unshare_sighand(void);
int unshare_files(void);

/* exit.c */
void do_group_exit(int exit_code) __noreturn;
bool is_current_pgrp_orphaned(void);
void wake_up_parent(struct task_struct *parent);

/* itimer.c */
void account_process_tick(struct task_struct *p, bool user_tick);
void exit_itimers(void);
void itimer_init(struct signal_struct *sig);

/* drivers/tty_jobctrl.c */
void disassociate_ctty(bool on_exit);

#endif

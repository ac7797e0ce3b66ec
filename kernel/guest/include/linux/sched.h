#ifndef _LINUX_SCHED_H
#define _LINUX_SCHED_H

#include <asm/processor.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/smp.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/wait.h>

#define TASK_COMM_LEN		16

/* task_struct.__state: what may wake the task. */
#define TASK_RUNNING		0x0000	/* on the run queue, or running */
#define TASK_INTERRUPTIBLE	0x0001	/* sleeping; a signal ends that */
#define TASK_UNINTERRUPTIBLE	0x0002
#define __TASK_STOPPED		0x0004
#define TASK_DEAD		0x0080	/* gives up the processor for the last time */
#define TASK_WAKEKILL		0x0100	/* a signal that ends the task ends the sleep */
#define TASK_KILLABLE		(TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_STOPPED		(TASK_WAKEKILL | __TASK_STOPPED)
#define TASK_NORMAL		(TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)

/* task_struct.exit_state */
#define EXIT_DEAD		0x10	/* being freed */
#define EXIT_ZOMBIE		0x20	/* waiting for the parent's wait4 */

#define PF_IDLE			0x00000002	/* runs when nothing else can */
#define PF_EXITING		0x00000004
#define PF_FORKNOEXEC		0x00000040	/* forked, and has not called execve since */
#define PF_SIGNALED		0x00000400	/* a signal ended it */
#define PF_NPROC_EXCEEDED	0x00001000	/* by setuid: execve must look again */
#define PF_MEMALLOC		0x00000800	/* is freeing memory: must not be asked to */
#define PF_KTHREAD		0x00200000
#define PF_RANDOMIZE		0x00400000	/* its program's addresses are random */

#define NR_OPEN_DEFAULT		64

struct completion;
struct signal_struct;
struct sighand_struct;

struct files_struct {
	unsigned int count;		/* tasks that share it */
	unsigned long close_on_exec;	/* a bit for each descriptor */
	struct file *fd_array[NR_OPEN_DEFAULT];
};

#define MAX_RT_PRIO		100	/* below it are Linux's real-time priorities, which we have none of */
#define MIN_NICE		(-20)
#define MAX_NICE		19
#define DEFAULT_PRIO		120
#define NICE_TO_PRIO(nice)	(DEFAULT_PRIO + (int)(nice))
#define PRIO_TO_NICE(prio)	((prio) - DEFAULT_PRIO)
#define NICE_0_LOAD		1024

/* What the Completely Fair Scheduler knows of a task; times in ns. */
struct sched_entity {
	unsigned long load;		/* the weight of its nice value; NICE_0_LOAD for nice 0 */
	struct rb_node run_node;
	unsigned int on_rq;
	u64 exec_start;			/* when it was charged last */
	u64 sum_exec_runtime;		/* all it ran */
	u64 vruntime;			/* the same by weight: who has least is next */
	u64 prev_sum_exec_runtime;	/* at the beginning of this turn */
};
struct fs_struct;
struct nsproxy;

/* What entry code looks at on the way to ring 3. */
struct thread_info {
	unsigned long flags;
	u32 cpu;			/* where the task runs, or ran last */
};

enum {
	TIF_SIGPENDING = 2,		/* a signal that is not blocked, or a stop, waits */
};

/* How restart_syscall goes on with a call that a signal interrupted. */
struct restart_block {
	long (*fn)(struct restart_block *restart);
	u64 expires;			/* in jiffies */
	void __user *user;		/* where to tell how much time is left */
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	unsigned int flags;
	int usage;			/* one for whoever reaps it, one for the scheduler */
	void *stack;			/* lowest address of the kernel stack, THREAD_SIZE bytes */
	int on_rq;			/* runnable, or running */
	int static_prio;		/* NICE_TO_PRIO */
	unsigned int time_slice;	/* ticks left, with sched=rr */
	bool need_resched;
	struct cpumask cpus_mask;	/* processors that it may run on: sched_setaffinity */
	int dest_cpu;			/* to be moved there when it gives way; -1: to stay */
	struct sched_entity se;
	unsigned long nvcsw;		/* context switches: it went to sleep */
	unsigned long nivcsw;		/* and it had to give way */

	int exit_state;
	int exit_code;			/* as wait4 reports it: status << 8, or the signal that killed */
	int exit_signal;		/* what the parent gets; -1 in threads that do not lead their process */
	unsigned int jobctl;

	pid_t pid;
	pid_t tgid;
	char comm[TASK_COMM_LEN];

	struct mm_struct *mm;		/* NULL in a kernel thread */
	struct mm_struct *active_mm;	/* whose page tables are loaded while it runs */
	struct files_struct *files;
	struct cred *cred;
	unsigned int personality;	/* see linux/personality.h */
	bool no_new_privs;		/* execve grants nothing: prctl(PR_SET_NO_NEW_PRIVS) */
	unsigned long min_flt, maj_flt;	/* page faults served, without and with a disk */
	struct fs_struct *fs;
	struct nsproxy *nsproxy;

	struct task_struct *real_parent; /* who made it */
	struct task_struct *parent;	/* who gets exit_signal and waits: the same, since nobody traces */
	struct list_head children;	/* of sibling; in the leader, whichever thread made them */
	struct list_head sibling;
	struct task_struct *group_leader;
	struct list_head thread_group;	/* the process's threads in a ring without a head: until 6.6 */
	struct list_head thread_node;	/* in signal->thread_head: since 3.14 */
	struct list_head tasks;		/* leaders of all processes, headed by init_task */
	struct list_head run_list;

	struct completion *vfork_done;	/* the parent of a vfork waits for it */
	int __user *set_child_tid;	/* CLONE_CHILD_SETTID */
	int __user *clear_child_tid;	/* CLONE_CHILD_CLEARTID, set_tid_address */
	void __user *robust_list;

	struct signal_struct *signal;
	struct sighand_struct *sighand;
	sigset_t blocked;
	sigset_t real_blocked;		/* for rt_sigtimedwait: what is blocked but for its wait */
	sigset_t saved_sigmask;
	bool restore_sigmask;		/* Linux: TIF_RESTORE_SIGMASK */
	struct sigpending pending;
	unsigned long sas_ss_sp;	/* sigaltstack */
	size_t sas_ss_size;
	unsigned int sas_ss_flags;
	struct restart_block restart_block;

	u64 utime, stime;		/* ticks in ring 3 and in the kernel */
	u64 start_time;			/* nanoseconds since boot */

	struct thread_struct thread;
};

extern u8 init_stack[THREAD_SIZE];
extern struct task_struct init_task;
extern struct task_struct *current_task;

#define current										\
	({										\
		struct task_struct *__task;						\
											\
		asm volatile("movq %%gs:percpu_current_task, %0" : "=r"(__task));	\
		__task;									\
	})

/* The registers that the system call under way will return with. */
#define current_pt_regs() (current->thread.regs)

/* Is it an int $0x80 from ring 3, or a 32-bit program's SYSENTER: are pointers 32 bits? */
#define in_ia32_syscall() (current->thread.status & TS_COMPAT)

/* Every process, by its leader. */
#define for_each_process(p) list_for_each_entry(p, &init_task.tasks, tasks)

static inline bool is_global_init(const struct task_struct *tsk)
{
	return tsk->tgid == 1;
}

static inline bool is_idle_task(const struct task_struct *p)
{
	return p->flags & PF_IDLE;
}

static inline int task_cpu(const struct task_struct *p)
{
	return p->thread_info.cpu;
}

static inline bool test_tsk_thread_flag(const struct task_struct *tsk, int flag)
{
	return READ_ONCE(tsk->thread_info.flags) & 1UL << flag;
}

static inline void set_tsk_thread_flag(struct task_struct *tsk, int flag)
{
	asm volatile("btsq %1, %0" : "+m"(tsk->thread_info.flags) : "r"((unsigned long)flag) : "memory");
}

static inline void clear_tsk_thread_flag(struct task_struct *tsk, int flag)
{
	asm volatile("btrq %1, %0" : "+m"(tsk->thread_info.flags) : "r"((unsigned long)flag) : "memory");
}

static inline struct task_struct *get_task_struct(struct task_struct *t)
{
	t->usage++;
	return t;
}

/* sched/core.c */
void schedule(void);
bool cond_resched(void);
void sched_fork(struct task_struct *p);
void set_user_nice(struct task_struct *p, long nice);
void scheduler_tick(void);
void hrtick(void);
void schedule_tail(struct task_struct *prev);
bool wake_up_state(struct task_struct *p, unsigned int state);
bool wake_up_process(struct task_struct *p);
void wake_up_new_task(struct task_struct *p);
void set_current_state(unsigned int state);
void sched_exec(void);
void scheduler_ipi(void);
bool idle_cpu(int cpu);
void init_idle(struct task_struct *idle, int cpu);
void kick_process(struct task_struct *p);
void cpu_idle(void) __noreturn;

/* sched/affinity.c */
int set_cpus_allowed(struct task_struct *p, const struct cpumask *mask);

/* sched/debug.c */
void show_state(void);
unsigned long nr_context_switches(void);
char task_state_to_char(const struct task_struct *p);

/* timer.c */
extern unsigned long jiffies;
long schedule_timeout(long timeout);
void run_timer_softirq(void);
u64 local_clock(void);
void time_init(void);
void tsc_init(void);

/* fork.c */
struct kernel_clone_args {
	u64 flags;			/* CLONE_* */
	int exit_signal;
	unsigned long stack;		/* 0: the caller's */
	unsigned long tls;
	int __user *parent_tid;
	int __user *child_tid;
	int (*fn)(void *);		/* a kernel thread's function, and its argument */
	void *fn_arg;
	const char *name;
	bool kthread;			/* the kernel's own for ever: task 0's child, whoever asks for it */
};

pid_t kernel_clone(struct kernel_clone_args *args);
struct task_struct *fork_idle(int cpu);
pid_t kernel_thread(int (*fn)(void *), void *arg, const char *name);
pid_t kthread_run(int (*fn)(void *), void *arg, const char *name);
void put_task_struct(struct task_struct *t);
void set_task_comm(struct task_struct *tsk, const char *name);

/* vfork.c */
void wait_for_vfork_done(struct task_struct *child, struct completion *vfork);
void mm_release(struct task_struct *tsk);

/* pid.c */
pid_t alloc_pid(void);
struct task_struct *find_task_by_vpid(pid_t nr);

/* exit.c */
void do_exit(long code) __noreturn;
void release_task(struct task_struct *p);

/* wait.c */
long kernel_wait4(pid_t pid, int *stat_addr, int options);

/* umh.c */
int call_usermodehelper(const char *path, const char *const *argv, const char *const *envp);

/* process.c */
void flush_thread(void);
void copy_thread(struct task_struct *p, const struct kernel_clone_args *args);

/* fpu.c */
void fpu_init(void);
void fpu_copy(struct thread_struct *dst);
void fpu_flush_thread(void);
void switch_fpu(struct task_struct *prev, struct task_struct *next);
struct fxregs_state *fpu_save(void);
bool fpu_restore(const struct fxregs_state *fx);
int fpu_exception_code(int trap_nr);

/* files.c */
struct files_struct *dup_fd(struct files_struct *oldf);
void put_files_struct(struct files_struct *files);

#endif

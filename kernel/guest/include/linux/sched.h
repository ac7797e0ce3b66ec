#ifndef _LINUX_SCHED_H
#define _LINUX_SCHED_H

#include <asm/processor.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/resource.h>
#include <linux/wait.h>

#define TASK_COMM_LEN		16

#define TASK_RUNNING		0x00	/* on the run queue, or running */
#define TASK_INTERRUPTIBLE	0x01	/* sleeping */
#define EXIT_DEAD		0x10	/* being freed */
#define EXIT_ZOMBIE		0x20	/* waiting for the parent's wait4 */

#define PF_NPROC_EXCEEDED	0x00001000	/* by setuid: execve must look again */
#define PF_KTHREAD		0x00200000

#define NR_OPEN_DEFAULT		64

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

struct task_struct {
	unsigned int __state;
	unsigned int flags;
	void *stack;			/* lowest address of the kernel stack, THREAD_SIZE bytes */
	int on_rq;			/* runnable, or running */
	int static_prio;		/* NICE_TO_PRIO */
	unsigned int time_slice;	/* ticks left, with sched=rr */
	bool need_resched;
	struct sched_entity se;
	unsigned long nvcsw;		/* context switches: it went to sleep */
	unsigned long nivcsw;		/* and it had to give way */

	pid_t pid;
	pid_t tgid;
	char comm[TASK_COMM_LEN];
	int fatal_signal;		/* ends the task before it sees ring 3 again */
	int exit_code;			/* as wait4 reports it: status << 8, or the signal that killed */

	struct mm_struct *mm;		/* NULL in a kernel thread */
	struct mm_struct *active_mm;	/* whose page tables are loaded while it runs */
	struct files_struct *files;
	struct cred *cred;
	struct rlimit rlim[RLIM_NLIMITS];
	bool no_new_privs;		/* execve grants nothing: prctl(PR_SET_NO_NEW_PRIVS) */
	unsigned long min_flt, maj_flt;	/* page faults served, without and with a disk */
	struct fs_struct *fs;

	struct task_struct *parent;
	struct list_head children;	/* of sibling */
	struct list_head sibling;
	struct list_head tasks;		/* all tasks, headed by init_task */
	struct list_head run_list;
	struct wait_queue_head wait_chldexit;

	struct thread_struct thread;
};

#define SIGILL	4
#define SIGTRAP	5
#define SIGFPE	8
#define SIGBUS	7
#define SIGKILL	9
#define SIGSEGV	11
#define SIGPIPE	13

extern u8 init_stack[THREAD_SIZE];
extern struct task_struct init_task;
extern struct task_struct *current_task;

#define current (current_task)

/* The registers that the system call under way will return with. */
#define current_pt_regs() (current->thread.regs)

/* Is it an int $0x80 from ring 3, or a 32-bit program's SYSENTER: are pointers 32 bits? */
#define in_ia32_syscall() (current->thread.status & TS_COMPAT)

#define for_each_process(p) list_for_each_entry(p, &init_task.tasks, tasks)

static inline bool is_global_init(const struct task_struct *tsk)
{
	return tsk->pid == 1;
}

/* sched/core.c */
void schedule(void);
bool cond_resched(void);
void sched_fork(struct task_struct *p);
void set_user_nice(struct task_struct *p, long nice);
void scheduler_tick(void);
void hrtick(void);
void schedule_tail(struct task_struct *prev);
void wake_up_process(struct task_struct *p);
void wake_up_new_task(struct task_struct *p);
void set_current_state(unsigned int state);
void sched_exec(void);
void cpu_idle(void) __noreturn;

/* sched/debug.c */
void show_state(void);

/* timer.c */
#define NSEC_PER_SEC	1000000000UL
extern unsigned long jiffies;
void schedule_timeout(unsigned long timeout);
void run_local_timers(void);
u64 local_clock(void);
void time_init(void);
void tsc_init(void);

/* fork.c */
pid_t kernel_thread(int (*fn)(void *), void *arg, const char *name);
void release_task(struct task_struct *p);
void set_task_comm(struct task_struct *tsk, const char *name);

/* exit.c */
void do_exit(long code) __noreturn;
void force_fatal_sig(int sig);
long kernel_wait4(pid_t pid, int *stat_addr, int options);

/* umh.c */
int call_usermodehelper(const char *path, const char *const *argv, const char *const *envp);

/* process.c */
void switch_mm(struct mm_struct *prev, struct mm_struct *next);
void flush_thread(void);
void copy_thread(struct task_struct *p, const struct pt_regs *regs, int (*fn)(void *), void *arg);
void fpu_init(void);

/* files.c */
struct files_struct *dup_fd(struct files_struct *oldf);
void put_files_struct(struct files_struct *files);

#endif

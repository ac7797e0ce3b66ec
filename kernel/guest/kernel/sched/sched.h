#ifndef _KERNEL_SCHED_SCHED_H
#define _KERNEL_SCHED_SCHED_H

#include <linux/rbtree.h>
#include <linux/sched.h>

/* Why a task leaves or enters the queue. */
enum { DEQUEUE_SLEEP = 1, ENQUEUE_WAKEUP = 1, ENQUEUE_NEW = 2 };

/* The Completely Fair Scheduler's part of the run queue. */
struct cfs_rq {
	unsigned long load;			/* sum of the weights of all that are runnable */
	u64 min_vruntime;			/* ns; never goes back */
	struct rb_root_cached tasks_timeline;	/* of se.run_node, by vruntime; without the running task */
};

/* All that may run on a processor. The running task counts as one of them; the idle task never does. */
struct rq {
	int cpu;
	struct task_struct *idle;		/* what runs when nothing else can */
	unsigned int nr_running;
	u64 nr_switches;
	struct task_struct *curr;
	struct mm_struct *prev_mm;		/* borrowed page tables to give back after a switch */
	bool hrtick_armed;
	struct list_head queue;			/* of run_list: the order of rr and coop */
	struct cfs_rq cfs;
};

/* Each processor's own. */
extern struct rq runqueues;

#define cpu_rq(cpu)	per_cpu_ptr(&runqueues, cpu)
#define this_rq()	this_cpu_ptr(&runqueues)
#define task_rq(p)	cpu_rq(task_cpu(p))

/*
 * A policy. Interrupts are off in every function. The task that runs stays on_rq, but outside of the queue:
 * put_prev_task takes it back in, set_next_task takes the next one out.
 */
struct sched_class {
	const char *name;
	void (*enqueue_task)(struct rq *rq, struct task_struct *p, int flags);
	void (*dequeue_task)(struct rq *rq, struct task_struct *p, int flags);
	struct task_struct *(*pick_task)(struct rq *rq);	/* NULL if the queue is empty */
	void (*put_prev_task)(struct rq *rq, struct task_struct *prev);
	void (*set_next_task)(struct rq *rq, struct task_struct *next);
	void (*task_tick)(struct rq *rq, struct task_struct *curr);
	/* May p, just woken, interrupt curr? */
	bool (*wakeup_preempt)(struct rq *rq, struct task_struct *p);
	u64 (*turn_left)(struct rq *rq, struct task_struct *curr);	/* ns; NULL: ticks are enough */
	void (*migrate_task)(struct rq *from, struct rq *to, struct task_struct *p);	/* NULL: nothing to do */
	void (*yield_task)(struct rq *rq);
	void (*reweight_task)(struct rq *rq, struct task_struct *p);	/* NULL: nice means nothing */
};

extern const struct sched_class fair_sched_class, rr_sched_class, coop_sched_class;

/* The one that sched= chose. */
extern const struct sched_class *sched_class;

void resched_curr(struct rq *rq);
void move_task(struct task_struct *p, int cpu);

/* balance.c: which processor a task runs on. */
int select_task_rq(const struct task_struct *p);
bool newidle_balance(struct rq *this_rq);
void trigger_load_balance(struct rq *this_rq);

/* Charge the running task for its time since it was charged last: ns. */
u64 charge_curr(struct rq *rq);

/* hrtick.c: have curr's turn end on time. */
void hrtick_update(struct rq *rq);

/* fair.c */
u64 sched_slice(const struct cfs_rq *cfs_rq, const struct sched_entity *se);
extern u64 sysctl_sched_latency, sysctl_sched_min_granularity, sysctl_sched_wakeup_granularity;

/* rr.c: the queue of rr and coop. */
void list_enqueue_task(struct rq *rq, struct task_struct *p, int flags);
void list_dequeue_task(struct rq *rq, struct task_struct *p, int flags);
struct task_struct *list_pick_task(struct rq *rq);
void list_put_prev_task(struct rq *rq, struct task_struct *prev);
void list_set_next_task(struct rq *rq, struct task_struct *next);
void list_yield_task(struct rq *rq);

#endif

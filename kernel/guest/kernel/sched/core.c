/*
 * The scheduler's core: who runs, how one task's turn ends and the next one's begins. Which one is next, and when
 * a turn is over, a policy says: fair.c, rr.c or coop.c, chosen by sched=cfs|rr|coop. A task gives way when it
 * sleeps, when it returns to ring 3 or comes by cond_resched() with need_resched set, or when it asks to.
 */
#include <asm/irqflags.h>
#include <asm/tlbflush.h>
#include <linux/cred.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <asm/uaccess.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>
#include "sched.h"

__percpu struct rq runqueues = {
	.curr = &init_task,
	.idle = &init_task,
	.queue = LIST_HEAD_INIT(runqueues.queue),
};

const struct sched_class *sched_class = &fair_sched_class;

static int __init sched_setup(char *str)
{
	static const struct sched_class *const classes[] = {
		&fair_sched_class, &rr_sched_class, &coop_sched_class,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++)
		if (!strcmp(str, classes[i]->name))
			sched_class = classes[i];
	return !strcmp(str, sched_class->name);
}
__setup("sched=", sched_setup);

struct task_struct *__switch_to_asm(struct task_struct *prev, struct task_struct *next);

/* The running task ought to give way as soon as it may: it looks on its way to ring 3, and that is now. */
noinline void resched_curr(struct rq *rq)
{
	rq->curr->need_resched = true;
	if (rq != this_rq())
		smp_send_reschedule(rq->cpu);
}

/* From resched_curr's interrupt. The turn may have a new length. */
void scheduler_ipi(void)
{
	hrtick_update(this_rq());
}

/* A signal is not to wait until a task that runs comes into the kernel for a reason of its own. */
void kick_process(struct task_struct *p)
{
	if (task_rq(p)->curr == p && task_cpu(p) != smp_processor_id())
		smp_send_reschedule(task_cpu(p));
}

bool idle_cpu(int cpu)
{
	return is_idle_task(cpu_rq(cpu)->curr) && !cpu_rq(cpu)->nr_running;
}

/* The task that another processor begins as. */
void __init init_idle(struct task_struct *idle, int cpu)
{
	struct rq *rq = cpu_rq(cpu);

	idle->thread_info.cpu = cpu;
	per_cpu(current_task, cpu) = idle;
	rq->cpu = cpu;
	rq->curr = rq->idle = idle;
	INIT_LIST_HEAD(&rq->queue);
}

u64 charge_curr(struct rq *rq)
{
	struct sched_entity *curr = &rq->curr->se;
	u64 now = local_clock(), delta = now - curr->exec_start;

	if (rq->curr == rq->idle || now <= curr->exec_start)
		return 0;
	curr->exec_start = now;
	curr->sum_exec_runtime += delta;
	return delta;
}

static void activate_task(struct rq *rq, struct task_struct *p, int flags)
{
	BUG_ON(p->on_rq);
	sched_class->enqueue_task(rq, p, flags);
	p->on_rq = 1;
	rq->nr_running++;
	if (rq->curr == rq->idle || sched_class->wakeup_preempt(rq, p))
		resched_curr(rq);
	else
		hrtick_update(rq);
}

static void deactivate_task(struct rq *rq, struct task_struct *p, int flags)
{
	BUG_ON(!p->on_rq);
	sched_class->dequeue_task(rq, p, flags);
	p->on_rq = 0;
	rq->nr_running--;
}

/* p, which is in no queue, will be in that processor's. */
static void set_task_cpu(struct task_struct *p, int cpu)
{
	if (sched_class->migrate_task)
		sched_class->migrate_task(task_rq(p), cpu_rq(cpu), p);
	p->thread_info.cpu = cpu;
	p->dest_cpu = -1;
}

/* p could run, and is to do so there. */
void move_task(struct task_struct *p, int cpu)
{
	deactivate_task(task_rq(p), p, 0);
	set_task_cpu(p, cpu);
	activate_task(task_rq(p), p, 0);
}

/* One that waits elsewhere, if none waits here; the idle task, if nothing else can run. */
static noinline struct task_struct *pick_next_task(struct rq *rq)
{
	struct task_struct *next = sched_class->pick_task(rq);

	if (!next && newidle_balance(rq))
		next = sched_class->pick_task(rq);
	if (!next)
		return rq->idle;
	sched_class->set_next_task(rq, next);
	next->se.exec_start = local_clock();
	next->se.prev_sum_exec_runtime = next->se.sum_exec_runtime;
	return next;
}

/* On the new task's stack, interrupts off: prev is off the processor now. */
static void finish_task_switch(struct task_struct *prev)
{
	struct mm_struct *mm = this_rq()->prev_mm;

	BUG_ON(prev == current);
	this_rq()->prev_mm = NULL;
	if (mm)
		mmdrop(mm);
	if (prev->__state == TASK_DEAD)
		put_task_struct(prev);
}

/* A kernel thread has no address space: it keeps the one that is loaded, and counts as its user. */
static noinline void context_switch(struct task_struct *prev, struct task_struct *next)
{
	struct mm_struct *oldmm = prev->active_mm;

	if (next->mm) {
		switch_mm(oldmm, next->mm);
	} else {
		next->active_mm = oldmm;
		oldmm->mm_count++;
	}
	if (!prev->mm) {
		prev->active_mm = NULL;
		this_rq()->prev_mm = oldmm;
	}
	this_rq()->nr_switches++;
	prev = __switch_to_asm(prev, next);
	finish_task_switch(prev);
}

/* Called by ret_from_fork on a new task's first run. */
noinline void schedule_tail(struct task_struct *prev)
{
	finish_task_switch(prev);
	if (!current->set_child_tid)
		return;
	local_irq_enable();
	put_user(current->pid, current->set_child_tid);
	local_irq_disable();
}

/* prev gives way, but could run on: on this processor, or on another one. */
static void put_prev_task(struct rq *rq, struct task_struct *prev)
{
	if (prev->dest_cpu < 0)
		sched_class->put_prev_task(rq, prev);
	else
		move_task(prev, prev->dest_cpu);
}

/*
 * Let the next task run; comes back when it's this one's turn again. A task that is not TASK_RUNNING leaves the
 * queue until wake_up_process.
 */
noinline void schedule(void)
{
	unsigned long flags = local_irq_save();
	struct rq *rq = this_rq();
	struct task_struct *prev = current, *next;
	bool sleeps = prev->__state != TASK_RUNNING;

	if (unlikely(in_atomic()))
		panic("scheduling while atomic: %s/%d/0x%08x", prev->comm, prev->pid, preempt_count());
	prev->need_resched = false;
	if (sleeps)
		deactivate_task(rq, prev, DEQUEUE_SLEEP);
	else if (prev != rq->idle)
		put_prev_task(rq, prev);
	next = rq->curr = pick_next_task(rq);
	hrtick_update(rq);
	if (next != prev) {
		if (sleeps)
			prev->nvcsw++;
		else
			prev->nivcsw++;
		context_switch(prev, next);
	}
	local_irq_restore(flags);
}

/* A preemption point: long work in the kernel calls it where nothing is half done. Did it let others run? */
noinline bool cond_resched(void)
{
	relax_kernel_lock();
	if (!READ_ONCE(current->need_resched))
		return false;
	schedule();
	return true;
}

/* Make a task runnable that sleeps in one of those states; false if it does not. Any context. */
noinline bool wake_up_state(struct task_struct *p, unsigned int state)
{
	unsigned long flags = local_irq_save();
	bool woken = p->__state & state;

	if (woken) {
		p->__state = TASK_RUNNING;
		if (!p->on_rq) {
			set_task_cpu(p, select_task_rq(p));
			activate_task(task_rq(p), p, ENQUEUE_WAKEUP);
		}
	}
	local_irq_restore(flags);
	return woken;
}

noinline bool wake_up_process(struct task_struct *p)
{
	return wake_up_state(p, TASK_NORMAL);
}

/* What a new task has of its parent's: its nice value, and none of its time. */
void sched_fork(struct task_struct *p)
{
	p->static_prio = current->static_prio;
	p->se.load = current->se.load;
	p->cpus_mask = current->cpus_mask;
	p->dest_cpu = -1;
	p->thread_info.cpu = task_cpu(current);
}

void wake_up_new_task(struct task_struct *p)
{
	unsigned long flags = local_irq_save();

	p->thread_info.cpu = select_task_rq(p);
	activate_task(task_rq(p), p, ENQUEUE_NEW);
	local_irq_restore(flags);
}

/* nice: -20, the most time, to 19, the least. */
noinline void set_user_nice(struct task_struct *p, long nice)
{
	unsigned long flags = local_irq_save();

	p->static_prio = NICE_TO_PRIO(nice);
	if (sched_class->reweight_task)
		sched_class->reweight_task(task_rq(p), p);
	local_irq_restore(flags);
}

void set_current_state(unsigned int state)
{
	WRITE_ONCE(current->__state, state);
}

void prepare_to_wait(struct wait_queue_head *wq_head, struct wait_queue_entry *wait, unsigned int state)
{
	unsigned long flags = local_irq_save();

	if (list_empty(&wait->entry))
		list_add_tail(&wait->entry, &wq_head->head);
	set_current_state(state);
	local_irq_restore(flags);
}

void finish_wait(struct wait_queue_entry *wait)
{
	unsigned long flags = local_irq_save();

	set_current_state(TASK_RUNNING);
	list_del_init(&wait->entry);
	local_irq_restore(flags);
}

/* Does a signal end a sleep in that state? -ERESTARTSYS, or 0. */
long signal_ends_wait(unsigned int state)
{
	if (state & TASK_INTERRUPTIBLE ? signal_pending(current) :
	    (state & TASK_WAKEKILL) && fatal_signal_pending(current))
		return -ERESTARTSYS;
	return 0;
}

/* Wake all who wait there; each tests its condition again. Any context. */
void wake_up(struct wait_queue_head *wq_head)
{
	unsigned long flags = local_irq_save();
	struct wait_queue_entry *wait;

	list_for_each_entry(wait, &wq_head->head, entry)
		wake_up_process(wait->task);
	local_irq_restore(flags);
}

/* Called by the timer interrupt, interrupts off. */
noinline void scheduler_tick(void)
{
	struct rq *rq = this_rq();

	if (rq->curr != rq->idle)
		sched_class->task_tick(rq, rq->curr);
	trigger_load_balance(rq);
}

/* The idle task of each processor, for ever: sleep, out of the kernel, until an interrupt makes something runnable. */
noinline void cpu_idle(void)
{
	for (;;) {
		local_irq_disable();
		if (this_rq()->nr_running || current->need_resched) {
			local_irq_enable();
			spawn_ksoftirqd();
			schedule();
		} else {
			unlock_kernel();
			safe_halt();
			lock_kernel();
		}
	}
}

long sys_sched_yield(void)
{
	unsigned long flags = local_irq_save();

	sched_class->yield_task(this_rq());
	schedule();
	local_irq_restore(flags);
	return 0;
}

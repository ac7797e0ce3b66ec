/*
 * sched=rr: one queue, and each its turn of a fixed length, as SCHED_RR has it in Linux's kernel/sched/rt.c.
 * A task that wakes goes to the end of the queue, whoever it is: with ten others before it, it waits ten turns.
 */
#include "sched.h"

#define RR_TIMESLICE (HZ / 50)	/* ticks */

void list_enqueue_task(struct rq *rq, struct task_struct *p, int flags)
{
	list_add_tail(&p->run_list, &rq->queue);
}

/* The running task is not in the queue, and its link is empty. */
void list_dequeue_task(struct rq *rq, struct task_struct *p, int flags)
{
	charge_curr(rq);
	list_del_init(&p->run_list);
}

struct task_struct *list_pick_task(struct rq *rq)
{
	return list_empty(&rq->queue) ? NULL : list_first_entry(&rq->queue, struct task_struct, run_list);
}

void list_put_prev_task(struct rq *rq, struct task_struct *prev)
{
	charge_curr(rq);
	list_add_tail(&prev->run_list, &rq->queue);
}

void list_set_next_task(struct rq *rq, struct task_struct *next)
{
	list_del_init(&next->run_list);
	next->time_slice = RR_TIMESLICE;
}

/* put_prev_task does all there is to do. */
void list_yield_task(struct rq *rq)
{
}

static noinline void task_tick_rr(struct rq *rq, struct task_struct *curr)
{
	charge_curr(rq);
	if (curr->time_slice && --curr->time_slice)
		return;
	curr->time_slice = RR_TIMESLICE;
	if (!list_empty(&rq->queue))
		resched_curr(rq);
}

static bool wakeup_preempt_rr(struct rq *rq, struct task_struct *p)
{
	return false;
}

const struct sched_class rr_sched_class = {
	.name = "rr",
	.enqueue_task = list_enqueue_task,
	.dequeue_task = list_dequeue_task,
	.pick_task = list_pick_task,
	.put_prev_task = list_put_prev_task,
	.set_next_task = list_set_next_task,
	.task_tick = task_tick_rr,
	.wakeup_preempt = wakeup_preempt_rr,
	.yield_task = list_yield_task,
};

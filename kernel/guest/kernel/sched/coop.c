/*
 * sched=coop: nobody is interrupted for another's sake. A task runs until it sleeps, ends or calls
 * sched_yield, so that one which does none of these keeps the processor for itself, for ever, with the timer's
 * interrupts still coming in. Systems were built so (Windows to 3.1, Mac OS to 9); no Linux was.
 */
#include "sched.h"

static noinline void task_tick_coop(struct rq *rq, struct task_struct *curr)
{
	charge_curr(rq);
}

static bool wakeup_preempt_coop(struct rq *rq, struct task_struct *p)
{
	return false;
}

const struct sched_class coop_sched_class = {
	.name = "coop",
	.enqueue_task = list_enqueue_task,
	.dequeue_task = list_dequeue_task,
	.pick_task = list_pick_task,
	.put_prev_task = list_put_prev_task,
	.set_next_task = list_set_next_task,
	.task_tick = task_tick_coop,
	.wakeup_preempt = wakeup_preempt_coop,
	.yield_task = list_yield_task,
};

/*
 * The end of a turn between two ticks (Linux's HRTICK): with 250 ticks a second, a slice of 1.5 ms could only end
 * 4 ms after it began. hrtick=off leaves it to the ticks, as Linux itself does unless asked.
 */
#include <asm/apic.h>
#include <linux/init.h>
#include <linux/string.h>
#include "sched.h"

#define HRTICK_MIN_NS 10000	/* shorter ones would not let the task come far */

static bool hrtick_off;

static int __init hrtick_setup(char *str)
{
	hrtick_off = !strcmp(str, "off");
	return hrtick_off || !strcmp(str, "on");
}
__setup("hrtick=", hrtick_setup);

/* Called when a turn begins, or another task wants one; interrupts off. Another processor's timer only that one can set. */
void hrtick_update(struct rq *rq)
{
	u64 delay = 0;

	if (hrtick_off || !sched_class->turn_left || !apic_timer_present())
		return;
	if (rq != this_rq()) {
		smp_send_reschedule(rq->cpu);
		return;
	}
	if (rq->curr != rq->idle && rq->nr_running > 1)
		delay = max(sched_class->turn_left(rq, rq->curr), (u64)HRTICK_MIN_NS);
	if (delay || rq->hrtick_armed)
		apic_timer_one_shot(delay);
	rq->hrtick_armed = delay;
}

/* From the timer's interrupt: the turn is over, unless another one has begun since. */
noinline void hrtick(void)
{
	struct rq *rq = this_rq();

	rq->hrtick_armed = false;
	if (rq->curr == rq->idle)
		return;
	sched_class->task_tick(rq, rq->curr);
	if (!rq->curr->need_resched)
		hrtick_update(rq);
}

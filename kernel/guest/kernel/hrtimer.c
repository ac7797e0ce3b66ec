/*
 * Timers in nanoseconds, the next one first in a tree (Linux: kernel/time/hrtimer.c). As there with highres=off, the tick
 * looks whose time has come: a timer is up to a tick late, never early.
 */
#include <asm/irqflags.h>
#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/time.h>

/* How late a timer may be. */
unsigned int hrtimer_resolution = NSEC_PER_TICK;

static ktime_t ktime_get(void)
{
	return local_clock();
}

struct hrtimer_cpu_base hrtimer_bases = {
	.clock_base = {
		[HRTIMER_BASE_MONOTONIC] = {
			.cpu_base = &hrtimer_bases,
			.index = HRTIMER_BASE_MONOTONIC,
			.clockid = CLOCK_MONOTONIC,
			.get_time = ktime_get,
		},
	},
};

static bool timerqueue_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct timerqueue_node, node)->expires < rb_entry(b, struct timerqueue_node, node)->expires;
}

static void enqueue_hrtimer(struct hrtimer *timer)
{
	timer->state = HRTIMER_STATE_ENQUEUED;
	rb_add_cached(&timer->node.node, &timer->base->active.rb_root, timerqueue_less);
}

static void remove_hrtimer(struct hrtimer *timer)
{
	if (timer->state == HRTIMER_STATE_INACTIVE)
		return;
	timer->state = HRTIMER_STATE_INACTIVE;
	rb_erase_cached(&timer->node.node, &timer->base->active.rb_root);
}

void hrtimer_init(struct hrtimer *timer, enum hrtimer_restart (*function)(struct hrtimer *timer))
{
	*timer = (struct hrtimer) {
		.function = function, .base = &hrtimer_bases.clock_base[HRTIMER_BASE_MONOTONIC],
	};
}

/* Set it, or set it anew, to a time of its clock. Any context. */
void hrtimer_start(struct hrtimer *timer, ktime_t expires)
{
	unsigned long flags = local_irq_save();

	remove_hrtimer(timer);
	timer->node.expires = timer->_softexpires = expires;
	enqueue_hrtimer(timer);
	local_irq_restore(flags);
}

void hrtimer_cancel(struct hrtimer *timer)
{
	unsigned long flags = local_irq_save();

	remove_hrtimer(timer);
	local_irq_restore(flags);
}

/* By whole intervals into the future. For the timer's own function. */
void hrtimer_forward_now(struct hrtimer *timer, ktime_t interval)
{
	ktime_t late = timer->base->get_time() - timer->node.expires;

	if (late < 0)
		return;
	timer->node.expires += (late / interval + 1) * interval;
	timer->_softexpires = timer->node.expires;
}

/* Until it is due; not more than nothing if it is overdue. */
ktime_t hrtimer_get_remaining(const struct hrtimer *timer)
{
	return timer->node.expires - timer->base->get_time();
}

static noinline void __run_hrtimer(struct hrtimer *timer)
{
	remove_hrtimer(timer);
	if (timer->function(timer) == HRTIMER_RESTART)
		enqueue_hrtimer(timer);
}

/* Called by the tick, interrupts off. */
void hrtimer_run_queues(void)
{
	struct hrtimer_clock_base *base = &hrtimer_bases.clock_base[HRTIMER_BASE_MONOTONIC];
	ktime_t now = base->get_time();
	struct rb_node *next;

	while ((next = rb_first_cached(&base->active.rb_root))) {
		struct hrtimer *timer = rb_entry(next, struct hrtimer, node.node);

		if (timer->node.expires > now)
			break;
		__run_hrtimer(timer);
	}
}

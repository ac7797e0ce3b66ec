#ifndef _LINUX_HRTIMER_H
#define _LINUX_HRTIMER_H

#include <linux/rbtree.h>
#include <linux/types.h>

typedef s64 ktime_t;		/* nanoseconds */

/* Something that is due, among others in the order of their times (Linux: linux/timerqueue.h). */
struct timerqueue_node {
	struct rb_node node;
	ktime_t expires;
};

struct timerqueue_head {
	struct rb_root_cached rb_root;
};

enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };

enum { HRTIMER_STATE_INACTIVE, HRTIMER_STATE_ENQUEUED };

/* A function that is called once its clock has reached a time; interrupts are off. HRTIMER_RESTART: it has a new one. */
struct hrtimer {
	struct timerqueue_node node;
	ktime_t _softexpires;
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	struct hrtimer_clock_base *base;
	u8 state;
};

enum hrtimer_base_type { HRTIMER_BASE_MONOTONIC, HRTIMER_MAX_CLOCK_BASES };

/* The timers of one clock. */
struct hrtimer_clock_base {
	struct hrtimer_cpu_base *cpu_base;
	unsigned int index;
	int clockid;
	struct timerqueue_head active;
	ktime_t (*get_time)(void);
	ktime_t offset;
};

struct hrtimer_cpu_base {
	struct hrtimer_clock_base clock_base[HRTIMER_MAX_CLOCK_BASES];
};

extern struct hrtimer_cpu_base hrtimer_bases;

void hrtimer_init(struct hrtimer *timer, enum hrtimer_restart (*function)(struct hrtimer *timer));
void hrtimer_start(struct hrtimer *timer, ktime_t expires);
void hrtimer_cancel(struct hrtimer *timer);
void hrtimer_forward_now(struct hrtimer *timer, ktime_t interval);
ktime_t hrtimer_get_remaining(const struct hrtimer *timer);
void hrtimer_run_queues(void);

static inline bool hrtimer_active(const struct hrtimer *timer)
{
	return timer->state != HRTIMER_STATE_INACTIVE;
}

#endif

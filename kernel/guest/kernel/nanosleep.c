/* Sleeping for a time, and going on with it after a signal that had no handler (Linux: kernel/time/hrtimer.c). */
#include <asm/uaccess.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>
#include <linux/time.h>

static long nanosleep_restart(struct restart_block *restart);

static int report_rest(void __user *rmtp, long ticks)
{
	struct timespec rest = ns_to_timespec((u64)ticks * NSEC_PER_TICK);

	return rmtp && copy_to_user(rmtp, &rest, sizeof(rest)) ? -EFAULT : 0;
}

/* Until jiffies reaches expires, or a signal comes. */
static noinline long do_nanosleep(u64 expires, void __user *rmtp)
{
	struct restart_block *restart = &current->restart_block;
	long left = (long)(expires - jiffies);

	while (left > 0 && !signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current))
			set_current_state(TASK_RUNNING);
		else
			left = schedule_timeout(left);
	}
	if (left <= 0)
		return 0;
	*restart = (struct restart_block) { .fn = nanosleep_restart, .expires = expires, .user = rmtp };
	return report_rest(rmtp, left) ? -EFAULT : -ERESTART_RESTARTBLOCK;
}

static long nanosleep_restart(struct restart_block *restart)
{
	return do_nanosleep(restart->expires, restart->user);
}

/* The tick that has begun counts for nothing. */
static u64 expiry(const struct timespec *ts)
{
	unsigned long ticks = timespec_to_jiffies(ts);

	return ticks >= MAX_SCHEDULE_TIMEOUT - jiffies - 1 ? MAX_SCHEDULE_TIMEOUT - 1 : jiffies + ticks + 1;
}

noinline long sys_nanosleep(const struct timespec __user *rqtp, struct timespec __user *rmtp)
{
	struct timespec ts;

	if (copy_from_user(&ts, rqtp, sizeof(ts)))
		return -EFAULT;
	return timespec_valid(&ts) ? do_nanosleep(expiry(&ts), rmtp) : -EINVAL;
}

/* To a time of the clock: what is left of it by now, and a signal's handler ends it. */
static long sleep_until(int which_clock, const struct timespec *ts)
{
	u64 now = which_clock == CLOCK_REALTIME ? ktime_get_real() : local_clock();
	u64 then = (u64)ts->tv_sec >= ~0UL / NSEC_PER_SEC ? ~0UL >> 1 : ts->tv_sec * NSEC_PER_SEC + (u64)ts->tv_nsec;
	struct timespec rest;
	long ret;

	if (then <= now)
		return 0;
	rest = ns_to_timespec(then - now);
	ret = do_nanosleep(expiry(&rest), NULL);
	return ret == -ERESTART_RESTARTBLOCK ? -ERESTARTNOHAND : ret;
}

noinline long sys_clock_nanosleep(int which_clock, int flags, const struct timespec __user *rqtp,
				  struct timespec __user *rmtp)
{
	struct timespec ts;

	if (which_clock != CLOCK_REALTIME && which_clock != CLOCK_MONOTONIC && which_clock != CLOCK_BOOTTIME)
		return -EINVAL;
	if (copy_from_user(&ts, rqtp, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	return flags & TIMER_ABSTIME ? sleep_until(which_clock, &ts) : do_nanosleep(expiry(&ts), rmtp);
}

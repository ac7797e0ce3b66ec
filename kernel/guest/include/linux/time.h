#ifndef _LINUX_TIME_H
#define _LINUX_TIME_H

#include <asm/layout.h>
#include <linux/types.h>
#include <uapi/linux/time.h>

#define NSEC_PER_SEC	1000000000UL
#define NSEC_PER_USEC	1000L
#define USEC_PER_SEC	1000000L
#define NSEC_PER_TICK	(NSEC_PER_SEC / HZ)
#define USEC_PER_TICK	(USEC_PER_SEC / HZ)
#define USER_HZ		100	/* of clock_t, as times has it */

#define MAX_SCHEDULE_TIMEOUT ((long)(~0UL >> 1))

static inline bool timespec_valid(const struct timespec *ts)
{
	return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && (unsigned long)ts->tv_nsec < NSEC_PER_SEC;
}

/* Whole ticks that are at least so long; a time that no clock reaches is for ever. */
static inline unsigned long timespec_to_jiffies(const struct timespec *ts)
{
	if (ts->tv_sec >= MAX_SCHEDULE_TIMEOUT / HZ - 1)
		return MAX_SCHEDULE_TIMEOUT;
	return ts->tv_sec * HZ + (ts->tv_nsec + NSEC_PER_TICK - 1) / NSEC_PER_TICK;
}

static inline struct timespec ns_to_timespec(u64 ns)
{
	return (struct timespec) { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };
}

static inline struct timeval jiffies_to_timeval(u64 ticks)
{
	return (struct timeval) { ticks / HZ, ticks % HZ * USEC_PER_TICK };
}

/* timer.c: rate of the time-stamp counter, 0 if the processor does not tell it. */
extern u64 tsc_hz;
u64 tsc_to_ns(u64 tsc);

/* time.c */
u64 ktime_get_real(void);
void ktime_set_real(u64 ns);
u64 ktime_mono_to_real(u64 mono);

/* rtc.c */
void timekeeping_init(void);

#endif

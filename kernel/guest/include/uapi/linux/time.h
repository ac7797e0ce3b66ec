#ifndef _UAPI_LINUX_TIME_H
#define _UAPI_LINUX_TIME_H

#include <linux/time_types.h>

/* Of clock_gettime, timers and times (Linux: include/uapi/linux/time.h, times.h). */
enum {
	CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
	CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,
};

#define TIMER_ABSTIME 1

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

struct timezone {
	int tz_minuteswest;
	int tz_dsttime;
};

struct itimerval {
	struct timeval it_interval;
	struct timeval it_value;
};

struct tms {
	long tms_utime, tms_stime, tms_cutime, tms_cstime;
};

#endif

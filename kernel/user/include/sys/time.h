#ifndef _SYS_TIME_H
#define _SYS_TIME_H

struct timespec {
	long tv_sec;
	long tv_nsec;
};

struct timeval {
	long tv_sec;
	long tv_usec;
};

struct timezone {
	int tz_minuteswest;
	int tz_dsttime;
};

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

struct itimerval {
	struct timeval it_interval;
	struct timeval it_value;
};

struct tms {
	long tms_utime, tms_stime, tms_cutime, tms_cstime;
};

enum {
	CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
	TIMER_ABSTIME = 1,
};

#endif

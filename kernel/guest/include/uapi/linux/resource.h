#ifndef _UAPI_LINUX_RESOURCE_H
#define _UAPI_LINUX_RESOURCE_H

#include <linux/time_types.h>

/* Of getrlimit, getrusage and getpriority (Linux: include/uapi/asm-generic/resource.h, include/uapi/linux/resource.h). */
#define RLIMIT_CPU	0
#define RLIMIT_FSIZE	1
#define RLIMIT_DATA	2
#define RLIMIT_STACK	3
#define RLIMIT_CORE	4
#define RLIMIT_RSS	5
#define RLIMIT_NPROC	6
#define RLIMIT_NOFILE	7
#define RLIMIT_MEMLOCK	8
#define RLIMIT_AS	9
#define RLIM_NLIMITS	16

#define RLIM_INFINITY	(~0UL)

struct rlimit {
	unsigned long rlim_cur;		/* what holds */
	unsigned long rlim_max;		/* how far a program may raise it */
};

struct rusage {
	struct timeval ru_utime;
	struct timeval ru_stime;
	long ru_maxrss, ru_ixrss, ru_idrss, ru_isrss, ru_minflt, ru_majflt, ru_nswap, ru_inblock, ru_oublock;
	long ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw;
};

enum { RUSAGE_CHILDREN = -1, RUSAGE_SELF = 0, RUSAGE_THREAD = 1, RUSAGE_BOTH = -2 };

enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

#endif

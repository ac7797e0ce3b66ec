#ifndef _LINUX_RESOURCE_H
#define _LINUX_RESOURCE_H

#include <linux/types.h>

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

/* The limits of the first task, and so of all whom nobody changed (Linux: include/asm-generic/resource.h). */
#define INIT_RLIMITS									\
	{										\
		[RLIMIT_CPU ... RLIMIT_DATA]	= { RLIM_INFINITY, RLIM_INFINITY },	\
		[RLIMIT_STACK]			= { STACK_RLIMIT, RLIM_INFINITY },	\
		[RLIMIT_CORE]			= { 0, RLIM_INFINITY },			\
		[RLIMIT_RSS ... RLIMIT_NPROC]	= { RLIM_INFINITY, RLIM_INFINITY },	\
		[RLIMIT_NOFILE]			= { NR_OPEN_DEFAULT, NR_OPEN_DEFAULT },	\
		[RLIMIT_MEMLOCK ... RLIM_NLIMITS - 1] = { RLIM_INFINITY, RLIM_INFINITY }, \
	}

struct timeval {
	long tv_sec;
	long tv_usec;
};

struct rusage {
	struct timeval ru_utime;
	struct timeval ru_stime;
	long ru_maxrss, ru_ixrss, ru_idrss, ru_isrss, ru_minflt, ru_majflt, ru_nswap, ru_inblock, ru_oublock;
	long ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw;
};

enum { RUSAGE_CHILDREN = -1, RUSAGE_SELF = 0, RUSAGE_THREAD = 1, RUSAGE_BOTH = -2 };

struct task_struct;
void getrusage(struct task_struct *p, int who, struct rusage *r);

#endif

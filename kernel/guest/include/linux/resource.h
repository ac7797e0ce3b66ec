#ifndef _LINUX_RESOURCE_H
#define _LINUX_RESOURCE_H

#include <linux/types.h>
#include <uapi/linux/resource.h>

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

struct task_struct;
void getrusage(struct task_struct *p, int who, struct rusage *r);

#endif

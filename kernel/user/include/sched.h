#ifndef _SCHED_H
#define _SCHED_H

#include <unistd.h>

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
		      CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

long thread_create(unsigned long flags, void *stack, int *tid, void *tls, int (*fn)(void *), void *arg);

/* Until the thread that has its number there is gone: CLONE_CHILD_CLEARTID wakes us. */
static inline void thread_join(volatile int *tid)
{
	int value;

	while ((value = *tid))
		futex((unsigned int *)tid, FUTEX_WAIT, value, NULL, NULL, 0);
}

#endif

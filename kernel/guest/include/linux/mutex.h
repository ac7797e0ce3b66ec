#ifndef _LINUX_MUTEX_H
#define _LINUX_MUTEX_H

#include <linux/wait.h>

/* A lock whose holder may sleep. All zeros is no valid one: mutex_init. */
struct mutex {
	struct task_struct *owner;	/* NULL: free */
	struct wait_queue_head wait;
};

void mutex_init(struct mutex *lock);
void mutex_lock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);

#endif

/* Mutexes: locks that are slept for. Never taken by an interrupt. */
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/sched.h>

void mutex_init(struct mutex *lock)
{
	lock->owner = NULL;
	init_waitqueue_head(&lock->wait);
}

static bool mutex_trylock(struct mutex *lock)
{
	return __sync_bool_compare_and_swap(&lock->owner, NULL, current);
}

noinline void mutex_lock(struct mutex *lock)
{
	BUG_ON(lock->owner == current);
	if (!mutex_trylock(lock))
		wait_event(lock->wait, mutex_trylock(lock));
}

void mutex_unlock(struct mutex *lock)
{
	BUG_ON(lock->owner != current);
	lock->owner = NULL;
	wake_up(&lock->wait);
}

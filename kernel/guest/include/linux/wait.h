#ifndef _LINUX_WAIT_H
#define _LINUX_WAIT_H

#include <linux/list.h>

struct task_struct;

struct wait_queue_head {
	struct list_head head;
};

struct wait_queue_entry {
	struct task_struct *task;
	struct list_head entry;
};

#define __WAIT_QUEUE_HEAD_INITIALIZER(name) { LIST_HEAD_INIT((name).head) }
#define DECLARE_WAIT_QUEUE_HEAD(name) struct wait_queue_head name = __WAIT_QUEUE_HEAD_INITIALIZER(name)
#define DEFINE_WAIT(name) struct wait_queue_entry name = { current, LIST_HEAD_INIT((name).entry) }

static inline void init_waitqueue_head(struct wait_queue_head *wq_head)
{
	INIT_LIST_HEAD(&wq_head->head);
}

void prepare_to_wait(struct wait_queue_head *wq_head, struct wait_queue_entry *wait, unsigned int state);
void finish_wait(struct wait_queue_entry *wait);
void wake_up(struct wait_queue_head *wq_head);
long signal_ends_wait(unsigned int state);

/*
 * Sleep until condition holds. The task is on the queue before each test of the condition, so that a
 * wake_up from an interrupt between the test and schedule() is not lost: it makes the task runnable.
 */
#define ___wait_event(wq_head, condition, state)						\
	({										\
		DEFINE_WAIT(__wait);							\
		long __ret = 0;								\
		for (;;) {								\
			prepare_to_wait(&(wq_head), &__wait, state);			\
			if (condition)							\
				break;							\
			__ret = signal_ends_wait(state);				\
			if (__ret)							\
				break;							\
			schedule();							\
		}									\
		finish_wait(&__wait);							\
		__ret;									\
	})

#define wait_event(wq_head, condition)								\
	((void)___wait_event(wq_head, condition, TASK_UNINTERRUPTIBLE))

/* 0, or -ERESTARTSYS if a signal came first. */
#define wait_event_interruptible(wq_head, condition)						\
	___wait_event(wq_head, condition, TASK_INTERRUPTIBLE)

/* The same, for a signal that ends the task alone. */
#define wait_event_killable(wq_head, condition)							\
	___wait_event(wq_head, condition, TASK_KILLABLE)

#endif

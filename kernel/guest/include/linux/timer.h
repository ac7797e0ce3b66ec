#ifndef _LINUX_TIMER_H
#define _LINUX_TIMER_H

#include <linux/types.h>

/* A function that the timer softirq calls, once, when jiffies has reached expires. */
struct timer_list {
	struct list_head entry;		/* empty while it is not set */
	unsigned long expires;
	void (*function)(struct timer_list *timer);
};

void timer_setup(struct timer_list *timer, void (*function)(struct timer_list *timer));
void mod_timer(struct timer_list *timer, unsigned long expires);
void del_timer(struct timer_list *timer);

#endif

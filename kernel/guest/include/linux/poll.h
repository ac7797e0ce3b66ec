#ifndef _LINUX_POLL_H
#define _LINUX_POLL_H

#include <linux/wait.h>

/* Linux: include/uapi/asm-generic/poll.h */
#define POLLIN		0x0001
#define POLLPRI		0x0002
#define POLLOUT		0x0004
#define POLLERR		0x0008
#define POLLHUP		0x0010
#define POLLNVAL	0x0020
#define POLLRDNORM	0x0040
#define POLLWRNORM	0x0100

struct pollfd {
	int fd;
	short events;
	short revents;
};

#define POLL_TABLE_ENTRIES 128

/* The queues that one poll sleeps on: two for each descriptor at most. */
struct poll_table_struct {
	unsigned int nr;
	struct wait_queue_entry entries[POLL_TABLE_ENTRIES];
};

typedef struct poll_table_struct poll_table;

struct file;

/* Called by a file's poll function: wake_up on wq_head wakes the poller too. No table: it is not going to sleep. */
void poll_wait(struct file *file, struct wait_queue_head *wq_head, poll_table *p);

#endif

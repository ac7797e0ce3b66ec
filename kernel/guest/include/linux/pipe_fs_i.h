#ifndef _LINUX_PIPE_FS_I_H
#define _LINUX_PIPE_FS_I_H

#include <linux/mutex.h>
#include <linux/wait.h>

#define PIPE_BUFFERS	16		/* pages, as in Linux: 64 KiB */

/* What runs through a pipe: counters of bytes; byte n is at n % size. */
struct pipe_inode_info {
	struct mutex mutex;
	struct wait_queue_head rd_wait, wr_wait;
	unsigned long head;		/* bytes written */
	unsigned long tail;		/* bytes read */
	unsigned int readers, writers;	/* open ends */
	unsigned int r_counter, w_counter;	/* ends ever opened: who waits in a FIFO's open sees them move */
	char *bufs[PIPE_BUFFERS];	/* pages, made as they are needed */
};

void free_pipe_info(struct pipe_inode_info *pipe);
extern const struct file_operations pipefifo_fops;

#endif

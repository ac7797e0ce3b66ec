#ifndef _KERNEL_PRINTK_INTERNAL_H
#define _KERNEL_PRINTK_INTERNAL_H

#include <linux/wait.h>
#include "printk_ringbuffer.h"

#define LINE_MAX	512		/* bytes of a record */
#define PREFIX_MAX	32
#define LOGLEVEL_CONT	-1		/* the message goes on with the one before it */

#define CONSOLE_LOGLEVEL_MIN		1
#define CONSOLE_LOGLEVEL_QUIET		4
#define CONSOLE_LOGLEVEL_DEFAULT	7
#define CONSOLE_LOGLEVEL_DEBUG		10
#define CONSOLE_LOGLEVEL_MOTORMOUTH	15

#define console_loglevel		(console_printk[0])
#define default_message_loglevel	(console_printk[1])
#define minimum_console_loglevel	(console_printk[2])
#define default_console_loglevel	(console_printk[3])

extern struct printk_ringbuffer *prb;
extern bool printk_pending;

/* printk.c */
const char *line_end(const char *text, const char *end);

/* "[seconds] " into buf of PREFIX_MAX bytes; its length. */
size_t print_time(u64 ts_nsec, char *buf);
void vprintk_store(u8 facility, int level, const char *text, size_t length);

/* syslog.c: who waits for a record, and where dmesg -C has put the beginning. */
extern struct wait_queue_head log_wait;
extern u64 clear_seq;

#endif

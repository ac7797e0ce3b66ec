#ifndef _LINUX_SEQ_FILE_H
#define _LINUX_SEQ_FILE_H

#include <linux/kernel.h>

/*
 * The text of a file that is made when it's read. All of it is made at each read, and what lies in the reader's
 * window is kept, so that a file may be of any length.
 */
struct seq_file {
	char *buf;
	size_t size;		/* of the window */
	loff_t from;		/* where in the text the window begins */
	loff_t position;	/* how much text was made */
	void *private;		/* whose text: for show() */
};

void seq_write(struct seq_file *m, const void *data, size_t len);
void seq_puts(struct seq_file *m, const char *s);
/* One call makes up to SEQ_LINE_MAX - 1 bytes; what is longer is cut. */
void seq_printf(struct seq_file *m, const char *fmt, ...) __printf(2, 3);

#define SEQ_LINE_MAX 256

/* A file's read, where show() makes its whole text or returns -errno. Bytes read, 0 at the end, or -errno. */
ssize_t single_read(int (*show)(struct seq_file *m), void *private, char __user *buf, size_t count, loff_t *pos);

#endif

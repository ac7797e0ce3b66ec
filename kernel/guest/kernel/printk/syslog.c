/* The log for programs, as text: syslog(2), which dmesg calls (Linux: kernel/printk/printk.c, do_syslog). */
#include <asm/uaccess.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/syscalls.h>
#include <linux/wait.h>
#include "internal.h"

enum {
	SYSLOG_ACTION_CLOSE, SYSLOG_ACTION_OPEN, SYSLOG_ACTION_READ, SYSLOG_ACTION_READ_ALL, SYSLOG_ACTION_READ_CLEAR,
	SYSLOG_ACTION_CLEAR, SYSLOG_ACTION_CONSOLE_OFF, SYSLOG_ACTION_CONSOLE_ON, SYSLOG_ACTION_CONSOLE_LEVEL,
	SYSLOG_ACTION_SIZE_UNREAD, SYSLOG_ACTION_SIZE_BUFFER,
};

/* A record as text: every line with its level and time in front. */
#define TEXT_MAX	(LINE_MAX * 4)

DECLARE_WAIT_QUEUE_HEAD(log_wait);

u64 clear_seq;				/* the first that SYSLOG_ACTION_READ_ALL tells */
static u64 syslog_seq;			/* the next of SYSLOG_ACTION_READ, */
static size_t syslog_partial;		/* and how much of it is read */
static int saved_console_loglevel = -1;

/* Readers are woken by the next tick, not by printk itself, which may run with the scheduler's data half changed. */
void printk_tick(void)
{
	if (!printk_pending)
		return;
	printk_pending = false;
	wake_up(&log_wait);
}

/* The text into buf of TEXT_MAX bytes, as much as fits; its length. */
static size_t record_print_text(const struct printk_record *r, char *buf)
{
	const char *text = r->text_buf, *end = text + r->info->text_len;
	size_t n = 0;

	do {
		const char *next = line_end(text, end);
		size_t length = next - text;

		if (n + 4 + PREFIX_MAX + length + 1 > TEXT_MAX)
			break;
		n += snprintf(buf + n, TEXT_MAX - n, "<%u>", r->info->facility << 3 | r->info->level);
		n += print_time(r->info->ts_nsec, buf + n);
		memcpy(buf + n, text, length);
		n += length;
		if (!length || next[-1] != '\n')
			buf[n++] = '\n';
		text = next;
	} while (text < end);
	return n;
}

struct reading {
	struct printk_info info;
	struct printk_record r;
	char record[LINE_MAX];
	char text[TEXT_MAX];
};

static struct reading *start_reading(void)
{
	struct reading *reading = kzalloc(sizeof(*reading));

	if (reading)
		reading->r = (struct printk_record) { &reading->info, reading->record, LINE_MAX };
	return reading;
}

/* The text of record *seq, or the next after it, whose number is then *seq; 0 if there is none. */
static size_t read_text(struct reading *reading, u64 *seq)
{
	if (!prb_read_valid(prb, *seq, &reading->r))
		return 0;
	*seq = reading->info.seq;
	return record_print_text(&reading->r, reading->text);
}

/* The newest records whose text fits into size bytes begin with this one. */
static u64 find_first_fitting_seq(struct reading *reading, u64 start, size_t size)
{
	size_t total = 0, n;
	u64 seq, first = start;

	for (seq = start; (n = read_text(reading, &seq)); seq++)
		total += n;
	for (; total > size && (n = read_text(reading, &first)); first++)
		total -= n;
	return first;
}

static long syslog_print_all(char __user *buf, size_t size, bool clear)
{
	struct reading *reading = start_reading();
	long copied = 0;
	size_t n;
	u64 seq;

	if (!reading)
		return -ENOMEM;
	for (seq = find_first_fitting_seq(reading, clear_seq, size); (n = read_text(reading, &seq)); seq++) {
		if (copied + n > size)
			break;
		if (copy_to_user(buf + copied, reading->text, n)) {
			copied = -EFAULT;
			break;
		}
		copied += n;
	}
	kfree(reading);
	if (clear)
		clear_seq = prb_next_seq(prb);
	return copied;
}

/* What nobody has read so yet; at least one byte, after a wait if need be. */
static long syslog_print(char __user *buf, size_t size)
{
	long err = wait_event_interruptible(log_wait, prb_next_seq(prb) > syslog_seq), copied = 0;
	struct reading *reading = err ? NULL : start_reading();
	size_t n;

	if (!reading)
		return err ?: -ENOMEM;
	while ((size_t)copied < size && (n = read_text(reading, &syslog_seq))) {
		size_t rest = n - syslog_partial, fits = min(rest, size - copied);

		if (copy_to_user(buf + copied, reading->text + syslog_partial, fits)) {
			copied = copied ?: -EFAULT;
			break;
		}
		copied += fits;
		syslog_seq += fits == rest;
		syslog_partial = fits == rest ? 0 : syslog_partial + fits;
	}
	kfree(reading);
	return copied;
}

static long syslog_unread(void)
{
	struct reading *reading = start_reading();
	long total = -(long)syslog_partial;
	u64 seq;
	size_t n;

	if (!reading)
		return -ENOMEM;
	for (seq = syslog_seq; (n = read_text(reading, &seq)); seq++)
		total += n;
	kfree(reading);
	return max(total, 0L);
}

static void console_off(void)
{
	if (saved_console_loglevel < 0)
		saved_console_loglevel = console_loglevel;
	console_loglevel = minimum_console_loglevel;
}

static void console_on(void)
{
	if (saved_console_loglevel >= 0)
		console_loglevel = saved_console_loglevel;
	saved_console_loglevel = -1;
}

static long set_console_level(int level)
{
	if (level < 1 || level > 8)
		return -EINVAL;
	console_loglevel = max(level, minimum_console_loglevel);
	saved_console_loglevel = -1;
	return 0;
}

static long do_syslog(int type, char __user *buf, int len)
{
	switch (type) {
	case SYSLOG_ACTION_CLOSE:
	case SYSLOG_ACTION_OPEN:
		return 0;
	case SYSLOG_ACTION_READ:
	case SYSLOG_ACTION_READ_ALL:
	case SYSLOG_ACTION_READ_CLEAR:
		if (!buf || len < 0)
			return -EINVAL;
		if (!len)
			return 0;
		return type == SYSLOG_ACTION_READ ? syslog_print(buf, len) :
		       syslog_print_all(buf, len, type == SYSLOG_ACTION_READ_CLEAR);
	case SYSLOG_ACTION_CLEAR:
		clear_seq = prb_next_seq(prb);
		return 0;
	case SYSLOG_ACTION_CONSOLE_OFF:
		console_off();
		return 0;
	case SYSLOG_ACTION_CONSOLE_ON:
		console_on();
		return 0;
	case SYSLOG_ACTION_CONSOLE_LEVEL:
		return set_console_level(len);
	case SYSLOG_ACTION_SIZE_UNREAD:
		return syslog_unread();
	case SYSLOG_ACTION_SIZE_BUFFER:
		return 1L << prb->text_data_ring.size_bits;
	default:
		return -EINVAL;
	}
}

/* Everybody may read all (Linux's dmesg_restrict=0); the rest is root's. */
long sys_syslog(int type, char __user *buf, int len)
{
	if (type != SYSLOG_ACTION_READ_ALL && type != SYSLOG_ACTION_SIZE_BUFFER &&
	    current_cred()->euid != GLOBAL_ROOT_UID)
		return -EPERM;
	return do_syslog(type, buf, len);
}

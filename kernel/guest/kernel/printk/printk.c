/*
 * The kernel log (Linux: kernel/printk/printk.c). Every message becomes a record of the ring buffer, and goes to the
 * console if its level is low enough; there each of its lines gets the time in front.
 */
#include <asm/irqflags.h>
#include <linux/console.h>
#include <linux/init.h>
#include <linux/sched.h>
#include <linux/string.h>
#include "internal.h"

#define DEFAULT_MESSAGE_LOGLEVEL 4

/* 512 records, of 64 bytes on average. */
DEFINE_PRINTKRB(printk_rb_static, 9, 6);

struct printk_ringbuffer *prb = &printk_rb_static;

/* As /proc/sys/kernel/printk has them: what reaches the console, messages without a level, and two bounds. */
int console_printk[4] = {
	CONSOLE_LOGLEVEL_DEFAULT, DEFAULT_MESSAGE_LOGLEVEL, CONSOLE_LOGLEVEL_MIN, CONSOLE_LOGLEVEL_DEFAULT,
};

static bool ignore_loglevel;
bool printk_pending;			/* readers of the log are to be woken */

static bool line_is_open;		/* on the console: the last message did not end its line */

static int __init quiet_kernel(char *str)
{
	console_loglevel = CONSOLE_LOGLEVEL_QUIET;
	return 1;
}
__setup("quiet", quiet_kernel);

static int __init debug_kernel(char *str)
{
	console_loglevel = CONSOLE_LOGLEVEL_DEBUG;
	return 1;
}
__setup("debug", debug_kernel);

static int __init loglevel(char *str)
{
	char *end;
	long level = simple_strtol(str, &end);

	if (end == str || *end)
		return 0;
	console_loglevel = level;
	return 1;
}
__setup("loglevel=", loglevel);

static int __init ignore_loglevel_setup(char *str)
{
	ignore_loglevel = true;
	return 1;
}
__setup("ignore_loglevel", ignore_loglevel_setup);

void console_verbose(void)
{
	console_loglevel = CONSOLE_LOGLEVEL_MOTORMOUTH;
}

size_t print_time(u64 ts_nsec, char *buf)
{
	u64 microseconds = ts_nsec / 1000;

	return snprintf(buf, PREFIX_MAX, "[%5lu.%06lu] ", microseconds / USEC_PER_SEC, microseconds % USEC_PER_SEC);
}

/* Behind the newline of the line that begins at text, or end. */
const char *line_end(const char *text, const char *end)
{
	while (text < end)
		if (*text++ == '\n')
			break;
	return text;
}

static void write_line(const struct printk_info *info, const char *line, size_t length, bool continues)
{
	char prefix[PREFIX_MAX];

	if (!continues)
		serial8250_write(prefix, print_time(info->ts_nsec, prefix));
	serial8250_write(line, length);
}

/* What was added to a record, to the console at once: a machine that hangs in the middle of a line shows its half. */
static void console_write(const struct printk_info *info, const char *text, size_t length, bool continues)
{
	const char *end = text + length, *next;

	if (info->level >= console_loglevel && !ignore_loglevel)
		return;
	continues = continues && line_is_open;
	if (line_is_open && !continues)
		serial8250_write("\n", 1);
	do {
		next = line_end(text, end);
		write_line(info, text, next - text, continues);
		text = next;
		continues = false;
	} while (text < end);
	line_is_open = !(info->flags & LOG_NEWLINE);
	if (!line_is_open)
		serial8250_write("\n", 1);
}

/* Interrupts are off. */
void vprintk_store(u8 facility, int level, const char *text, size_t length)
{
	bool newline = length && text[length - 1] == '\n';
	struct printk_record r = { .text_buf_size = length -= newline };
	struct prb_reserved_entry e;
	bool continues = level == LOGLEVEL_CONT && prb_reserve_in_last(&e, prb, &r, LINE_MAX);

	if (!continues) {
		prb_reserve(&e, prb, &r);
		r.info->ts_nsec = local_clock();
		r.info->facility = facility;
		r.info->level = level == LOGLEVEL_CONT ? default_message_loglevel : level;
		r.info->caller_id = current->pid;
	}
	memcpy(r.text_buf + r.info->text_len, text, length);
	r.info->text_len += length;
	r.info->flags = newline ? LOG_NEWLINE : 0;
	if (newline)
		prb_final_commit(&e);
	else
		prb_commit(&e);
	printk_pending = true;
	console_write(r.info, text, length, continues);
}

/* The level in front of a message, and the message behind it. */
static const char *printk_parse_prefix(const char *text, int *level)
{
	*level = default_message_loglevel;
	if (text[0] != KERN_SOH[0] || !text[1])
		return text;
	*level = text[1] == 'c' ? LOGLEVEL_CONT : text[1] - '0';
	return text + 2;
}

int vprintk(const char *fmt, __builtin_va_list args)
{
	static char textbuf[LINE_MAX];
	unsigned long flags = local_irq_save();
	int level, n = vsnprintf(textbuf, sizeof(textbuf), fmt, args);
	const char *text = printk_parse_prefix(textbuf, &level);

	vprintk_store(0, level, text, strlen(text));
	local_irq_restore(flags);
	return n;
}

/* Any context, interrupts included. */
noinline int printk(const char *fmt, ...)
{
	__builtin_va_list args;
	int n;

	__builtin_va_start(args, fmt);
	n = vprintk(fmt, args);
	__builtin_va_end(args);
	return n;
}

/*
 * The kernel log. Every line is kept in __log_buf as "<level>[seconds] text" and, if its level is low enough,
 * sent to the console without the level. log_end counts characters ever logged; the buffer holds the last
 * __LOG_BUF_LEN of them, character n at index n % __LOG_BUF_LEN.
 */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/console.h>
#include <linux/init.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

#define __LOG_BUF_LEN	(1 << 15)
#define LINE_MAX	512

#define DEFAULT_MESSAGE_LOGLEVEL	4
#define CONSOLE_LOGLEVEL_DEFAULT	7
#define CONSOLE_LOGLEVEL_QUIET		4
#define CONSOLE_LOGLEVEL_MOTORMOUTH	15

static char __log_buf[__LOG_BUF_LEN];
static unsigned long log_end;

/* As /proc/sys/kernel/printk has them: what reaches the console, messages without a level, and two of Linux's past. */
int console_printk[4] = { CONSOLE_LOGLEVEL_DEFAULT, DEFAULT_MESSAGE_LOGLEVEL, 1, CONSOLE_LOGLEVEL_DEFAULT };

#define console_loglevel	(console_printk[0])
#define default_message_loglevel (console_printk[1])

static int line_level;			/* of the line being written */
static bool at_line_start = true;

static int __init quiet_kernel(char *str)
{
	console_loglevel = CONSOLE_LOGLEVEL_QUIET;
	return 1;
}
__setup("quiet", quiet_kernel);

static int __init loglevel(char *str)
{
	console_loglevel = simple_strtol(str, NULL);
	return 1;
}
__setup("loglevel=", loglevel);

void console_verbose(void)
{
	console_loglevel = CONSOLE_LOGLEVEL_MOTORMOUTH;
}

static void emit_log_char(char c)
{
	__log_buf[log_end++ % __LOG_BUF_LEN] = c;
}

/* Text of a line, to the log and the console. */
static void emit(const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		emit_log_char(text[i]);
	if (line_level < console_loglevel)
		serial8250_write(text, length);
}

static void start_line(int level)
{
	u64 microseconds = local_clock() / 1000;
	char stamp[32];
	int n = snprintf(stamp, sizeof(stamp), "[%5lu.%06lu] ", microseconds / 1000000,
			 microseconds % 1000000);

	line_level = level;
	emit_log_char('<');
	emit_log_char('0' + level);
	emit_log_char('>');
	emit(stamp, n);
	at_line_start = false;
}

/* The level in front of a message, and the message behind it: -1 for KERN_CONT. */
static const char *strip_level(const char *text, int *level)
{
	*level = default_message_loglevel;
	if (text[0] != KERN_SOH[0] || !text[1])
		return text;
	*level = text[1] == 'c' ? -1 : text[1] - '0';
	return text + 2;
}

/* Write text line by line. A message that does not continue a line begins one. */
static void log_text(const char *text, int level)
{
	if (level >= 0 && !at_line_start) {
		emit("\n", 1);
		at_line_start = true;
	}
	while (*text) {
		const char *newline = strchr(text, '\n');
		size_t length = newline ? (size_t)(newline - text) + 1 : strlen(text);

		if (at_line_start)
			start_line(level < 0 ? default_message_loglevel : level);
		emit(text, length);
		at_line_start = newline;
		text += length;
	}
}

int vprintk(const char *fmt, __builtin_va_list args)
{
	static char line[LINE_MAX];
	unsigned long flags = local_irq_save();
	int level, n = vsnprintf(line, sizeof(line), fmt, args);
	const char *text = strip_level(line, &level);

	log_text(text, level);
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

/* Copy what the log still holds from character *pos on, and advance *pos. */
size_t log_read(unsigned long *pos, char *buf, size_t count)
{
	size_t n = 0;

	if (log_end > __LOG_BUF_LEN && *pos < log_end - __LOG_BUF_LEN)
		*pos = log_end - __LOG_BUF_LEN;
	while (n < count && *pos < log_end)
		buf[n++] = __log_buf[(*pos)++ % __LOG_BUF_LEN];
	return n;
}

#define SYSLOG_ACTION_READ_ALL		3
#define SYSLOG_ACTION_SIZE_BUFFER	10

/* The last len characters of the log. */
static long syslog_print_all(char __user *buf, unsigned long len)
{
	unsigned long pos = log_end > len ? log_end - len : 0;
	unsigned long copied = 0;
	char chunk[128];
	size_t n;

	while (copied < len && (n = log_read(&pos, chunk, min(sizeof(chunk), len - copied)))) {
		if (copy_to_user(buf + copied, chunk, n))
			return -EFAULT;
		copied += n;
	}
	return copied;
}

long sys_syslog(int type, char __user *buf, int len)
{
	switch (type) {
	case SYSLOG_ACTION_READ_ALL:
		return len < 0 || !buf ? -EINVAL : syslog_print_all(buf, len);
	case SYSLOG_ACTION_SIZE_BUFFER:
		return __LOG_BUF_LEN;
	default:
		return -EINVAL;
	}
}

/*
 * /dev/kmsg: the log, record by record (Linux: kernel/printk/printk.c, Documentation/ABI/testing/dev-kmsg). A read gives
 * one record, "<facility and level>,<number>,<microseconds>,-;<text>"; behind the last it waits for the next.
 */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include "internal.h"

#define LOG_USER	1		/* facility of a message that a program writes without one */
#define SEEK_DATA	3

/* Every byte may become "\xNN". */
#define DEVKMSG_MAX	(64 + LINE_MAX * 4)

/* What one who has it open looks at next. */
struct devkmsg_user {
	u64 seq;
	struct printk_info info;
	char text[LINE_MAX];
	char line[DEVKMSG_MAX];
};

static int devkmsg_open(struct inode *inode, struct file *file)
{
	struct devkmsg_user *user = kzalloc(sizeof(*user));

	if (!user)
		return -ENOMEM;
	user->seq = prb_first_valid_seq(prb);
	file->private_data = user;
	return 0;
}

static void devkmsg_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
}

static size_t msg_print_ext(struct devkmsg_user *user)
{
	const struct printk_info *info = &user->info;
	size_t i, n = snprintf(user->line, DEVKMSG_MAX, "%u,%lu,%lu,-;", info->facility << 3 | info->level, info->seq,
			       info->ts_nsec / 1000);

	for (i = 0; i < info->text_len; i++) {
		unsigned char c = user->text[i];

		if (c < ' ' || c >= 127 || c == '\\')
			n += snprintf(user->line + n, DEVKMSG_MAX - n, "\\x%02x", c);
		else
			user->line[n++] = c;
	}
	user->line[n++] = '\n';
	return n;
}

/* -EPIPE: records have gone unread; the next read goes on with the oldest. -EINVAL: buf is too small for the record. */
static ssize_t devkmsg_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct devkmsg_user *user = file->private_data;
	struct printk_record r = { &user->info, user->text, LINE_MAX };
	size_t n;
	long err;

	if ((file->f_flags & O_NONBLOCK) && prb_next_seq(prb) <= user->seq)
		return -EAGAIN;
	err = wait_event_interruptible(log_wait, prb_next_seq(prb) > user->seq);
	if (err)
		return err;
	prb_read_valid(prb, user->seq, &r);
	if (user->info.seq != user->seq) {
		user->seq = user->info.seq;
		return -EPIPE;
	}
	n = msg_print_ext(user);
	if (n > count)
		return -EINVAL;
	if (copy_to_user(buf, user->line, n))
		return -EFAULT;
	user->seq++;
	return n;
}

/* "<facility and level>" in front of a message; what is behind it. */
static const char *parse_prefix(const char *line, u8 *facility, int *level)
{
	char *end;
	long prefix = line[0] == '<' ? simple_strtol(line + 1, &end) : -1;

	if (prefix < 0 || end == line + 1 || *end != '>')
		return line;
	*level = prefix & 7;
	*facility = prefix >> 3 ?: LOG_USER;
	return end + 1;
}

/* One message a write. */
static ssize_t devkmsg_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char line[LINE_MAX];
	size_t length = count;
	u8 facility = LOG_USER;
	int level = default_message_loglevel;
	const char *text;
	unsigned long flags;

	if (count > sizeof(line) - 2)
		return -EINVAL;
	if (copy_from_user(line, buf, count))
		return -EFAULT;
	if (!count || line[count - 1] != '\n')
		line[length++] = '\n';
	line[length] = '\0';
	text = parse_prefix(line, &facility, &level);
	flags = local_irq_save();
	vprintk_store(facility, level, text, line + length - text);
	local_irq_restore(flags);
	return count;
}

static loff_t devkmsg_llseek(struct file *file, loff_t offset, int whence)
{
	struct devkmsg_user *user = file->private_data;

	if (offset)
		return -ESPIPE;
	switch (whence) {
	case SEEK_SET:
		user->seq = prb_first_valid_seq(prb);
		return 0;
	case SEEK_DATA:
		user->seq = clear_seq;
		return 0;
	case SEEK_END:
		user->seq = prb_next_seq(prb);
		return 0;
	default:
		return -EINVAL;
	}
}

static unsigned int devkmsg_poll(struct file *file, struct poll_table_struct *wait)
{
	struct devkmsg_user *user = file->private_data;

	poll_wait(file, &log_wait, wait);
	return prb_next_seq(prb) > user->seq ? POLLIN | POLLRDNORM : 0;
}

const struct file_operations kmsg_fops = {
	.open = devkmsg_open,
	.release = devkmsg_release,
	.read = devkmsg_read,
	.write = devkmsg_write,
	.llseek = devkmsg_llseek,
	.poll = devkmsg_poll,
};

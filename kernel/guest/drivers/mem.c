/* /dev/null, /dev/zero and /dev/kmsg. */
#include <asm/uaccess.h>
#include <linux/console.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/sched.h>
#include <linux/string.h>

#define MEM_MAJOR 1

static ssize_t read_null(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	return 0;
}

static ssize_t write_null(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	return count;
}

static ssize_t read_zero(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	size_t done, chunk;

	for (done = 0; done < count; done += chunk) {
		chunk = min(count - done, PAGE_SIZE);
		if (clear_user(buf + done, chunk))
			return done ? (ssize_t)done : -EFAULT;
		cond_resched();
	}
	return done;
}

#define KMSG_LINE_MAX 256

/* The log's text from where this file has read to. */
static ssize_t devkmsg_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	unsigned long at = *pos;
	char chunk[KMSG_LINE_MAX];
	size_t n = log_read(&at, chunk, min(count, sizeof(chunk)));

	if (copy_to_user(buf, chunk, n))
		return -EFAULT;
	*pos = at;
	return n;
}

/* One message a write, with "<level>" in front or not. */
static ssize_t devkmsg_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char line[KMSG_LINE_MAX + 1] = { 0 };
	char *text = line;
	char level = '4';

	if (count > KMSG_LINE_MAX)
		return -EINVAL;
	if (copy_from_user(line, buf, count))
		return -EFAULT;
	if (line[0] == '<' && line[1] >= '0' && line[1] <= '7' && line[2] == '>') {
		level = line[1];
		text += 3;
	}
	if (count && line[count - 1] == '\n')
		line[count - 1] = '\0';
	printk(KERN_SOH "%c%s\n", level, text);
	return count;
}

static const struct file_operations null_fops = { .read = read_null, .write = write_null };
static const struct file_operations zero_fops = { .read = read_zero, .write = write_null };
static const struct file_operations kmsg_fops = { .read = devkmsg_read, .write = devkmsg_write };

static int __init chr_dev_init(void)
{
	register_chrdev(MKDEV(MEM_MAJOR, 3), &null_fops);
	register_chrdev(MKDEV(MEM_MAJOR, 5), &zero_fops);
	return register_chrdev(MKDEV(MEM_MAJOR, 11), &kmsg_fops);
}
core_initcall(chr_dev_init);

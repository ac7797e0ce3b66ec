/* /proc/sys/kernel: values of the kernel to read and set (Linux: fs/proc/proc_sysctl.c, kernel/sysctl.c). */
#include <asm/uaccess.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/utsname.h>
#include "internal.h"

/* A text of maxlen bytes, or that many ints. */
struct ctl_table {
	const char *procname;
	void *data;
	size_t maxlen;
	umode_t mode;
	bool is_text;
};

static const struct ctl_table kern_table[] = {
	{ "domainname", init_uts_ns.domainname, sizeof(init_uts_ns.domainname), 0644, true },
	{ "hostname", init_uts_ns.nodename, sizeof(init_uts_ns.nodename), 0644, true },
	{ "osrelease", init_uts_ns.release, sizeof(init_uts_ns.release), 0444, true },
	{ "ostype", init_uts_ns.sysname, sizeof(init_uts_ns.sysname), 0444, true },
	{ "printk", console_printk, 4 * sizeof(int), 0644, false },
	{ "version", init_uts_ns.version, sizeof(init_uts_ns.version), 0444, true },
};

static int proc_sys_show(struct seq_file *m)
{
	const struct ctl_table *table = m->private;
	const int *values = table->data;
	size_t i;

	if (table->is_text) {
		seq_printf(m, "%s\n", (const char *)table->data);
		return 0;
	}
	for (i = 0; i < table->maxlen / sizeof(int); i++)
		seq_printf(m, "%s%d", i ? "\t" : "", values[i]);
	seq_puts(m, "\n");
	return 0;
}

static ssize_t proc_sys_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	return single_read(proc_sys_show, file->f_inode->i_private, buf, count, pos);
}

static void set_text(const struct ctl_table *table, char *text)
{
	char *newline = strchr(text, '\n');

	if (newline)
		*newline = '\0';
	strscpy(table->data, text, table->maxlen);
}

/* Numbers with blanks between them; those that are not given stay. */
static int set_ints(const struct ctl_table *table, char *text)
{
	int *values = table->data;
	size_t i;

	for (i = 0; i < table->maxlen / sizeof(int); i++) {
		char *end;
		long value;

		while (*text == ' ' || *text == '\t' || *text == '\n')
			text++;
		if (!*text)
			return i ? 0 : -EINVAL;
		value = simple_strtol(text, &end);
		if (end == text || value != (int)value)
			return -EINVAL;
		values[i] = value;
		text = end;
	}
	return 0;
}

static ssize_t proc_sys_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	const struct ctl_table *table = file->f_inode->i_private;
	char text[128] = { 0 };
	int err = 0;

	if (copy_from_user(text, buf, min(count, sizeof(text) - 1)))
		return -EFAULT;
	if (table->is_text)
		set_text(table, text);
	else
		err = set_ints(table, text);
	return err ? err : (ssize_t)count;
}

static const struct file_operations proc_sys_file_operations = {
	.read = proc_sys_read,
	.write = proc_sys_write,
	.llseek = generic_file_llseek,
};

static int __init sysctl_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kern_table); i++) {
		const struct ctl_table *table = &kern_table[i];
		char path[64];
		struct dentry *dentry;

		snprintf(path, sizeof(path), "/proc/sys/kernel/%s", table->procname);
		dentry = create_pseudo_dentry(path, table->mode, &proc_sys_file_operations);
		if (IS_ERR(dentry))
			return PTR_ERR(dentry);
		dentry->d_inode->i_private = (void *)table;
		dput(dentry);
	}
	return 0;
}
device_initcall(sysctl_init);

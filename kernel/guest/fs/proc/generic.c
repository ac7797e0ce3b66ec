/* Files of /proc whose text a function makes (Linux: fs/proc/generic.c). */
#include <linux/mm.h>
#include <linux/string.h>
#include "internal.h"

typedef int (*show_t)(struct seq_file *m);

static ssize_t proc_single_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	return single_read((show_t)file->f_inode->i_private, NULL, buf, count, pos);
}

static const struct file_operations proc_single_ops = { .read = proc_single_read, .llseek = generic_file_llseek };

/* name is below /proc. */
int proc_create_single(const char *name, show_t show)
{
	char path[64];
	struct dentry *dentry;

	snprintf(path, sizeof(path), "/proc/%s", name);
	dentry = create_pseudo_dentry(path, 0444, &proc_single_ops);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	dentry->d_inode->i_private = (void *)show;
	dput(dentry);
	return 0;
}

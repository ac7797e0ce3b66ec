/* /dev/null and its neighbours (Linux: drivers/char/mem.c, drivers/char/random.c). */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/random.h>
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

/* Anonymous memory under another name. */
static int mmap_zero(struct file *file, struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_SHARED ? shmem_zero_setup(vma) : 0;
}

/* There is no entropy in this machine: a run is to be repeatable. */
static ssize_t random_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	char chunk[64];
	size_t done = 0;

	while (done < count) {
		size_t n = min(count - done, sizeof(chunk));

		get_random_bytes(chunk, n);
		if (copy_to_user(buf + done, chunk, n))
			return done ? (ssize_t)done : -EFAULT;
		done += n;
		cond_resched();
	}
	return done;
}

static ssize_t write_full(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	return -ENOSPC;
}

static const struct file_operations null_fops = { .read = read_null, .write = write_null, .llseek = noop_llseek };
static const struct file_operations zero_fops = {
	.read = read_zero, .write = write_null, .llseek = noop_llseek, .mmap = mmap_zero,
};
static const struct file_operations full_fops = { .read = read_zero, .write = write_full, .llseek = noop_llseek };
static const struct file_operations random_fops = {
	.read = random_read, .write = write_null, .llseek = noop_llseek,
};

/* Linux: drivers/char/mem.c, devlist. */
static const struct memdev {
	const char *name;
	unsigned int minor;
	umode_t mode;
	const struct file_operations *fops;
} devlist[] = {
	{ "null", 3, 0666, &null_fops },
	{ "zero", 5, 0666, &zero_fops },
	{ "full", 7, 0666, &full_fops },
	{ "random", 8, 0666, &random_fops },
	{ "urandom", 9, 0666, &random_fops },
	{ "kmsg", 11, 0644, &kmsg_fops },
};

static int __init chr_dev_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(devlist); i++)
		register_chrdev(MKDEV(MEM_MAJOR, devlist[i].minor), devlist[i].name, devlist[i].mode,
				devlist[i].fops);
	return 0;
}
fs_initcall(chr_dev_init);

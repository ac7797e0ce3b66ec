/* Character devices: which driver serves which number. */
#include <linux/fs.h>

#define CHRDEV_MAX 16

static struct char_device {
	dev_t dev;
	const struct file_operations *fops;
} chrdevs[CHRDEV_MAX];

static unsigned int nr_chrdevs;

int register_chrdev(dev_t dev, const struct file_operations *fops)
{
	if (nr_chrdevs == CHRDEV_MAX)
		return -ENOSPC;
	chrdevs[nr_chrdevs++] = (struct char_device) { dev, fops };
	return 0;
}

const struct file_operations *chrdev_fops(dev_t dev)
{
	unsigned int i;

	for (i = 0; i < nr_chrdevs; i++)
		if (chrdevs[i].dev == dev)
			return chrdevs[i].fops;
	return NULL;
}

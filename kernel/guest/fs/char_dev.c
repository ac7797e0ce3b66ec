/* Character devices: which driver serves which number, and the names under /dev (Linux: fs/char_dev.c, devtmpfs). */
#include <linux/fs.h>
#include <linux/string.h>

#define CHRDEV_MAX 24

static struct char_device {
	dev_t dev;
	const char *name;
	umode_t mode;
	const struct file_operations *fops;
} chrdevs[CHRDEV_MAX];

static unsigned int nr_chrdevs;

int register_chrdev(dev_t dev, const char *name, umode_t mode, const struct file_operations *fops)
{
	if (nr_chrdevs == CHRDEV_MAX)
		return -ENOSPC;
	chrdevs[nr_chrdevs++] = (struct char_device) { dev, name, mode, fops };
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

/* Give every device that lacks one a name in dir: what mounting devtmpfs there does. */
int populate_dev(struct dentry *dir)
{
	unsigned int i;

	for (i = 0; i < nr_chrdevs; i++) {
		const struct char_device *device = &chrdevs[i];
		struct qstr name = { device->name, strlen(device->name) };
		struct dentry *dentry;

		if (d_lookup(dir, &name))
			continue;
		dentry = vfs_create(dir, &name, S_IFCHR | device->mode, device->dev);
		if (IS_ERR(dentry))
			return PTR_ERR(dentry);
		dput(dentry);
	}
	return 0;
}

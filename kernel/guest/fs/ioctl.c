/* ioctl: what a file can do beyond reading and writing (Linux: fs/ioctl.c). */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/syscalls.h>

#define FIONCLEX	0x5450
#define FIOCLEX		0x5451
#define FIONBIO		0x5421

static long set_nonblock(struct file *file, const int __user *argp)
{
	int on;

	if (get_user(on, argp))
		return -EFAULT;
	file->f_flags = on ? file->f_flags | O_NONBLOCK : file->f_flags & ~O_NONBLOCK;
	return 0;
}

/* What every file understands, then what its driver does. */
static noinline long vfs_ioctl(struct file *file, unsigned int fd, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case FIOCLEX:
		return sys_fcntl(fd, F_SETFD, FD_CLOEXEC);
	case FIONCLEX:
		return sys_fcntl(fd, F_SETFD, 0);
	case FIONBIO:
		return set_nonblock(file, (const int __user *)arg);
	default:
		return file->f_op->unlocked_ioctl ? file->f_op->unlocked_ioctl(file, cmd, arg) : -ENOTTY;
	}
}

long sys_ioctl(unsigned int fd, unsigned int cmd, unsigned long arg)
{
	struct file *file = fget(fd);
	long ret;

	if (!file)
		return -EBADF;
	ret = vfs_ioctl(file, fd, cmd, arg);
	fput(file);
	return ret;
}

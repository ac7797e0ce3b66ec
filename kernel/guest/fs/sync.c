/* Writing back what is only in memory (Linux: fs/sync.c). */
#include <linux/fs.h>
#include <linux/syscalls.h>

/* There is nothing behind the page cache to write to. */
long sys_sync(void)
{
	return 0;
}

long sys_fsync(unsigned int fd)
{
	struct file *file = fget(fd);
	long ret;

	if (!file)
		return -EBADF;
	ret = S_ISREG(file->f_inode->i_mode) || S_ISDIR(file->f_inode->i_mode) ? 0 : -EINVAL;
	fput(file);
	return ret;
}

long sys_fdatasync(unsigned int fd)
{
	return sys_fsync(fd);
}

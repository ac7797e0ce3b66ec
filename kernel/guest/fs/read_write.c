/* Bytes in and out of open files. */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

#define SEEK_SET	0
#define SEEK_CUR	1
#define SEEK_END	2

#define MAX_RW_COUNT	0x7ffff000UL

/* How much of a regular file's bytes lies at pos, at most count. */
static size_t available(const struct inode *inode, loff_t pos, size_t count)
{
	if (pos < 0 || (size_t)pos >= inode->i_size)
		return 0;
	return min(count, inode->i_size - pos);
}

/* Read a regular file into the kernel's memory; the number of bytes, less than count at its end. */
ssize_t kernel_read(struct file *file, void *buf, size_t count, loff_t pos)
{
	size_t n = available(file->f_inode, pos, count);

	if (n)
		memcpy(buf, file->f_inode->i_data + pos, n);
	return n;
}

static ssize_t ramfs_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	size_t n = available(file->f_inode, *pos, count);

	if (n && copy_to_user(buf, file->f_inode->i_data + *pos, n))
		return -EFAULT;
	*pos += n;
	return n;
}

static noinline ssize_t vfs_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (S_ISDIR(file->f_inode->i_mode))
		return -EISDIR;
	if (!access_ok(buf, count))
		return -EFAULT;
	count = min(count, MAX_RW_COUNT);
	if (file->f_op->read)
		return file->f_op->read(file, buf, count, pos);
	return file->f_op->write ? -EINVAL : ramfs_read(file, buf, count, pos);
}

static noinline ssize_t vfs_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (!access_ok(buf, count))
		return -EFAULT;
	count = min(count, MAX_RW_COUNT);
	return file->f_op->write ? file->f_op->write(file, buf, count, pos) : -EINVAL;
}

/* The file is held while the call sleeps: another task may close its descriptor. */
noinline long sys_read(unsigned int fd, char __user *buf, size_t count)
{
	struct file *file = fget(fd);
	ssize_t ret;

	if (!file)
		return -EBADF;
	get_file(file);
	ret = vfs_read(file, buf, count, &file->f_pos);
	fput(file);
	return ret;
}

noinline long sys_write(unsigned int fd, const char __user *buf, size_t count)
{
	struct file *file = fget(fd);
	ssize_t ret;

	if (!file)
		return -EBADF;
	get_file(file);
	ret = vfs_write(file, buf, count, &file->f_pos);
	fput(file);
	return ret;
}

long sys_lseek(unsigned int fd, off_t offset, unsigned int whence)
{
	struct file *file = fget(fd);
	loff_t base, pos;

	if (!file)
		return -EBADF;
	if (!S_ISREG(file->f_inode->i_mode))
		return -ESPIPE;
	if (whence > SEEK_END)
		return -EINVAL;
	base = whence == SEEK_CUR ? file->f_pos : whence == SEEK_END ? (loff_t)file->f_inode->i_size : 0;
	if (__builtin_add_overflow(base, offset, &pos) || pos < 0)
		return -EINVAL;
	file->f_pos = pos;
	return pos;
}

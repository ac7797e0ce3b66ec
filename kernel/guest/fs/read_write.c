/* Bytes in and out of open files (Linux: fs/read_write.c). */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

#define UIO_MAXIOV	1024

struct iovec {
	void __user *iov_base;
	size_t iov_len;
};

noinline ssize_t vfs_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (S_ISDIR(file->f_inode->i_mode))
		return -EISDIR;
	if (!file->f_op->read)
		return -EINVAL;
	if (!access_ok(buf, count))
		return -EFAULT;
	return file->f_op->read(file, buf, min(count, MAX_RW_COUNT), pos);
}

noinline ssize_t vfs_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (!file->f_op->write)
		return -EINVAL;
	if (!access_ok(buf, count))
		return -EFAULT;
	return file->f_op->write(file, buf, min(count, MAX_RW_COUNT), pos);
}

/* The file is held while the call sleeps: another task may close its descriptor. */
noinline long sys_read(unsigned int fd, char __user *buf, size_t count)
{
	struct file *file = fget(fd);
	ssize_t ret;

	if (!file)
		return -EBADF;
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
	ret = vfs_write(file, buf, count, &file->f_pos);
	fput(file);
	return ret;
}

/* A file whose bytes come from nowhere in particular has no places to read or write at. */
static bool is_stream(const struct file *file)
{
	return file->f_op->llseek == no_llseek;
}

static ssize_t read_or_write(struct file *file, char __user *buf, size_t count, loff_t *pos, bool writes)
{
	return writes ? vfs_write(file, buf, count, pos) : vfs_read(file, buf, count, pos);
}

static long pread_or_pwrite(unsigned int fd, char __user *buf, size_t count, loff_t pos, bool writes)
{
	struct file *file;
	ssize_t ret;

	if (pos < 0)
		return -EINVAL;
	file = fget(fd);
	if (!file)
		return -EBADF;
	ret = is_stream(file) ? -ESPIPE : read_or_write(file, buf, count, &pos, writes);
	fput(file);
	return ret;
}

long sys_pread64(unsigned int fd, char __user *buf, size_t count, loff_t pos)
{
	return pread_or_pwrite(fd, buf, count, pos, false);
}

long sys_pwrite64(unsigned int fd, const char __user *buf, size_t count, loff_t pos)
{
	return pread_or_pwrite(fd, (char __user *)buf, count, pos, true);
}

/* Element by element until one is not done whole. */
static ssize_t do_loop_readv_writev(struct file *file, const struct iovec __user *vec, unsigned long vlen,
				    loff_t *pos, bool writes)
{
	ssize_t done = 0, n;
	unsigned long i;

	for (i = 0; i < vlen; i++) {
		struct iovec iov;

		if (copy_from_user(&iov, vec + i, sizeof(iov)))
			return done ? done : -EFAULT;
		if ((ssize_t)iov.iov_len < 0)
			return done ? done : -EINVAL;
		n = read_or_write(file, iov.iov_base, iov.iov_len, pos, writes);
		if (n < 0)
			return done ? done : n;
		done += n;
		if ((size_t)n < iov.iov_len)
			break;
	}
	return done;
}

static long readv_writev(unsigned long fd, const struct iovec __user *vec, unsigned long vlen, bool writes)
{
	struct file *file = fget(fd);
	ssize_t ret = -EINVAL;

	if (!file)
		return -EBADF;
	if (!(file->f_mode & (writes ? FMODE_WRITE : FMODE_READ)))
		ret = -EBADF;
	else if (vlen <= UIO_MAXIOV)
		ret = do_loop_readv_writev(file, vec, vlen, &file->f_pos, writes);
	fput(file);
	return ret;
}

long sys_readv(unsigned long fd, const struct iovec __user *vec, unsigned long vlen)
{
	return readv_writev(fd, vec, vlen, false);
}

long sys_writev(unsigned long fd, const struct iovec __user *vec, unsigned long vlen)
{
	return readv_writev(fd, vec, vlen, true);
}

/* For files that programs do not have: straight from and to the kernel's memory. */
static ssize_t with_kernel_buffer(struct file *file, void *buf, size_t count, loff_t pos, bool writes)
{
	unsigned long old_limit = current->thread.addr_limit;
	ssize_t n;

	set_fs(KERNEL_DS);
	n = read_or_write(file, buf, count, &pos, writes);
	set_fs(old_limit);
	return n;
}

/* Read into the kernel's memory; the number of bytes, less than count at the file's end, or -errno. */
ssize_t kernel_read(struct file *file, void *buf, size_t count, loff_t pos)
{
	return with_kernel_buffer(file, buf, count, pos, false);
}

ssize_t kernel_write(struct file *file, const void *buf, size_t count, loff_t pos)
{
	return with_kernel_buffer(file, (void *)buf, count, pos, true);
}

/* Page by page through the kernel; what could be read but not written is lost to nobody but a pipe's reader. */
static ssize_t do_sendfile(struct file *out, struct file *in, loff_t *pos, size_t count)
{
	char *page = get_zeroed_page();
	ssize_t done = 0, n = 0;

	if (!page)
		return -ENOMEM;
	while ((size_t)done < count) {
		ssize_t written;

		n = kernel_read(in, page, min(count - done, PAGE_SIZE), *pos);
		if (n <= 0)
			break;
		written = kernel_write(out, page, n, out->f_pos);
		if (written > 0) {
			done += written;
			*pos += written;
			out->f_pos += S_ISREG(out->f_inode->i_mode) ? written : 0;
		}
		if (written < n) {
			n = written;
			break;
		}
	}
	free_page(page);
	return done ? done : n;
}

long sys_sendfile(int out_fd, int in_fd, loff_t __user *offset, size_t count)
{
	struct file *in = fget(in_fd), *out = fget(out_fd);
	loff_t pos = 0;
	long ret = -EBADF;

	if (!in || !out || !(in->f_mode & FMODE_READ) || !(out->f_mode & FMODE_WRITE))
		goto out;
	ret = -EFAULT;
	if (offset && copy_from_user(&pos, offset, sizeof(pos)))
		goto out;
	ret = -EINVAL;
	if (is_stream(in) || pos < 0 || out->f_flags & O_APPEND)
		goto out;
	if (!offset)
		pos = in->f_pos;
	ret = do_sendfile(out, in, &pos, min(count, MAX_RW_COUNT));
	if (!offset)
		in->f_pos = pos;
	else if (copy_to_user(offset, &pos, sizeof(pos)))
		ret = -EFAULT;
out:
	if (in)
		fput(in);
	if (out)
		fput(out);
	return ret;
}

loff_t no_llseek(struct file *file, loff_t offset, int whence)
{
	return -ESPIPE;
}

/* Of devices that do not care where. */
loff_t noop_llseek(struct file *file, loff_t offset, int whence)
{
	return file->f_pos;
}

/* A file's bytes are all data, and its end the only hole. */
loff_t generic_file_llseek(struct file *file, loff_t offset, int whence)
{
	loff_t size = file->f_inode->i_size, base = 0, pos;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = file->f_pos;
		break;
	case SEEK_END:
		base = size;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (offset < 0 || offset >= size)
			return -ENXIO;
		offset = whence == SEEK_DATA ? offset : size;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, offset, &pos) || pos < 0 || pos > MAX_LFS_FILESIZE)
		return -EINVAL;
	file->f_pos = pos;
	return pos;
}

long sys_lseek(unsigned int fd, off_t offset, unsigned int whence)
{
	struct file *file = fget(fd);
	loff_t ret;

	if (!file)
		return -EBADF;
	ret = whence > SEEK_HOLE ? -EINVAL : (file->f_op->llseek ?: generic_file_llseek)(file, offset, whence);
	fput(file);
	return ret;
}

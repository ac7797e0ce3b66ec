/* Descriptors: a task's small numbers for its open files (Linux: fs/file.c, fs/fcntl.c). */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/syscalls.h>

/* The current task's open file with a reference, which fput gives back; NULL if fd is none. */
struct file *fget(unsigned int fd)
{
	struct file *file = fd < NR_OPEN_DEFAULT ? current->files->fd_array[fd] : NULL;

	return file ? get_file(file) : NULL;
}

static void set_close_on_exec(unsigned int fd, bool on)
{
	unsigned long bit = 1UL << fd, *bits = &current->files->close_on_exec;

	*bits = on ? *bits | bit : *bits & ~bit;
}

/* Give file, and the caller's reference, to the lowest free descriptor from first on; -EMFILE if there is none. */
static int install_from(struct file *file, unsigned int first, int flags)
{
	unsigned int fd;

	for (fd = first; fd < NR_OPEN_DEFAULT; fd++) {
		if (current->files->fd_array[fd])
			continue;
		current->files->fd_array[fd] = file;
		set_close_on_exec(fd, flags & O_CLOEXEC);
		return fd;
	}
	return -EMFILE;
}

int fd_install(struct file *file, int flags)
{
	return install_from(file, 0, flags);
}

int install_or_put(struct file *file, int flags)
{
	int fd = fd_install(file, flags);

	if (fd < 0)
		fput(file);
	return fd;
}

/* The descriptors of a forked task: the same files. Of NULL: none. */
struct files_struct *dup_fd(struct files_struct *oldf)
{
	struct files_struct *files = kzalloc(sizeof(*files));
	int fd;

	if (!files)
		return NULL;
	files->count = 1;
	files->close_on_exec = oldf ? oldf->close_on_exec : 0;
	for (fd = 0; oldf && fd < NR_OPEN_DEFAULT; fd++)
		if (oldf->fd_array[fd])
			files->fd_array[fd] = get_file(oldf->fd_array[fd]);
	return files;
}

void put_files_struct(struct files_struct *files)
{
	int fd;

	if (--files->count)
		return;
	for (fd = 0; fd < NR_OPEN_DEFAULT; fd++)
		if (files->fd_array[fd])
			fput(files->fd_array[fd]);
	kfree(files);
}

static int close_fd(unsigned int fd)
{
	struct file *file = fd < NR_OPEN_DEFAULT ? current->files->fd_array[fd] : NULL;

	if (!file)
		return -EBADF;
	current->files->fd_array[fd] = NULL;
	set_close_on_exec(fd, false);
	fput(file);
	return 0;
}

/* Called by execve past its point of no return. */
void do_close_on_exec(void)
{
	unsigned int fd;

	for (fd = 0; fd < NR_OPEN_DEFAULT; fd++)
		if (current->files->close_on_exec & 1UL << fd)
			close_fd(fd);
}

long sys_close(unsigned int fd)
{
	return close_fd(fd);
}

#define CLOSE_RANGE_CLOEXEC	4

long sys_close_range(unsigned int fd, unsigned int max_fd, unsigned int flags)
{
	if (flags & ~CLOSE_RANGE_CLOEXEC || fd > max_fd)
		return -EINVAL;
	for (; fd <= max_fd && fd < NR_OPEN_DEFAULT; fd++) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			set_close_on_exec(fd, true);
		else
			close_fd(fd);
	}
	return 0;
}

static long f_dupfd(unsigned int fildes, unsigned int first, int flags)
{
	struct file *file = fget(fildes);
	int fd;

	if (!file)
		return -EBADF;
	fd = install_from(file, first, flags);
	if (fd < 0)
		fput(file);
	return fd;
}

long sys_dup(unsigned int fildes)
{
	return f_dupfd(fildes, 0, 0);
}

long sys_dup3(unsigned int oldfd, unsigned int newfd, int flags)
{
	struct file *file;

	if (flags & ~O_CLOEXEC || oldfd == newfd)
		return -EINVAL;
	if (newfd >= NR_OPEN_DEFAULT)
		return -EBADF;
	file = fget(oldfd);
	if (!file)
		return -EBADF;
	close_fd(newfd);
	current->files->fd_array[newfd] = file;
	set_close_on_exec(newfd, flags & O_CLOEXEC);
	return newfd;
}

long sys_dup2(unsigned int oldfd, unsigned int newfd)
{
	struct file *file;

	if (oldfd != newfd)
		return sys_dup3(oldfd, newfd, 0);
	file = fget(oldfd);
	if (!file)
		return -EBADF;
	fput(file);
	return newfd;
}

#define SETFL_MASK (O_APPEND | O_NONBLOCK)

struct flock {
	short l_type, l_whence;
	off_t l_start, l_len;
	pid_t l_pid;
};

#define F_UNLCK 2

/* Nobody else locks anything: there is no lock in the way. */
static long getlk(struct flock __user *lock)
{
	return put_user((short)F_UNLCK, &lock->l_type);
}

static long do_fcntl(struct file *file, unsigned int fd, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return arg >= NR_OPEN_DEFAULT ? -EINVAL : f_dupfd(fd, arg, cmd == F_DUPFD ? 0 : O_CLOEXEC);
	case F_GETFD:
		return current->files->close_on_exec >> fd & FD_CLOEXEC;
	case F_SETFD:
		set_close_on_exec(fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return file->f_flags;
	case F_SETFL:
		file->f_flags = (file->f_flags & ~SETFL_MASK) | (arg & SETFL_MASK);
		return 0;
	case F_GETLK:
		return getlk((struct flock __user *)arg);
	case F_SETLK:
	case F_SETLKW:
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_fcntl(unsigned int fd, unsigned int cmd, unsigned long arg)
{
	struct file *file = fget(fd);
	long ret;

	if (!file)
		return -EBADF;
	ret = do_fcntl(file, fd, cmd, arg);
	fput(file);
	return ret;
}

/*
 * Pipes and FIFOs: bytes from writers to readers through a ring of pages (Linux: fs/pipe.c). A reader finds the end
 * when no writer is left; a writer without readers gets -EPIPE and SIGPIPE.
 */
#include <asm/page.h>
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pipe_fs_i.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/syscalls.h>

#define PIPE_SIZE	(PIPE_BUFFERS * PAGE_SIZE)
#define FIONREAD	0x541b
#define PIPE_BUF	PAGE_SIZE	/* a write of so much is not torn apart */

static size_t pipe_used(const struct pipe_inode_info *pipe)
{
	return READ_ONCE(pipe->head) - READ_ONCE(pipe->tail);
}

static struct pipe_inode_info *alloc_pipe_info(void)
{
	struct pipe_inode_info *pipe = kzalloc(sizeof(*pipe));

	if (!pipe)
		return NULL;
	mutex_init(&pipe->mutex);
	init_waitqueue_head(&pipe->rd_wait);
	init_waitqueue_head(&pipe->wr_wait);
	return pipe;
}

void free_pipe_info(struct pipe_inode_info *pipe)
{
	size_t i;

	for (i = 0; pipe && i < PIPE_BUFFERS; i++)
		if (pipe->bufs[i])
			free_page(pipe->bufs[i]);
	kfree(pipe);
}

static void free_empty_page(struct pipe_inode_info *pipe, unsigned long position)
{
	char **page = &pipe->bufs[position / PAGE_SIZE % PIPE_BUFFERS];

	/* A full pipe's newest bytes lie where its oldest ones have made room. */
	if (pipe_used(pipe) && page == &pipe->bufs[(pipe->head - 1) / PAGE_SIZE % PIPE_BUFFERS])
		return;
	if (*page)
		free_page(*page);
	*page = NULL;
}

/* Copy out what is there; pages that are read to their end go. The bytes copied, or -EFAULT. */
static ssize_t copy_out(struct pipe_inode_info *pipe, char __user *buf, size_t count)
{
	size_t done = 0;

	while (done < count && pipe_used(pipe)) {
		size_t n = min(min(count - done, pipe_used(pipe)), PAGE_SIZE - offset_in_page(pipe->tail));
		const char *page = pipe->bufs[pipe->tail / PAGE_SIZE % PIPE_BUFFERS];

		if (copy_to_user(buf + done, page + offset_in_page(pipe->tail), n))
			return done ? (ssize_t)done : -EFAULT;
		pipe->tail += n;
		done += n;
		if (!offset_in_page(pipe->tail) || !pipe_used(pipe))
			free_empty_page(pipe, pipe->tail - 1);
	}
	if (!pipe_used(pipe))
		pipe->head = pipe->tail = 0;
	return done;
}

/* Copy in as much as there is room for. */
static ssize_t copy_in(struct pipe_inode_info *pipe, const char __user *buf, size_t count)
{
	size_t done = 0;

	while (done < count && pipe_used(pipe) < PIPE_SIZE) {
		size_t n = min(min(count - done, PIPE_SIZE - pipe_used(pipe)), PAGE_SIZE - offset_in_page(pipe->head));
		char **page = &pipe->bufs[pipe->head / PAGE_SIZE % PIPE_BUFFERS];

		if (!*page)
			*page = get_zeroed_page();
		if (!*page)
			return done ? (ssize_t)done : -ENOMEM;
		if (copy_from_user(*page + offset_in_page(pipe->head), buf + done, n))
			return done ? (ssize_t)done : -EFAULT;
		pipe->head += n;
		done += n;
	}
	return done;
}

/* Whatever is there, at once; else sleep until there is something, or nobody left to write it. */
static noinline ssize_t pipe_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct pipe_inode_info *pipe = file->f_inode->i_pipe;
	ssize_t ret = 0;

	while (count) {
		mutex_lock(&pipe->mutex);
		ret = copy_out(pipe, buf, count);
		mutex_unlock(&pipe->mutex);
		if (ret > 0)
			wake_up(&pipe->wr_wait);
		if (ret || !pipe->writers)
			break;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(pipe->rd_wait, pipe_used(pipe) || !READ_ONCE(pipe->writers)))
			return -ERESTARTSYS;
	}
	return ret;
}

/* How much room a writer of so many bytes waits for. */
static size_t room_needed(size_t count)
{
	return count <= PIPE_BUF ? count : 1;
}

static bool pipe_writable(const struct pipe_inode_info *pipe, size_t needed)
{
	return PIPE_SIZE - pipe_used(pipe) >= needed;
}

static ssize_t broken_pipe(void)
{
	send_sig(SIGPIPE, current, false);
	return -EPIPE;
}

/* Sleeps until all is written, unless O_NONBLOCK. */
static noinline ssize_t pipe_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	struct pipe_inode_info *pipe = file->f_inode->i_pipe;
	size_t done = 0;

	while (done < count) {
		ssize_t n = 0;

		if (!pipe->readers)
			return done ? (ssize_t)done : broken_pipe();
		mutex_lock(&pipe->mutex);
		if (pipe_writable(pipe, room_needed(count - done)))
			n = copy_in(pipe, buf + done, count - done);
		mutex_unlock(&pipe->mutex);
		if (n < 0)
			return done ? (ssize_t)done : n;
		done += n;
		if (n)
			wake_up(&pipe->rd_wait);
		if (done == count)
			break;
		if (file->f_flags & O_NONBLOCK)
			return done ? (ssize_t)done : -EAGAIN;
		if (wait_event_interruptible(pipe->wr_wait, pipe_writable(pipe, room_needed(count - done)) ||
							    !READ_ONCE(pipe->readers)))
			return done ? (ssize_t)done : -ERESTARTSYS;
	}
	return done;
}

static void count_ends(struct pipe_inode_info *pipe, const struct file *file, int change)
{
	if (file->f_mode & FMODE_READ)
		pipe->readers += change;
	if (file->f_mode & FMODE_WRITE)
		pipe->writers += change;
	if (change > 0) {
		pipe->r_counter += !!(file->f_mode & FMODE_READ);
		pipe->w_counter += !!(file->f_mode & FMODE_WRITE);
	}
	wake_up(&pipe->rd_wait);
	wake_up(&pipe->wr_wait);
}

static void pipe_release(struct inode *inode, struct file *file)
{
	struct pipe_inode_info *pipe = inode->i_pipe;

	count_ends(pipe, file, -1);
	if (pipe->readers || pipe->writers || !inode->i_nlink)
		return;
	free_pipe_info(pipe);
	inode->i_pipe = NULL;
}

/* Sleep until the other end was opened since. */
static int wait_for_partner(struct pipe_inode_info *pipe, const unsigned int *counter)
{
	unsigned int seen = *counter;

	return wait_event_interruptible(pipe->rd_wait, READ_ONCE(*counter) != seen);
}

static unsigned int pipe_poll(struct file *file, poll_table *wait)
{
	struct pipe_inode_info *pipe = file->f_inode->i_pipe;
	unsigned int mask = 0;

	poll_wait(file, &pipe->rd_wait, wait);
	poll_wait(file, &pipe->wr_wait, wait);
	if (file->f_mode & FMODE_READ) {
		mask |= pipe_used(pipe) ? POLLIN | POLLRDNORM : 0;
		mask |= pipe->writers ? 0 : POLLHUP;
	}
	if (file->f_mode & FMODE_WRITE) {
		mask |= pipe_writable(pipe, PIPE_BUF) ? POLLOUT | POLLWRNORM : 0;
		mask |= pipe->readers ? 0 : POLLERR;
	}
	return mask;
}

static long pipe_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != FIONREAD)
		return -ENOTTY;
	return put_user((int)pipe_used(file->f_inode->i_pipe), (int __user *)arg);
}

/* A FIFO, by its name: an end waits for the other, as fifo(7) says. A pipe's inode has its pipe already. */
static int fifo_open(struct inode *inode, struct file *file)
{
	struct pipe_inode_info *pipe;
	int err = 0;

	if (!inode->i_pipe)
		inode->i_pipe = alloc_pipe_info();
	pipe = inode->i_pipe;
	if (!pipe)
		return -ENOMEM;
	if (file->f_mode == FMODE_WRITE && file->f_flags & O_NONBLOCK && !pipe->readers)
		return -ENXIO;
	count_ends(pipe, file, 1);
	if (file->f_mode == FMODE_READ && !pipe->writers && !(file->f_flags & O_NONBLOCK))
		err = wait_for_partner(pipe, &pipe->w_counter);
	if (file->f_mode == FMODE_WRITE && !pipe->readers)
		err = wait_for_partner(pipe, &pipe->r_counter);
	if (err)
		pipe_release(inode, file);
	return err;
}

const struct file_operations pipefifo_fops = {
	.open = fifo_open,
	.release = pipe_release,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.unlocked_ioctl = pipe_ioctl,
	.llseek = no_llseek,
};

static struct file_system_type pipe_fs_type = { "pipefs" };

static struct super_block pipefs_sb = { .s_type = &pipe_fs_type, .s_magic = 0x50495045, .s_dev = MKDEV(0, 9) };

/* An inode with a pipe, in no tree; its name tells its number. */
static struct dentry *pipefs_dentry(void)
{
	struct inode *inode = new_inode(&pipefs_sb, S_IFIFO | 0600);
	struct dentry *dentry;
	char name[32];

	if (!inode)
		return NULL;
	snprintf(name, sizeof(name), "pipe:[%lu]", inode->i_ino);
	inode->i_pipe = alloc_pipe_info();
	dentry = inode->i_pipe ? d_alloc_pseudo(name, inode) : NULL;
	if (!dentry)
		iput(inode);
	return dentry;
}

/* Both ends of a new pipe: files[0] reads, files[1] writes. */
static int create_pipe_files(struct file *files[2], int flags)
{
	struct dentry *dentry = pipefs_dentry();

	if (!dentry)
		return -ENFILE;
	files[0] = alloc_file(dget(dentry), O_RDONLY | flags, &pipefifo_fops);
	files[1] = alloc_file(dget(dentry), O_WRONLY | flags, &pipefifo_fops);
	if (files[0] && files[1]) {
		count_ends(dentry->d_inode->i_pipe, files[0], 1);
		count_ends(dentry->d_inode->i_pipe, files[1], 1);
		dput(dentry);
		return 0;
	}
	kfree(files[0]);
	kfree(files[1]);
	dput(dentry);
	dput(dentry);
	dput(dentry);
	return -ENFILE;
}

long sys_pipe2(int __user *fildes, int flags)
{
	struct file *files[2];
	int fds[2], err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = create_pipe_files(files, flags & O_NONBLOCK);
	if (err)
		return err;
	fds[0] = install_or_put(files[0], flags);
	fds[1] = install_or_put(files[1], flags);
	if (fds[0] < 0 || fds[1] < 0)
		err = -EMFILE;
	else if (copy_to_user(fildes, fds, sizeof(fds)))
		err = -EFAULT;
	if (err && fds[0] >= 0)
		sys_close(fds[0]);
	if (err && fds[1] >= 0)
		sys_close(fds[1]);
	return err;
}

long sys_pipe(int __user *fildes)
{
	return sys_pipe2(fildes, 0);
}

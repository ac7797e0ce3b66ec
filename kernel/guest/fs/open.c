/* Open files: struct file, and the descriptors that stand for them. */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

static const struct file_operations no_fops;

static const struct file_operations *inode_fops(const struct inode *inode)
{
	if (S_ISCHR(inode->i_mode))
		return chrdev_fops(inode->i_rdev);
	return inode->i_fop ? inode->i_fop : &no_fops;
}

/* May it be opened so? Plain files and directories lie in the initramfs and can't be written. */
static int may_open(const struct inode *inode, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if (writes && S_ISDIR(inode->i_mode))
		return -EISDIR;
	if (writes && S_ISREG(inode->i_mode) && !inode->i_fop)
		return -EROFS;
	return 0;
}

struct file *filp_open(const char *path, int flags)
{
	struct inode *inode = path_lookup(path);
	const struct file_operations *fops;
	struct file *file;
	int err;

	if (IS_ERR(inode))
		return PTR_ERR(inode) == -ENOENT && (flags & O_CREAT) ? ERR_PTR(-EROFS) : (void *)inode;
	err = may_open(inode, flags);
	if (err)
		return ERR_PTR(err);
	fops = inode_fops(inode);
	if (!fops)
		return ERR_PTR(-ENXIO);
	file = kzalloc(sizeof(*file));
	if (!file)
		return ERR_PTR(-ENOMEM);
	file->f_inode = inode;
	file->f_op = fops;
	file->f_mode = (flags & O_ACCMODE) + 1;
	file->f_count = 1;
	return file;
}

struct file *get_file(struct file *file)
{
	file->f_count++;
	return file;
}

void fput(struct file *file)
{
	if (!--file->f_count)
		kfree(file);
}

/* The current task's open file fd, without a reference of its own, or NULL. */
struct file *fget(unsigned int fd)
{
	return fd < NR_OPEN_DEFAULT ? current->files->fd_array[fd] : NULL;
}

/* Give file, and the caller's reference, to the lowest free descriptor; -EMFILE if there is none. */
int fd_install(struct file *file)
{
	int fd;

	for (fd = 0; fd < NR_OPEN_DEFAULT; fd++) {
		if (current->files->fd_array[fd])
			continue;
		current->files->fd_array[fd] = file;
		return fd;
	}
	return -EMFILE;
}

/* The descriptors of a forked task: the same files. Of NULL: none. */
struct files_struct *dup_fd(struct files_struct *oldf)
{
	struct files_struct *files = kzalloc(sizeof(*files));
	int fd;

	for (fd = 0; files && oldf && fd < NR_OPEN_DEFAULT; fd++)
		if (oldf->fd_array[fd])
			files->fd_array[fd] = get_file(oldf->fd_array[fd]);
	return files;
}

void put_files_struct(struct files_struct *files)
{
	int fd;

	for (fd = 0; fd < NR_OPEN_DEFAULT; fd++)
		if (files->fd_array[fd])
			fput(files->fd_array[fd]);
	kfree(files);
}

static long install_or_put(struct file *file)
{
	int fd = fd_install(file);

	if (fd < 0)
		fput(file);
	return fd;
}

long sys_open(const char __user *filename, int flags, umode_t mode)
{
	char *name = getname(filename);
	struct file *file;

	if (IS_ERR(name))
		return PTR_ERR(name);
	file = filp_open(name, flags);
	kfree(name);
	return IS_ERR(file) ? PTR_ERR(file) : install_or_put(file);
}

long sys_close(unsigned int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	current->files->fd_array[fd] = NULL;
	fput(file);
	return 0;
}

long sys_dup(unsigned int fildes)
{
	struct file *file = fget(fildes);

	return file ? install_or_put(get_file(file)) : -EBADF;
}

/* open: from a path to a struct file and its descriptor (Linux: fs/open.c, fs/namei.c). */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>
#include "internal.h"

static const struct file_operations no_fops;

/* What serves a file of that inode, or NULL for a device without a driver. */
static const struct file_operations *inode_fops(const struct inode *inode)
{
	if (S_ISCHR(inode->i_mode))
		return chrdev_fops(inode->i_rdev);
	if (S_ISFIFO(inode->i_mode))
		return &pipefifo_fops;
	if ((inode->i_mode & S_IFMT) == S_IFBLK || (inode->i_mode & S_IFMT) == S_IFSOCK)
		return NULL;
	return inode->i_fop ? inode->i_fop : &no_fops;
}

/* Takes the reference of dentry, whatever comes of it. */
struct file *dentry_open(struct dentry *dentry, int flags)
{
	const struct file_operations *fops = flags & O_PATH ? &no_fops : inode_fops(dentry->d_inode);
	struct file *file = fops ? alloc_file(dentry, flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC), fops)
				 : ERR_PTR(-ENXIO);
	int err;

	if (!file)
		file = ERR_PTR(-ENOMEM);
	if (IS_ERR(file)) {
		dput(dentry);
		return file;
	}
	if (flags & O_PATH)
		file->f_mode = 0;
	err = fops->open ? fops->open(dentry->d_inode, file) : 0;
	if (!err)
		return file;
	file->f_op = &no_fops;
	fput(file);
	return ERR_PTR(err);
}

/* May what was found be opened so? */
static int may_open(const struct inode *inode, int flags)
{
	int acc_mode = (flags & O_ACCMODE) == O_RDONLY ? MAY_READ :
		       (flags & O_ACCMODE) == O_WRONLY ? MAY_WRITE : MAY_READ | MAY_WRITE;

	if (flags & O_PATH)
		return 0;
	if (S_ISLNK(inode->i_mode))
		return -ELOOP;
	if (S_ISDIR(inode->i_mode) && (acc_mode & MAY_WRITE || flags & O_CREAT))
		return -EISDIR;
	return inode_permission(inode, flags & O_TRUNC ? acc_mode | MAY_WRITE : acc_mode);
}

/* A file that was there or, if created, was made just now. Takes the reference of dentry. */
static struct file *do_open(struct dentry *dentry, int flags, bool created)
{
	struct inode *inode = dentry->d_inode;
	int err = created ? 0 : may_open(inode, flags);

	if (!err && flags & O_DIRECTORY && !S_ISDIR(inode->i_mode))
		err = -ENOTDIR;
	if (!err && flags & O_TRUNC && S_ISREG(inode->i_mode) && !created)
		err = do_truncate(inode, 0);
	if (!err)
		return dentry_open(dentry, flags);
	dput(dentry);
	return ERR_PTR(err);
}

/* The last component is not there, and O_CREAT is. */
static struct file *create_file(struct nameidata *nd, int flags, umode_t mode)
{
	struct dentry *dentry;
	int err = may_change(nd->dentry);

	if (nd->trailing)
		err = -EISDIR;
	if (err == -EPERM)
		err = -ENOENT;		/* as /proc says it */
	if (err)
		return ERR_PTR(err);
	mode = S_IFREG | (mode & S_IALLUGO & ~current->fs->umask);
	dentry = vfs_create(nd->dentry, &nd->last, mode, 0);
	return IS_ERR(dentry) ? (void *)dentry : do_open(dentry, flags, true);
}

/* One round: the file, ERR_PTR, or NULL if the last component was a link and the walk goes on. */
static struct file *open_last(struct nameidata *nd, int flags, umode_t mode)
{
	struct dentry *dentry;
	int err = link_path_walk(nd);

	if (err)
		return ERR_PTR(err);
	dentry = nd->last.len ? lookup_one(nd->dentry, &nd->last) : dget(nd->dentry);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry) == -ENOENT && flags & O_CREAT ? create_file(nd, flags, mode) : (void *)dentry;
	if (flags & O_CREAT && flags & O_EXCL)
		err = -EEXIST;
	else if (flags & O_CREAT && nd->trailing)
		err = -EISDIR;
	else if (S_ISLNK(dentry->d_inode->i_mode) && (!(flags & O_NOFOLLOW) || nd->trailing))
		err = follow_link(nd, dentry) ?: 1;
	else if (nd->trailing && !S_ISDIR(dentry->d_inode->i_mode))
		err = -ENOTDIR;
	if (!err)
		return do_open(dentry, flags, false);
	dput(dentry);
	return err > 0 ? NULL : ERR_PTR(err);
}

/* A path in the kernel's memory, relative to what dfd has open. The file with a reference, or ERR_PTR. */
noinline struct file *do_filp_open(int dfd, const char *path, int flags, umode_t mode)
{
	struct nameidata nd;
	struct file *file;
	int err;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (flags & O_CREAT && flags & O_DIRECTORY)
		return ERR_PTR(-EINVAL);
	err = path_init(&nd, dfd, path);
	if (err)
		return ERR_PTR(err);
	do {
		file = open_last(&nd, flags, mode);
	} while (!file);
	path_exit(&nd);
	return file;
}

/* Open a path of the kernel's, from the root or the working directory. */
struct file *filp_open(const char *path, int flags, umode_t mode)
{
	return do_filp_open(AT_FDCWD, path, flags, mode);
}

#define O_KNOWN (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_LARGEFILE | \
		 O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_PATH)

long sys_openat(int dfd, const char __user *filename, int flags, umode_t mode)
{
	char *name = getname(filename);
	struct file *file;

	if (IS_ERR(name))
		return PTR_ERR(name);
	flags &= O_KNOWN;
	file = do_filp_open(dfd, name, flags | O_LARGEFILE, mode);
	kfree(name);
	return IS_ERR(file) ? PTR_ERR(file) : install_or_put(file, flags);
}

long sys_open(const char __user *filename, int flags, umode_t mode)
{
	return sys_openat(AT_FDCWD, filename, flags, mode);
}

long sys_creat(const char __user *pathname, umode_t mode)
{
	return sys_openat(AT_FDCWD, pathname, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

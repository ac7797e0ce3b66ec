/* A task's root, working directory and umask (Linux: fs/fs_struct.c, fs/open.c, fs/d_path.c). */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

/* Of the kernel's threads and of init: the root is set when there is one. */
struct fs_struct init_fs = { .users = 1, .umask = 022 };

/* A forked task's own copy, or NULL. */
struct fs_struct *copy_fs_struct(struct fs_struct *old)
{
	struct fs_struct *fs = kzalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	*fs = *old;
	fs->users = 1;
	dget(fs->root.dentry);
	dget(fs->pwd.dentry);
	return fs;
}

void put_fs_struct(struct fs_struct *fs)
{
	if (--fs->users)
		return;
	dput(fs->root.dentry);
	dput(fs->pwd.dentry);
	kfree(fs);
}

/* Takes the reference of dentry. */
static long set_dir(struct path *path, struct dentry *dentry)
{
	int err = 0;

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (!S_ISDIR(dentry->d_inode->i_mode))
		err = -ENOTDIR;
	if (!err)
		err = inode_permission(dentry->d_inode, MAY_EXEC);
	if (err) {
		dput(dentry);
		return err;
	}
	dput(path->dentry);
	path->dentry = dentry;
	return 0;
}

long sys_chdir(const char __user *filename)
{
	return set_dir(&current->fs->pwd, user_path_at(AT_FDCWD, filename, LOOKUP_FOLLOW));
}

long sys_chroot(const char __user *filename)
{
	return set_dir(&current->fs->root, user_path_at(AT_FDCWD, filename, LOOKUP_FOLLOW));
}

long sys_fchdir(unsigned int fd)
{
	struct file *file = fget(fd);
	long ret;

	if (!file)
		return -EBADF;
	ret = set_dir(&current->fs->pwd, dget(file->f_path.dentry));
	fput(file);
	return ret;
}

/* The C library wants the length, terminator included. */
long sys_getcwd(char __user *buf, unsigned long size)
{
	struct dentry *pwd = current->fs->pwd.dentry;
	char *page, *path;
	long ret;

	if (pwd->d_unlinked)
		return -ENOENT;
	page = get_zeroed_page();
	if (!page)
		return -ENOMEM;
	path = d_path(pwd, page, PATH_MAX);
	if (IS_ERR(path))
		ret = PTR_ERR(path);
	else if (strlen(path) + 1 > size)
		ret = -ERANGE;
	else
		ret = copy_to_user(buf, path, strlen(path) + 1) ? -EFAULT : (long)strlen(path) + 1;
	free_page(page);
	return ret;
}

long sys_umask(int mask)
{
	int old = current->fs->umask;

	current->fs->umask = mask & 0777;
	return old;
}

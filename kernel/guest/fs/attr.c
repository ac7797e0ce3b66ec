/* What a file is like, changed: its length, mode, owner and times (Linux: fs/open.c, fs/attr.c, fs/utimes.c). */
#include <asm/uaccess.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/syscalls.h>

/* Cut a regular file, or let it grow by a hole. */
int do_truncate(struct inode *inode, loff_t length)
{
	if (length > MAX_LFS_FILESIZE)
		return -EFBIG;
	inode_lock(inode);
	if (length < inode->i_size)
		truncate_inode_pages(&inode->i_data, length);
	inode->i_size = length;
	inode_dirtied(inode);
	inode_unlock(inode);
	return 0;
}

long sys_truncate(const char __user *path, long length)
{
	struct dentry *dentry;
	struct inode *inode;
	int err;

	if (length < 0)
		return -EINVAL;
	dentry = user_path_at(AT_FDCWD, path, LOOKUP_FOLLOW);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	inode = dentry->d_inode;
	if (S_ISDIR(inode->i_mode))
		err = -EISDIR;
	else if (!S_ISREG(inode->i_mode))
		err = -EINVAL;
	else
		err = inode_permission(inode, MAY_WRITE);
	if (!err)
		err = do_truncate(inode, length);
	dput(dentry);
	return err;
}

long sys_ftruncate(unsigned int fd, off_t length)
{
	struct file *file;
	long err = -EINVAL;

	if (length < 0)
		return -EINVAL;
	file = fget(fd);
	if (!file)
		return -EBADF;
	if (S_ISREG(file->f_inode->i_mode) && file->f_mode & FMODE_WRITE)
		err = do_truncate(file->f_inode, length);
	fput(file);
	return err;
}

/* Memory is there for a file's bytes when they are written. */
long sys_fallocate(int fd, int mode, loff_t offset, loff_t len)
{
	struct file *file;
	long err = 0;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	file = fget(fd);
	if (!file)
		return -EBADF;
	if (mode)
		err = -EOPNOTSUPP;
	else if (!(file->f_mode & FMODE_WRITE))
		err = -EBADF;
	else if (!S_ISREG(file->f_inode->i_mode))
		err = -ENODEV;
	else if (offset > MAX_LFS_FILESIZE - len)
		err = -EFBIG;
	else if (offset + len > file->f_inode->i_size)
		err = do_truncate(file->f_inode, offset + len);
	fput(file);
	return err;
}

/* Takes the reference of dentry; mode is what access(2) asks for. */
static long do_access(struct dentry *dentry, int mode)
{
	int err;

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	err = inode_permission(dentry->d_inode, mode);
	dput(dentry);
	return err;
}

long sys_faccessat2(int dfd, const char __user *filename, int mode, int flags)
{
	if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return do_access(user_path_at(dfd, filename, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
				      (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0)), mode);
}

long sys_faccessat(int dfd, const char __user *filename, int mode)
{
	return sys_faccessat2(dfd, filename, mode, 0);
}

long sys_access(const char __user *filename, int mode)
{
	return sys_faccessat2(AT_FDCWD, filename, mode, 0);
}

static long chmod_common(struct inode *inode, umode_t mode)
{
	if (!inode_owner_or_capable(inode))
		return -EPERM;
	inode->i_mode = (inode->i_mode & S_IFMT) | (mode & S_IALLUGO);
	inode->i_ctime = current_time();
	return 0;
}

long sys_fchmodat(int dfd, const char __user *filename, umode_t mode)
{
	struct dentry *dentry = user_path_at(dfd, filename, LOOKUP_FOLLOW);
	long ret;

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	ret = chmod_common(dentry->d_inode, mode);
	dput(dentry);
	return ret;
}

long sys_chmod(const char __user *filename, umode_t mode)
{
	return sys_fchmodat(AT_FDCWD, filename, mode);
}

long sys_fchmod(unsigned int fd, umode_t mode)
{
	struct file *file = fget(fd);
	long ret;

	if (!file)
		return -EBADF;
	ret = chmod_common(file->f_inode, mode);
	fput(file);
	return ret;
}

/*
 * -1 leaves what it is. A file is given away by root alone; the bits that lend the owner's rights do not survive a
 * new owner.
 */
static long chown_common(struct inode *inode, uid_t user, gid_t group)
{
	bool gives = (user != (uid_t)-1 && user != inode->i_uid) ||
		     (group != (gid_t)-1 && group != current_cred()->fsgid);

	if (!inode_owner_or_capable(inode) || (gives && current_cred()->fsuid != GLOBAL_ROOT_UID))
		return -EPERM;
	if (user != (uid_t)-1)
		inode->i_uid = user;
	if (group != (gid_t)-1)
		inode->i_gid = group;
	if (!S_ISDIR(inode->i_mode))
		inode->i_mode &= inode->i_mode & 0010 ? ~(S_ISUID | S_ISGID) : ~S_ISUID;
	inode->i_ctime = current_time();
	return 0;
}

long sys_fchownat(int dfd, const char __user *filename, uid_t user, gid_t group, int flag)
{
	struct dentry *dentry;
	long ret;

	if (flag & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	dentry = user_path_at(dfd, filename, (flag & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			      (flag & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0));
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	ret = chown_common(dentry->d_inode, user, group);
	dput(dentry);
	return ret;
}

long sys_chown(const char __user *filename, uid_t user, gid_t group)
{
	return sys_fchownat(AT_FDCWD, filename, user, group, 0);
}

long sys_lchown(const char __user *filename, uid_t user, gid_t group)
{
	return sys_fchownat(AT_FDCWD, filename, user, group, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(unsigned int fd, uid_t user, gid_t group)
{
	struct file *file = fget(fd);
	long ret;

	if (!file)
		return -EBADF;
	ret = chown_common(file->f_inode, user, group);
	fput(file);
	return ret;
}

#define UTIME_NOW	((1L << 30) - 1)
#define UTIME_OMIT	((1L << 30) - 2)

static void set_time(struct timespec *time, const struct timespec *wanted)
{
	if (wanted->tv_nsec == UTIME_NOW)
		*time = current_time();
	else if (wanted->tv_nsec != UTIME_OMIT)
		*time = *wanted;
}

static bool nsec_valid(long nsec)
{
	return nsec == UTIME_NOW || nsec == UTIME_OMIT || (nsec >= 0 && nsec <= 999999999);
}

static struct dentry *utime_target(int dfd, const char __user *filename, int flags)
{
	struct file *file;
	struct dentry *dentry;

	if (filename || dfd == AT_FDCWD)
		return user_path_at(dfd, filename, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
				    (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0));
	file = fget(dfd);
	if (!file)
		return ERR_PTR(-EBADF);
	dentry = dget(file->f_path.dentry);
	fput(file);
	return dentry;
}

static long do_utimes(int dfd, const char __user *filename, const struct timespec times[2], int flags)
{
	struct dentry *dentry;
	long ret = 0;

	if (!nsec_valid(times[0].tv_nsec) || !nsec_valid(times[1].tv_nsec) ||
	    flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	dentry = utime_target(dfd, filename, flags);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (!inode_owner_or_capable(dentry->d_inode))
		ret = -EPERM;
	if (!ret) {
		set_time(&dentry->d_inode->i_atime, &times[0]);
		set_time(&dentry->d_inode->i_mtime, &times[1]);
		dentry->d_inode->i_ctime = current_time();
	}
	dput(dentry);
	return ret;
}

long sys_utimensat(int dfd, const char __user *filename, const struct timespec __user *utimes, int flags)
{
	struct timespec times[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };

	if (utimes && copy_from_user(times, utimes, sizeof(times)))
		return -EFAULT;
	return do_utimes(dfd, filename, times, flags);
}

/* With microseconds where utimensat has nanoseconds. */
long sys_utimes(const char __user *filename, const struct timespec __user *utimes)
{
	struct timespec times[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	size_t i;

	if (utimes && copy_from_user(times, utimes, sizeof(times)))
		return -EFAULT;
	for (i = 0; utimes && i < ARRAY_SIZE(times); i++) {
		if (times[i].tv_nsec < 0 || times[i].tv_nsec >= 1000000)
			return -EINVAL;
		times[i].tv_nsec *= 1000;
	}
	return do_utimes(AT_FDCWD, filename, times, 0);
}

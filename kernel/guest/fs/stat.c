/* What a file is like, told (Linux: fs/stat.c, fs/statfs.c). */
#include <asm/page.h>
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/syscalls.h>

#define STATX_BASIC_STATS	0x7ff

/* Linux: include/uapi/linux/stat.h */
struct statx_timestamp {
	s64 tv_sec;
	u32 tv_nsec;
	s32 __reserved;
};

struct statx {
	u32 stx_mask, stx_blksize;
	u64 stx_attributes;
	u32 stx_nlink, stx_uid, stx_gid;
	u16 stx_mode, __spare0;
	u64 stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
	u32 stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	u64 __spare2[14];
};

BUILD_BUG_ON(sizeof(struct stat) != 144 || sizeof(struct statx) != 256);

/* 512-byte blocks that the file's pages are. */
static u64 blocks(const struct inode *inode)
{
	return inode->i_data.nrpages * (PAGE_SIZE / 512);
}

/* The major number from bit 8, the minor's higher bits from bit 20 (include/linux/kdev_t.h, new_encode_dev). */
static u64 new_encode_dev(dev_t dev)
{
	return (MINOR(dev) & 0xff) | MAJOR(dev) << 8 | (MINOR(dev) & ~0xffU) << 12;
}

static long cp_new_stat(const struct inode *inode, struct stat __user *statbuf)
{
	struct stat tmp = {
		.st_dev = new_encode_dev(inode->i_sb->s_dev),
		.st_ino = inode->i_ino,
		.st_nlink = inode->i_nlink,
		.st_mode = inode->i_mode,
		.st_uid = inode->i_uid,
		.st_gid = inode->i_gid,
		.st_rdev = new_encode_dev(inode->i_rdev),
		.st_size = inode->i_size,
		.st_blksize = PAGE_SIZE,
		.st_blocks = blocks(inode),
		.st_atime = inode->i_atime,
		.st_mtime = inode->i_mtime,
		.st_ctime = inode->i_ctime,
	};

	return copy_to_user(statbuf, &tmp, sizeof(tmp)) ? -EFAULT : 0;
}

/* Takes the reference of dentry. */
static noinline long vfs_stat(struct dentry *dentry, struct stat __user *statbuf)
{
	long ret;

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	ret = cp_new_stat(dentry->d_inode, statbuf);
	dput(dentry);
	return ret;
}

long sys_newfstatat(int dfd, const char __user *filename, struct stat __user *statbuf, int flag)
{
	if (flag & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	return vfs_stat(user_path_at(dfd, filename, (flag & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
				     (flag & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0)), statbuf);
}

long sys_stat(const char __user *filename, struct stat __user *statbuf)
{
	return sys_newfstatat(AT_FDCWD, filename, statbuf, 0);
}

long sys_lstat(const char __user *filename, struct stat __user *statbuf)
{
	return sys_newfstatat(AT_FDCWD, filename, statbuf, AT_SYMLINK_NOFOLLOW);
}

long sys_fstat(unsigned int fd, struct stat __user *statbuf)
{
	struct file *file = fget(fd);
	long ret;

	if (!file)
		return -EBADF;
	ret = cp_new_stat(file->f_inode, statbuf);
	fput(file);
	return ret;
}

static struct statx_timestamp statx_time(struct timespec time)
{
	return (struct statx_timestamp) { .tv_sec = time.tv_sec, .tv_nsec = time.tv_nsec };
}

static long cp_statx(const struct inode *inode, struct statx __user *buffer)
{
	struct statx tmp = {
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = PAGE_SIZE,
		.stx_nlink = inode->i_nlink,
		.stx_uid = inode->i_uid,
		.stx_gid = inode->i_gid,
		.stx_mode = inode->i_mode,
		.stx_ino = inode->i_ino,
		.stx_size = inode->i_size,
		.stx_blocks = blocks(inode),
		.stx_atime = statx_time(inode->i_atime),
		.stx_ctime = statx_time(inode->i_ctime),
		.stx_mtime = statx_time(inode->i_mtime),
		.stx_rdev_major = MAJOR(inode->i_rdev),
		.stx_rdev_minor = MINOR(inode->i_rdev),
		.stx_dev_major = MAJOR(inode->i_sb->s_dev),
		.stx_dev_minor = MINOR(inode->i_sb->s_dev),
	};

	return copy_to_user(buffer, &tmp, sizeof(tmp)) ? -EFAULT : 0;
}

long sys_statx(int dfd, const char __user *filename, unsigned int flags, unsigned int mask,
	       struct statx __user *buffer)
{
	struct dentry *dentry;
	long ret;

	if (mask & 1U << 31 || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	dentry = user_path_at(dfd, filename, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			      (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0));
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	ret = cp_statx(dentry->d_inode, buffer);
	dput(dentry);
	return ret;
}

/* A link's text, cut where bufsiz ends. Takes the reference of dentry. */
static long do_readlink(struct dentry *dentry, char __user *buf, int bufsiz)
{
	char *text = kzalloc(PATH_MAX);
	long len = text ? vfs_readlink(dentry, text) : -ENOMEM;

	if (len > 0) {
		len = min(len, (long)bufsiz);
		len = copy_to_user(buf, text, len) ? -EFAULT : len;
	}
	kfree(text);
	dput(dentry);
	return len;
}

long sys_readlinkat(int dfd, const char __user *pathname, char __user *buf, int bufsiz)
{
	struct dentry *dentry;

	if (bufsiz <= 0)
		return -EINVAL;
	dentry = user_path_at(dfd, pathname, LOOKUP_EMPTY);
	return IS_ERR(dentry) ? PTR_ERR(dentry) : do_readlink(dentry, buf, bufsiz);
}

long sys_readlink(const char __user *path, char __user *buf, int bufsiz)
{
	return sys_readlinkat(AT_FDCWD, path, buf, bufsiz);
}

/* Linux: include/uapi/asm-generic/statfs.h */
struct statfs {
	s64 f_type, f_bsize;
	u64 f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_fsid;
	s64 f_namelen, f_frsize, f_flags, f_spare[4];
};

/* Files are in memory and may have half of it; those of /proc and /sys are nowhere (Linux: simple_statfs). */
static long do_statfs(const struct super_block *sb, struct statfs __user *buf)
{
	bool pages = sb->s_magic == RAMFS_MAGIC || sb->s_magic == TMPFS_MAGIC;
	unsigned long room = pages ? min(nr_free_pages(), max_file_pages() - nr_file_pages()) : 0;
	struct statfs tmp = {
		.f_type = sb->s_magic,
		.f_bsize = PAGE_SIZE,
		.f_blocks = pages ? max_file_pages() : 0,
		.f_bfree = room,
		.f_bavail = room,
		.f_namelen = NAME_MAX,
		.f_frsize = PAGE_SIZE,
	};

	return copy_to_user(buf, &tmp, sizeof(tmp)) ? -EFAULT : 0;
}

long sys_statfs(const char __user *path, struct statfs __user *buf)
{
	struct dentry *dentry = user_path_at(AT_FDCWD, path, LOOKUP_FOLLOW);
	long ret;

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	ret = do_statfs(dentry->d_inode->i_sb, buf);
	dput(dentry);
	return ret;
}

long sys_fstatfs(unsigned int fd, struct statfs __user *buf)
{
	struct file *file = fget(fd);
	long ret;

	if (!file)
		return -EBADF;
	ret = do_statfs(file->f_inode->i_sb, buf);
	fput(file);
	return ret;
}

/* Trees of names and where they hang: mount, and what /proc/mounts lists (Linux: fs/super.c, fs/namespace.c). */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

#define RAMFS_MAGIC	0x858458f6
#define TMPFS_MAGIC	0x01021994

#define MS_REMOUNT	32
#define MS_BIND		4096
#define MS_MOVE		8192

struct super_block rootfs_sb = { .s_type = "rootfs", .s_magic = RAMFS_MAGIC, .s_dev = MKDEV(0, 2) };

/* What mount(2) was told beyond the first tree, in its order. */
static struct super_block *mounted[MOUNTS_MAX] = { &rootfs_sb };
static unsigned int last_minor = 20;

static bool is_device_tree(const char *type)
{
	return !strcmp(type, "devtmpfs");
}

static bool is_memory_tree(const char *type)
{
	return !strcmp(type, "tmpfs") || !strcmp(type, "ramfs");
}

const struct super_block *mount_nr(unsigned int nr)
{
	return nr < MOUNTS_MAX ? mounted[nr] : NULL;
}

static int free_slot(void)
{
	int nr;

	for (nr = 0; nr < MOUNTS_MAX; nr++)
		if (!mounted[nr])
			return nr;
	return -ENOSPC;
}

/* A file system that the kernel has at a fixed place, there from the start. */
void add_mount(struct super_block *sb)
{
	int nr = free_slot();

	BUG_ON(nr < 0);
	mounted[nr] = sb;
}

/* An empty tree that covers a directory. */
static int mount_new_tree(struct dentry *dir, const char *type)
{
	struct super_block *sb = kzalloc(sizeof(*sb));
	struct inode *inode = sb ? new_inode(sb, S_IFDIR | 0755) : NULL;
	struct dentry *root = inode ? d_alloc(dir->d_parent, &dir->d_name, inode) : NULL;
	int nr = free_slot();

	if (!root || nr < 0) {
		if (inode)
			kfree(inode);
		kfree(sb);
		return root ? nr : -ENOMEM;
	}
	inode->i_fop = &simple_dir_operations;
	inode->i_nlink = 2;
	*sb = (struct super_block) {
		.s_type = is_device_tree(type) ? "devtmpfs" : "tmpfs", .s_magic = TMPFS_MAGIC,
		.s_dev = MKDEV(0, last_minor++), .s_root = root, .s_mountpoint = dget(dir),
	};
	dir->d_mounted = root;
	mounted[nr] = sb;
	return is_device_tree(type) ? populate_dev(root) : 0;
}

/* /proc and /sys are where they belong from the start: mounting them there changes nothing. */
static int mount_fixed(struct dentry *dir, const char *type)
{
	unsigned int nr;

	for (nr = 0; nr < MOUNTS_MAX; nr++)
		if (mounted[nr] && !strcmp(mounted[nr]->s_type, type))
			return mounted[nr]->s_root == dir ? 0 : -EBUSY;
	return -ENODEV;
}

static int do_mount(struct dentry *dir, const char *type)
{
	if (!S_ISDIR(dir->d_inode->i_mode))
		return -ENOTDIR;
	if (!is_memory_tree(type) && !is_device_tree(type))
		return mount_fixed(dir, type);
	if (dir->d_parent == dir || dir->d_inode->i_sb->s_root == dir)
		return -EBUSY;
	return mount_new_tree(dir, type);
}

long sys_mount(const char __user *dev_name, const char __user *dir_name, const char __user *type,
	       unsigned long flags, const void __user *data)
{
	struct dentry *dir;
	char name[32];
	long ret = 0;

	if (flags & (MS_BIND | MS_MOVE))
		return -EINVAL;
	dir = user_path_at(AT_FDCWD, dir_name, LOOKUP_FOLLOW);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	if (!(flags & MS_REMOUNT))
		ret = type ? strncpy_from_user(name, type, sizeof(name)) : -EINVAL;
	if (ret == sizeof(name))
		ret = -ENODEV;
	if (ret > 0)
		ret = do_mount(dir, name);
	dput(dir);
	return ret;
}

/* Free the names of a tree that nobody uses; the ones below first. */
static void drop_tree(struct dentry *dir)
{
	struct dentry *child, *next;

	list_for_each_entry_safe(child, next, &dir->d_subdirs, d_child) {
		drop_tree(child);
		d_drop(child);
	}
}

/* Has anybody a name of the tree, beside the tree itself? */
static bool tree_busy(const struct dentry *dir)
{
	const struct dentry *child;
	unsigned int own = 1;

	list_for_each_entry(child, &dir->d_subdirs, d_child) {
		own++;
		if (child->d_mounted || tree_busy(child))
			return true;
	}
	return dir->d_count > own;
}

static int do_umount(struct dentry *root)
{
	struct super_block *sb = root->d_inode->i_sb;
	unsigned int nr;

	if (sb->s_root != root)
		return -EINVAL;
	if (!sb->s_mountpoint)
		return -EBUSY;
	if (tree_busy(root))
		return -EBUSY;
	for (nr = 0; nr < MOUNTS_MAX; nr++)
		if (mounted[nr] == sb)
			mounted[nr] = NULL;
	sb->s_mountpoint->d_mounted = NULL;
	dput(sb->s_mountpoint);
	drop_tree(root);
	dput(root);
	kfree(sb);
	return 0;
}

long sys_umount2(const char __user *name, int flags)
{
	struct dentry *root = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW);
	long ret;

	if (IS_ERR(root))
		return PTR_ERR(root);
	root->d_count--;	/* the tree's own reference keeps it while it is looked at */
	ret = do_umount(root);
	if (!ret)
		return 0;
	root->d_count++;
	dput(root);
	return ret;
}

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

/* Called by start_kernel: the first tree, an empty directory, and the tasks' way to it. */
void __init mnt_init(void)
{
	struct inode *inode = new_inode(&rootfs_sb, S_IFDIR | 0755);
	struct dentry *root = inode ? d_make_root(inode) : NULL;

	if (!root)
		panic("no memory for the root directory");
	inode->i_fop = &simple_dir_operations;
	inode->i_nlink = 2;
	rootfs_sb.s_root = root;
	init_fs.root.dentry = root;
	init_fs.pwd.dentry = dget(root);
	init_task.fs = &init_fs;
}

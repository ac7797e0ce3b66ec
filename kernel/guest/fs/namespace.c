/*
 * Trees of names and where they hang: mount, and what /proc/mounts and gdb's lx-mounts list (Linux: fs/namespace.c).
 * There is one namespace, and a tree that covers another belongs to the first: names lead through the covered directory.
 */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>


#define MS_REMOUNT	32
#define MS_BIND		4096
#define MS_MOVE		8192

static struct file_system_type rootfs_fs_type = { "rootfs" };
static struct file_system_type devtmpfs_fs_type = { "devtmpfs" };
struct file_system_type tmpfs_fs_type = { "tmpfs" };

struct super_block rootfs_sb = { .s_type = &rootfs_fs_type, .s_magic = RAMFS_MAGIC, .s_dev = MKDEV(0, 2) };

/* What every mount(2) has added, in its order, beginning with the first tree. */
struct mnt_namespace init_mnt_ns = { .list = LIST_HEAD_INIT(init_mnt_ns.list) };
struct nsproxy init_nsproxy = { .mnt_ns = &init_mnt_ns };

static unsigned int last_minor = 20;

/* A tree at a place: 0, or -ENOMEM. */
static int attach_mnt(struct super_block *sb, struct dentry *mountpoint, const char *devname)
{
	struct mount *mnt = kzalloc(sizeof(*mnt));

	if (mnt)
		mnt->mnt_devname = kstrdup(devname);
	if (!mnt || !mnt->mnt_devname) {
		kfree(mnt);
		return -ENOMEM;
	}
	if (!init_mnt_ns.root)
		init_mnt_ns.root = mnt;
	mnt->mnt = (struct vfsmount) { .mnt_root = sb->s_root, .mnt_sb = sb };
	mnt->mnt_parent = init_mnt_ns.root;
	mnt->mnt_mountpoint = dget(mountpoint);
	list_add_tail(&mnt->mnt_list, &init_mnt_ns.list);
	init_mnt_ns.mounts++;
	return 0;
}

/* A file system that the kernel has at a fixed place, there from the start. */
void __init add_mount(struct super_block *sb)
{
	if (attach_mnt(sb, sb->s_root, sb->s_type->name))
		panic("no memory to mount %s", sb->s_type->name);
}

static struct mount *find_mount(const struct super_block *sb)
{
	struct mount *mnt;

	list_for_each_entry(mnt, &init_mnt_ns.list, mnt_list)
		if (mnt->mnt.mnt_sb == sb)
			return mnt;
	return NULL;
}

/* An empty tree, not hung anywhere yet; NULL when memory is out. */
static struct super_block *alloc_tree(struct dentry *dir, struct file_system_type *type)
{
	struct super_block *sb = kzalloc(sizeof(*sb));
	struct inode *inode = sb ? new_inode(sb, S_IFDIR | 0755) : NULL;
	struct dentry *root = inode ? d_alloc(dir->d_parent, &dir->d_name, inode) : NULL;

	if (!root) {
		if (inode)
			kfree(inode);
		kfree(sb);
		return NULL;
	}
	inode->i_fop = &simple_dir_operations;
	inode->i_nlink = 2;
	*sb = (struct super_block) {
		.s_type = type, .s_magic = TMPFS_MAGIC, .s_dev = MKDEV(0, last_minor++), .s_root = root,
	};
	return sb;
}

/* An empty tree that covers a directory. */
static int mount_new_tree(struct dentry *dir, struct file_system_type *type, const char *devname)
{
	struct super_block *sb = alloc_tree(dir, type);

	if (!sb)
		return -ENOMEM;
	if (attach_mnt(sb, dir, devname)) {
		dput(sb->s_root);
		kfree(sb);
		return -ENOMEM;
	}
	dir->d_mounted = sb->s_root;
	return type == &devtmpfs_fs_type ? populate_dev(sb->s_root) : 0;
}

/* /proc and /sys are where they belong from the start: mounting them there changes nothing. */
static int mount_fixed(struct dentry *dir, const char *type)
{
	const struct mount *mnt;

	list_for_each_entry(mnt, &init_mnt_ns.list, mnt_list)
		if (!strcmp(mnt->mnt.mnt_sb->s_type->name, type))
			return mnt->mnt.mnt_root == dir ? 0 : -EBUSY;
	return -ENODEV;
}

static struct file_system_type *type_of_new_tree(const char *type)
{
	if (!strcmp(type, "devtmpfs"))
		return &devtmpfs_fs_type;
	return !strcmp(type, "tmpfs") || !strcmp(type, "ramfs") ? &tmpfs_fs_type : NULL;
}

static int do_mount(struct dentry *dir, const char *type, const char *devname)
{
	struct file_system_type *new = type_of_new_tree(type);

	if (!S_ISDIR(dir->d_inode->i_mode))
		return -ENOTDIR;
	if (!new)
		return mount_fixed(dir, type);
	if (dir->d_parent == dir || dir->d_inode->i_sb->s_root == dir)
		return -EBUSY;
	return mount_new_tree(dir, new, devname);
}

#define MOUNT_WORD_MAX 32

/* A word of mount's; one that is too long is cut, or of no type that there is. */
static long copy_mount_string(char *word, const char __user *text, const char *missing)
{
	long n = text ? strncpy_from_user(word, text, MOUNT_WORD_MAX) : 0;

	if (!text || !n)
		strscpy(word, missing, MOUNT_WORD_MAX);
	word[MOUNT_WORD_MAX - 1] = '\0';
	return n;
}

long sys_mount(const char __user *dev_name, const char __user *dir_name, const char __user *type,
	       unsigned long flags, const void __user *data)
{
	char type_name[MOUNT_WORD_MAX], devname[MOUNT_WORD_MAX];
	struct dentry *dir;
	long ret;

	if (flags & (MS_BIND | MS_MOVE))
		return -EINVAL;
	dir = user_path_at(AT_FDCWD, dir_name, LOOKUP_FOLLOW);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	ret = flags & MS_REMOUNT ? 0 : type ? copy_mount_string(type_name, type, "") : -EINVAL;
	if (ret == MOUNT_WORD_MAX)
		ret = -ENODEV;
	if (ret > 0) {
		ret = copy_mount_string(devname, dev_name, "none");
		ret = ret < 0 ? ret : do_mount(dir, type_name, devname);
	}
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
	struct mount *mnt = find_mount(sb);

	if (sb->s_root != root)
		return -EINVAL;
	if (!mnt || mnt->mnt_mountpoint == root)
		return -EBUSY;
	if (tree_busy(root))
		return -EBUSY;
	mnt->mnt_mountpoint->d_mounted = NULL;
	dput(mnt->mnt_mountpoint);
	list_del_init(&mnt->mnt_list);
	init_mnt_ns.mounts--;
	kfree(mnt->mnt_devname);
	kfree(mnt);
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
	add_mount(&rootfs_sb);
}

/*
 * /proc: a tree that is made while it is walked (Linux: fs/proc). Files of the system have names that stay; the
 * directory of a task is made for each walk through it and goes with the last who looks at it.
 */
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/string.h>
#include "internal.h"

#define PROC_SUPER_MAGIC	0x9fa0
#define SYSFS_MAGIC		0x62656572

static struct file_system_type proc_fs_type = { "proc" }, sysfs_fs_type = { "sysfs" };

struct super_block proc_sb = { .s_type = &proc_fs_type, .s_magic = PROC_SUPER_MAGIC, .s_dev = MKDEV(0, 4) };

static struct super_block sysfs_sb = { .s_type = &sysfs_fs_type, .s_magic = SYSFS_MAGIC, .s_dev = MKDEV(0, 5) };

/* A name below /proc for one walk, with a reference; its inode has no functions yet. ERR_PTR when memory is out. */
struct dentry *proc_dentry(struct dentry *parent, const struct qstr *name, umode_t mode, pid_t pid, unsigned long ino)
{
	struct inode *inode = alloc_inode(&proc_sb, mode, sizeof(struct proc_inode));
	struct dentry *dentry;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_ino = ino;
	inode->i_uid = inode->i_gid = 0;
	PROC_I(inode)->pid = pid;
	dentry = d_alloc(parent, name, inode);
	if (!dentry)
		iput(inode);
	return dentry ?: ERR_PTR(-ENOMEM);
}

static int proc_self_get_link(struct dentry *dentry, char *buf)
{
	return snprintf(buf, PATH_MAX, "%d", current->tgid);
}

static int proc_thread_self_get_link(struct dentry *dentry, char *buf)
{
	return snprintf(buf, PATH_MAX, "%d/task/%d", current->tgid, current->pid);
}

static const struct inode_operations proc_self_inode_operations = { .get_link = proc_self_get_link };
static const struct inode_operations proc_thread_self_inode_operations = { .get_link = proc_thread_self_get_link };

/* The rest is in the tree. */
static struct dentry *proc_root_lookup(struct inode *dir, struct dentry *parent, const struct qstr *name)
{
	return proc_pid_lookup(parent, name);
}

static int proc_root_readdir(struct file *file, struct dir_context *ctx)
{
	dcache_readdir(file, ctx);
	return ctx->error ? 0 : proc_pid_readdir(file, ctx);
}

static const struct inode_operations proc_root_inode_operations = { .lookup = proc_root_lookup };
static const struct file_operations proc_root_operations = {
	.llseek = generic_file_llseek,
	.iterate_shared = proc_root_readdir,
};

/* Make a directory the root of a tree of its own; what is in it then stays where it is. */
static struct dentry *__init mount_at(const char *path, struct super_block *sb)
{
	struct dentry *dentry = ramfs_mknod(path, S_IFDIR | 0555, 0);

	if (IS_ERR(dentry))
		panic("cannot make %s: %ld", path, PTR_ERR(dentry));
	dentry->d_inode->i_sb = sb;
	sb->s_root = dentry;
	add_mount(sb);
	return dentry;
}

static void __init add_link(const char *path, const struct inode_operations *iop)
{
	struct dentry *dentry = ramfs_mknod(path, S_IFLNK | 0777, 0);

	if (IS_ERR(dentry))
		return;
	dentry->d_inode->i_op = iop;
	dput(dentry);
}

static int __init proc_root_init(void)
{
	struct inode *root = mount_at("/proc", &proc_sb)->d_inode;

	mount_at("/sys", &sysfs_sb);
	root->i_fop = &proc_root_operations;
	add_link("/proc/self", &proc_self_inode_operations);
	add_link("/proc/thread-self", &proc_thread_self_inode_operations);
	root->i_op = &proc_root_inode_operations;
	return 0;
}
core_initcall(proc_root_init);

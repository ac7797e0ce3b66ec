/* rename: a name moves, in one step, and may take another's place (Linux: fs/namei.c, vfs_rename). */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/syscalls.h>
#include "internal.h"

#define RENAME_NOREPLACE	1
#define RENAME_EXCHANGE		2

/* Can the one path become the other at all? */
static int check_paths(const struct parent *from, const struct parent *to)
{
	if (from->nd.dentry->d_inode->i_sb != to->nd.dentry->d_inode->i_sb)
		return -EXDEV;
	if (!S_ISDIR(from->child->d_inode->i_mode) && (from->nd.trailing || to->nd.trailing))
		return -ENOTDIR;
	if (is_subdir(to->nd.dentry, from->child))
		return -EINVAL;
	if (to->child && is_subdir(from->nd.dentry, to->child))
		return -ENOTEMPTY;
	return 0;
}

static int may_rename(const struct parent *from, const struct parent *to, unsigned int flags)
{
	bool is_dir = S_ISDIR(from->child->d_inode->i_mode);
	int err;

	err = may_change(from->nd.dentry);
	if (!err)
		err = may_change(to->nd.dentry);
	if (err)
		return err;
	if (from->child->d_inode->i_sb->s_root == from->child)
		return -EBUSY;
	if (!to->child || flags & RENAME_EXCHANGE)
		return to->nd.last.len > NAME_MAX ? -ENAMETOOLONG : 0;
	return may_delete(to, is_dir);
}

/* Hang a name into another directory, or change its text, or both. text becomes the name's own. */
static void d_move(struct dentry *dentry, struct dentry *dir, char *text)
{
	struct dentry *old_dir = dentry->d_parent;

	list_del_init(&dentry->d_child);
	dentry->d_parent = dget(dir);
	list_add_tail(&dentry->d_child, &dir->d_subdirs);
	d_take_name(dentry, text);
	if (S_ISDIR(dentry->d_inode->i_mode)) {
		old_dir->d_inode->i_nlink--;
		dir->d_inode->i_nlink++;
	}
	inode_dirtied(old_dir->d_inode);
	inode_dirtied(dir->d_inode);
	dentry->d_inode->i_ctime = current_time();
	dput(old_dir);
}

static char *copy_name(const struct qstr *name)
{
	char *text = kzalloc(name->len + 1);

	return text ? memcpy(text, name->name, name->len) : NULL;
}

/* text is the new name, other that of the one it changes places with, if it does. */
static int vfs_rename(struct parent *from, struct parent *to, bool exchange)
{
	char *text = copy_name(&to->nd.last), *other = exchange ? copy_name(&from->nd.last) : NULL;

	if (!text || (exchange && !other)) {
		kfree(text);
		kfree(other);
		return -ENOMEM;
	}
	if (exchange)
		d_move(to->child, from->nd.dentry, other);
	else if (to->child)
		remove_name(to->child);
	d_move(from->child, to->nd.dentry, text);
	return 0;
}

static int rename_parents(struct parent *from, struct parent *to, unsigned int flags)
{
	int err;

	if (!from->child)
		return -ENOENT;
	if (flags & RENAME_NOREPLACE && to->child)
		return -EEXIST;
	if (flags & RENAME_EXCHANGE && !to->child)
		return -ENOENT;
	err = check_paths(from, to);
	if (err)
		return err;
	if (to->child && from->child->d_inode == to->child->d_inode)
		return 0;	/* two names of one file: POSIX leaves both */
	err = may_rename(from, to, flags);
	return err ? err : vfs_rename(from, to, flags & RENAME_EXCHANGE);
}

long sys_renameat2(int olddfd, const char __user *oldname, int newdfd, const char __user *newname,
		   unsigned int flags)
{
	static const struct last_errors busy = { -EBUSY, -EBUSY, -EBUSY };
	struct parent from, to;
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	err = get_parent(&from, olddfd, oldname, &busy);
	if (err)
		return err;
	err = get_parent(&to, newdfd, newname, &busy);
	if (!err) {
		err = rename_parents(&from, &to, flags);
		put_parent(&to);
	}
	put_parent(&from);
	return err;
}

long sys_renameat(int olddfd, const char __user *oldname, int newdfd, const char __user *newname)
{
	return sys_renameat2(olddfd, oldname, newdfd, newname, 0);
}

long sys_rename(const char __user *oldname, const char __user *newname)
{
	return sys_renameat2(AT_FDCWD, oldname, AT_FDCWD, newname, 0);
}

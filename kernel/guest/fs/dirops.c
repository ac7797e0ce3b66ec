/* Names made, removed and changed (Linux: fs/namei.c). */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>
#include "internal.h"

/* /proc and its like make their own names. */
int may_change(const struct dentry *dir)
{
	int err = inode_permission(dir->d_inode, MAY_WRITE | MAY_EXEC);

	if (err)
		return err;
	if (dir->d_inode->i_op && dir->d_inode->i_op->lookup)
		return -EPERM;
	return dir->d_unlinked ? -ENOENT : 0;
}

void put_parent(struct parent *p)
{
	dput(p->child);
	path_exit(&p->nd);
	kfree(p->path);
}

static int last_error(const struct qstr *last, const struct last_errors *errors)
{
	if (!last->len)
		return errors->root;
	if (last->len == 1 && last->name[0] == '.')
		return errors->dot;
	return last->len == 2 && !memcmp(last->name, "..", 2) ? errors->dotdot : 0;
}

/* Walk to a user's path's directory and look whether its last component is there. After 0 put_parent is due. */
int get_parent(struct parent *p, int dfd, const char __user *name, const struct last_errors *errors)
{
	int err;

	p->child = NULL;
	p->path = getname(name);
	if (IS_ERR(p->path))
		return PTR_ERR(p->path);
	err = path_init(&p->nd, dfd, p->path);
	if (err) {
		kfree(p->path);
		return err;
	}
	err = link_path_walk(&p->nd);
	if (!err)
		err = last_error(&p->nd.last, errors);
	if (!err) {
		struct dentry *child = lookup_one(p->nd.dentry, &p->nd.last);

		p->child = IS_ERR(child) ? NULL : child;
		err = IS_ERR(child) && PTR_ERR(child) != -ENOENT ? PTR_ERR(child) : 0;
	}
	if (err)
		put_parent(p);
	return err;
}

/* A new name in a directory for an inode, whose reference it takes. The name with a reference, or ERR_PTR. */
static struct dentry *add_name(struct dentry *dir, const struct qstr *name, struct inode *inode)
{
	struct dentry *dentry = d_alloc(dir, name, inode);

	if (!dentry) {
		iput(inode);
		return ERR_PTR(-ENOMEM);
	}
	d_add(dentry);
	inode_dirtied(dir->d_inode);
	return dentry;
}

static void init_inode(struct inode *inode)
{
	if (S_ISREG(inode->i_mode))
		inode->i_fop = &ramfs_file_operations;
	if (S_ISLNK(inode->i_mode))
		inode->i_op = &simple_symlink_inode_operations;
	if (S_ISDIR(inode->i_mode)) {
		inode->i_fop = &simple_dir_operations;
		inode->i_nlink = 2;
	}
}

/* A new file of any kind, empty, with the name and a reference; the caller has seen that the name is free. */
struct dentry *vfs_create(struct dentry *dir, const struct qstr *name, umode_t mode, dev_t rdev)
{
	struct inode *inode;
	struct dentry *dentry;

	if (name->len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	inode = new_inode(dir->d_inode->i_sb, mode);
	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_rdev = rdev;
	init_inode(inode);
	dentry = add_name(dir, name, inode);
	if (!IS_ERR(dentry) && S_ISDIR(mode))
		dir->d_inode->i_nlink++;
	return dentry;
}

static const struct last_errors cannot_create = { -EEXIST, -EEXIST, -EEXIST };

/* The same at a user's path; the new name with a reference. */
static struct dentry *create_at(int dfd, const char __user *name, umode_t mode, dev_t rdev)
{
	struct dentry *dentry;
	struct parent p;
	int err = get_parent(&p, dfd, name, &cannot_create);

	if (err)
		return ERR_PTR(err);
	if (p.child)
		err = -EEXIST;
	else if (p.nd.trailing && !S_ISDIR(mode))
		err = -ENOENT;
	else
		err = may_change(p.nd.dentry);
	dentry = err ? ERR_PTR(err) : vfs_create(p.nd.dentry, &p.nd.last, mode, rdev);
	put_parent(&p);
	return dentry;
}

static long put_result(struct dentry *dentry)
{
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	dput(dentry);
	return 0;
}

long sys_mkdirat(int dfd, const char __user *pathname, umode_t mode)
{
	return put_result(create_at(dfd, pathname, S_IFDIR | (mode & 01777 & ~current->fs->umask), 0));
}

long sys_mkdir(const char __user *pathname, umode_t mode)
{
	return sys_mkdirat(AT_FDCWD, pathname, mode);
}

/* As user space packs it (Linux: include/linux/kdev_t.h, new_decode_dev). */
static dev_t new_decode_dev(u32 dev)
{
	return MKDEV((dev & 0xfff00) >> 8, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

long sys_mknodat(int dfd, const char __user *filename, umode_t mode, unsigned int dev)
{
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (S_ISDIR(mode))
		return -EPERM;
	if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISFIFO(mode) && (mode & S_IFMT) != S_IFBLK &&
	    (mode & S_IFMT) != S_IFSOCK)
		return -EINVAL;
	return put_result(create_at(dfd, filename, mode & ~current->fs->umask, new_decode_dev(dev)));
}

long sys_mknod(const char __user *filename, umode_t mode, unsigned int dev)
{
	return sys_mknodat(AT_FDCWD, filename, mode, dev);
}

long sys_symlinkat(const char __user *oldname, int newdfd, const char __user *newname)
{
	char *text = getname(oldname), *copy;
	struct dentry *dentry;

	if (IS_ERR(text))
		return PTR_ERR(text);
	copy = kstrdup(text);
	kfree(text);
	if (!copy)
		return -ENOMEM;
	dentry = create_at(newdfd, newname, S_IFLNK | 0777, 0);
	if (IS_ERR(dentry)) {
		kfree(copy);
		return PTR_ERR(dentry);
	}
	dentry->d_inode->i_link = copy;
	dentry->d_inode->i_size = strlen(copy);
	dput(dentry);
	return 0;
}

long sys_symlink(const char __user *oldname, const char __user *newname)
{
	return sys_symlinkat(oldname, AT_FDCWD, newname);
}

/* One more name for an inode. */
static int vfs_link(struct inode *inode, struct parent *p)
{
	struct dentry *dentry;
	int err = may_change(p->nd.dentry);

	if (p->child)
		return -EEXIST;
	if (p->nd.trailing)
		return -ENOENT;
	if (err)
		return err;
	if (inode->i_sb != p->nd.dentry->d_inode->i_sb)
		return -EXDEV;
	if (S_ISDIR(inode->i_mode))
		return -EPERM;
	if (p->nd.last.len > NAME_MAX)
		return -ENAMETOOLONG;
	inode->i_count++;
	dentry = add_name(p->nd.dentry, &p->nd.last, inode);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	inode->i_nlink++;
	inode->i_ctime = current_time();
	dput(dentry);
	return 0;
}

long sys_linkat(int olddfd, const char __user *oldname, int newdfd, const char __user *newname, int flags)
{
	struct dentry *old;
	struct parent p;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	old = user_path_at(olddfd, oldname, (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
			   (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0));
	if (IS_ERR(old))
		return PTR_ERR(old);
	err = get_parent(&p, newdfd, newname, &cannot_create);
	if (!err) {
		err = vfs_link(old->d_inode, &p);
		put_parent(&p);
	}
	dput(old);
	return err;
}

long sys_link(const char __user *oldname, const char __user *newname)
{
	return sys_linkat(AT_FDCWD, oldname, AT_FDCWD, newname, 0);
}

/* Take a name out of the tree; its inode has one name less, a directory none, its parent's ".." is gone. */
void remove_name(struct dentry *dentry)
{
	struct inode *dir = dentry->d_parent->d_inode, *inode = dentry->d_inode;

	inode->i_nlink--;
	if (S_ISDIR(inode->i_mode)) {
		inode->i_nlink = 0;
		dir->i_nlink--;
	}
	inode->i_ctime = current_time();
	inode_dirtied(dir);
	d_drop(dentry);
}

/* May the name go? wants_dir: only as a directory. */
int may_delete(const struct parent *p, bool wants_dir)
{
	const struct dentry *child = p->child;
	bool is_dir = S_ISDIR(child->d_inode->i_mode);
	int err = may_change(p->nd.dentry);

	if (err)
		return err;
	if (wants_dir != is_dir)
		return wants_dir ? -ENOTDIR : -EISDIR;
	if (child->d_inode->i_sb->s_root == child || child == current->fs->root.dentry)
		return -EBUSY;
	return is_dir && !list_empty(&child->d_subdirs) ? -ENOTEMPTY : 0;
}

static long remove_at(int dfd, const char __user *pathname, bool wants_dir, const struct last_errors *errors)
{
	struct parent p;
	int err = get_parent(&p, dfd, pathname, errors);

	if (err)
		return err;
	if (!p.child)
		err = -ENOENT;
	else if (p.nd.trailing && !wants_dir)
		err = S_ISDIR(p.child->d_inode->i_mode) ? -EISDIR : -ENOTDIR;
	else
		err = may_delete(&p, wants_dir);
	if (!err)
		remove_name(p.child);
	put_parent(&p);
	return err;
}

long sys_unlinkat(int dfd, const char __user *pathname, int flag)
{
	static const struct last_errors no_file = { -EISDIR, -EISDIR, -EISDIR };
	static const struct last_errors no_directory = { -EBUSY, -EINVAL, -ENOTEMPTY };
	bool wants_dir = flag & AT_REMOVEDIR;

	if (flag & ~AT_REMOVEDIR)
		return -EINVAL;
	return remove_at(dfd, pathname, wants_dir, wants_dir ? &no_directory : &no_file);
}

long sys_unlink(const char __user *pathname)
{
	return sys_unlinkat(AT_FDCWD, pathname, 0);
}

long sys_rmdir(const char __user *pathname)
{
	return sys_unlinkat(AT_FDCWD, pathname, AT_REMOVEDIR);
}

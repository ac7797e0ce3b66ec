/*
 * Paths: from a string to a name in the tree, component by component (Linux: fs/namei.c,
 * Documentation/filesystems/path-lookup.rst). Linux keeps a stack of symbolic links; here a link's text and what
 * is left of the path become one new path.
 */
#include <asm/page.h>
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#define MAXSYMLINKS 40

static struct dentry *root_of_task(void)
{
	return current->fs->root.dentry;
}

/* Where a relative path begins: the working directory, or the one that dfd has open. With a reference. */
static struct dentry *start_of(int dfd)
{
	struct dentry *dentry = ERR_PTR(-ENOTDIR);
	struct file *file;

	if (dfd == AT_FDCWD)
		return dget(current->fs->pwd.dentry);
	file = fget(dfd);
	if (!file)
		return ERR_PTR(-EBADF);
	if (S_ISDIR(file->f_inode->i_mode))
		dentry = dget(file->f_path.dentry);
	fput(file);
	return dentry;
}

/* Begin a walk; if it returns 0, path_exit must end it. name must last until then. */
int path_init(struct nameidata *nd, int dfd, const char *name)
{
	struct dentry *start;

	if (!*name)
		return -ENOENT;
	start = *name == '/' ? dget(root_of_task()) : start_of(dfd);
	if (IS_ERR(start))
		return PTR_ERR(start);
	*nd = (struct nameidata) { .dentry = start, .name = name };
	return 0;
}

void path_exit(struct nameidata *nd)
{
	dput(nd->dentry);
	if (nd->buf)
		free_page(nd->buf);
}

static struct dentry *follow_dotdot(struct dentry *dir)
{
	return dget(dir == root_of_task() ? dir : dir->d_parent);
}

/* One component in a directory: its name with a reference, -ENOENT, or why it cannot be looked for. */
struct dentry *lookup_one(struct dentry *dir, const struct qstr *name)
{
	const struct inode_operations *iop = dir->d_inode->i_op;
	struct dentry *child;
	int err;

	if (!S_ISDIR(dir->d_inode->i_mode))
		return ERR_PTR(-ENOTDIR);
	err = inode_permission(dir->d_inode, MAY_EXEC);
	if (err)
		return ERR_PTR(err);
	if (name->len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	if (!name->len || (name->len == 1 && name->name[0] == '.'))
		return dget(dir);
	if (name->len == 2 && !memcmp(name->name, "..", 2))
		return follow_dotdot(dir);
	child = d_lookup(dir, name);
	if (child)
		return dget(child->d_mounted ? child->d_mounted : child);
	return iop && iop->lookup ? iop->lookup(dir->d_inode, dir, name) : ERR_PTR(-ENOENT);
}

/* Put text in front of what is left of the path. */
static int prepend_link(struct nameidata *nd, const char *text, size_t length)
{
	size_t rest = strlen(nd->name);
	char *page;

	if (length + 1 + rest >= PATH_MAX)
		return -ENAMETOOLONG;
	page = get_zeroed_page();
	if (!page)
		return -ENOMEM;
	memcpy(page, text, length);
	page[length] = nd->trailing || rest ? '/' : '\0';
	memcpy(page + length + 1, nd->name, rest);
	if (nd->buf)
		free_page(nd->buf);
	nd->name = nd->buf = page;
	return 0;
}

int vfs_readlink(struct dentry *dentry, char *buf)
{
	const struct inode_operations *iop = dentry->d_inode->i_op;

	return iop && iop->get_link ? iop->get_link(dentry, buf) : -EINVAL;
}

static int follow_text(struct nameidata *nd, struct dentry *link)
{
	char *text = get_zeroed_page();
	int length = text ? vfs_readlink(link, text) : -ENOMEM;

	if (length == 0)
		length = -ENOENT;
	if (length > 0 && text[0] == '/') {
		dput(nd->dentry);
		nd->dentry = dget(root_of_task());
	}
	if (length > 0)
		length = prepend_link(nd, text, length);
	if (text)
		free_page(text);
	return length;
}

/* /proc/PID/fd/N and the like lead to a file, which may have no path that does. */
static int follow_jump(struct nameidata *nd, struct dentry *link)
{
	struct dentry *target = link->d_inode->i_op->jump_link(link);

	if (IS_ERR(target))
		return PTR_ERR(target);
	dput(nd->dentry);
	nd->dentry = target;
	return nd->trailing && !S_ISDIR(target->d_inode->i_mode) ? -ENOTDIR : 0;
}

/* The walk met a symbolic link, which lies in nd->dentry, and goes on where that leads. */
int follow_link(struct nameidata *nd, struct dentry *link)
{
	if (++nd->links > MAXSYMLINKS)
		return -ELOOP;
	return link->d_inode->i_op->jump_link ? follow_jump(nd, link) : follow_text(nd, link);
}

/* Take the next component off nd->name, and the slashes behind it. */
static void next_component(struct nameidata *nd)
{
	const char *p = nd->name;

	while (*p == '/')
		p++;
	nd->last.name = p;
	while (*p && *p != '/')
		p++;
	nd->last.len = p - nd->last.name;
	nd->trailing = *p == '/';
	while (*p == '/')
		p++;
	nd->name = p;
}

/* Go into nd->last, which is not the path's last component. */
static int walk_component(struct nameidata *nd)
{
	struct dentry *child = lookup_one(nd->dentry, &nd->last);
	int err = 0;

	if (IS_ERR(child))
		return PTR_ERR(child);
	if (S_ISLNK(child->d_inode->i_mode)) {
		err = follow_link(nd, child);
		dput(child);
	} else {
		dput(nd->dentry);
		nd->dentry = child;
	}
	return err;
}

/* Walk all but the last component, which is left in nd->last. */
noinline int link_path_walk(struct nameidata *nd)
{
	for (;;) {
		int err;

		next_component(nd);
		if (!*nd->name)
			return S_ISDIR(nd->dentry->d_inode->i_mode) || !nd->last.len ? 0 : -ENOTDIR;
		err = walk_component(nd);
		if (err)
			return err;
	}
}

/* One round of path_lookupat: the name, or NULL if the last component was a link and the walk goes on. */
static struct dentry *lookup_last(struct nameidata *nd, int flags)
{
	int err = link_path_walk(nd);
	struct dentry *child = err ? ERR_PTR(err) : nd->last.len ? lookup_one(nd->dentry, &nd->last) : dget(nd->dentry);

	if (IS_ERR(child))
		return child;
	if (S_ISLNK(child->d_inode->i_mode) && (flags & LOOKUP_FOLLOW || nd->trailing)) {
		err = follow_link(nd, child);
		dput(child);
		return err ? ERR_PTR(err) : NULL;
	}
	if (!nd->trailing || S_ISDIR(child->d_inode->i_mode))
		return child;
	dput(child);
	return ERR_PTR(-ENOTDIR);
}

/* What a path of the kernel's leads to, with a reference, or ERR_PTR. */
noinline struct dentry *path_lookupat(int dfd, const char *name, int flags)
{
	struct nameidata nd;
	struct dentry *found;
	int err;

	if (!*name && flags & LOOKUP_EMPTY) {
		struct file *file = dfd == AT_FDCWD ? NULL : fget(dfd);

		if (dfd != AT_FDCWD && !file)
			return ERR_PTR(-EBADF);
		found = dget(file ? file->f_path.dentry : current->fs->pwd.dentry);
		if (file)
			fput(file);
		return found;
	}
	err = path_init(&nd, dfd, name);
	if (err)
		return ERR_PTR(err);
	do {
		found = lookup_last(&nd, flags);
	} while (!found);
	path_exit(&nd);
	return found;
}

/* The same for a path in the user's memory. */
struct dentry *user_path_at(int dfd, const char __user *name, int flags)
{
	char *path = getname_flags(name, flags & LOOKUP_EMPTY);
	struct dentry *dentry;

	if (IS_ERR(path))
		return (void *)path;
	dentry = path_lookupat(dfd, path, flags);
	kfree(path);
	return dentry;
}

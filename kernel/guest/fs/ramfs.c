/* The tree of names. Filled from the initramfs and by drivers while booting; programs only look. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/string.h>

struct inode root_inode = {
	.i_name = "/",
	.i_mode = S_IFDIR | 0755,
	.i_ino = 1,
	.i_parent = &root_inode,
	.i_children = LIST_HEAD_INIT(root_inode.i_children),
	.i_sibling = LIST_HEAD_INIT(root_inode.i_sibling),
};

static unsigned long last_ino = 1;

/* The next component of *path, of *length bytes without slashes; *path moves behind it. */
static const char *next_component(const char **path, size_t *length)
{
	const char *p = *path, *start;

	while (*p == '/')
		p++;
	start = p;
	while (*p && *p != '/')
		p++;
	*length = p - start;
	*path = p;
	return start;
}

static struct inode *lookup_child(struct inode *dir, const char *name, size_t length)
{
	struct inode *child;

	if (length == 1 && name[0] == '.')
		return dir;
	if (length == 2 && !strncmp(name, "..", 2))
		return dir->i_parent;
	list_for_each_entry(child, &dir->i_children, i_sibling)
		if (strlen(child->i_name) == length && !memcmp(child->i_name, name, length))
			return child;
	return ERR_PTR(-ENOENT);
}

/* Walk path from the root; a relative path starts there too. ERR_PTR if it leads nowhere. */
struct inode *path_lookup(const char *path)
{
	struct inode *inode = &root_inode;
	size_t length;

	for (;;) {
		const char *name = next_component(&path, &length);

		if (!length)
			return inode;
		if (!S_ISDIR(inode->i_mode))
			return ERR_PTR(-ENOTDIR);
		inode = lookup_child(inode, name, length);
		if (IS_ERR(inode))
			return inode;
	}
}

static struct inode *new_inode(struct inode *dir, const char *name, size_t length, umode_t mode)
{
	struct inode *inode = kzalloc(sizeof(*inode));

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_name = kzalloc(length + 1);
	if (!inode->i_name) {
		kfree(inode);
		return ERR_PTR(-ENOMEM);
	}
	memcpy(inode->i_name, name, length);
	inode->i_mode = mode;
	inode->i_ino = ++last_ino;
	inode->i_parent = dir;
	INIT_LIST_HEAD(&inode->i_children);
	list_add_tail(&inode->i_sibling, &dir->i_children);
	return inode;
}

/* Make path of the given type, and the directories on the way; ERR_PTR if that is impossible. */
struct inode *ramfs_mknod(const char *path, umode_t mode, dev_t dev)
{
	struct inode *inode = &root_inode, *child;
	size_t length;

	for (;;) {
		const char *name = next_component(&path, &length), *rest = path;
		size_t rest_length;

		if (!length || length > NAME_MAX)
			return ERR_PTR(-EINVAL);
		if (!S_ISDIR(inode->i_mode))
			return ERR_PTR(-ENOTDIR);
		next_component(&rest, &rest_length);
		child = lookup_child(inode, name, length);
		if (!rest_length)
			break;
		if (IS_ERR(child))
			child = new_inode(inode, name, length, S_IFDIR | 0755);
		if (IS_ERR(child))
			return child;
		inode = child;
		path = rest - rest_length;
	}
	if (!IS_ERR(child))
		return S_ISDIR(mode) && S_ISDIR(child->i_mode) ? child : ERR_PTR(-EEXIST);
	child = new_inode(inode, path - length, length, mode);
	if (!IS_ERR(child))
		child->i_rdev = dev;
	return child;
}

/* A file without bytes of its own: reading and writing it are calls of the driver's functions. */
struct inode *create_pseudo_inode(const char *path, umode_t mode, const struct file_operations *fops)
{
	struct inode *inode = ramfs_mknod(path, S_IFREG | mode, 0);

	if (!IS_ERR(inode))
		inode->i_fop = fops;
	return inode;
}

int create_pseudo_file(const char *path, umode_t mode, const struct file_operations *fops)
{
	struct inode *inode = create_pseudo_inode(path, mode, fops);

	return IS_ERR(inode) ? PTR_ERR(inode) : 0;
}

/* Its name goes; files that are open on it still have it. */
void remove_pseudo_inode(struct inode *inode)
{
	list_del_init(&inode->i_sibling);
}

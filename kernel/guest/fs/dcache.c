/* Names: the tree that paths walk through (Linux: fs/dcache.c, fs/d_path.c). */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/string.h>

/* The text, which was allocated, is the name from now on. */
void d_take_name(struct dentry *dentry, char *text)
{
	size_t len = strlen(text);

	if (dentry->d_name.name != dentry->d_iname)
		kfree(dentry->d_name.name);
	if (len < DNAME_INLINE_LEN) {
		memcpy(dentry->d_iname, text, len + 1);
		kfree(text);
		text = dentry->d_iname;
	}
	dentry->d_name = (struct qstr) { text, len };
}

/* A name for inode, whose reference it takes, below parent but not in the tree yet. NULL: memory is out. */
struct dentry *d_alloc(struct dentry *parent, const struct qstr *name, struct inode *inode)
{
	struct dentry *dentry = kzalloc(sizeof(*dentry));
	char *text = dentry ? kzalloc(name->len + 1) : NULL;

	if (!text) {
		kfree(dentry);
		return NULL;
	}
	memcpy(text, name->name, name->len);
	dentry->d_count = 1;
	d_take_name(dentry, text);
	dentry->d_inode = inode;
	dentry->d_parent = parent ? dget(parent) : dentry;
	INIT_LIST_HEAD(&dentry->d_subdirs);
	INIT_LIST_HEAD(&dentry->d_child);
	return dentry;
}

/* The name of a file that is in no tree, such as "pipe:[5]". */
struct dentry *d_alloc_pseudo(const char *name, struct inode *inode)
{
	return d_alloc(NULL, &(struct qstr) { name, strlen(name) }, inode);
}

struct dentry *d_make_root(struct inode *inode)
{
	return d_alloc_pseudo("/", inode);
}

struct dentry *dget(struct dentry *dentry)
{
	dentry->d_count++;
	return dentry;
}

/* The last reference takes the name's inode along, and one reference of its parent, and so on upwards. */
void dput(struct dentry *dentry)
{
	while (dentry && !--dentry->d_count) {
		struct dentry *parent = dentry->d_parent;

		BUG_ON(!list_empty(&dentry->d_subdirs) || !list_empty(&dentry->d_child));
		iput(dentry->d_inode);
		if (dentry->d_name.name != dentry->d_iname)
			kfree(dentry->d_name.name);
		kfree(dentry);
		dentry = parent == dentry ? NULL : parent;
	}
}

/* Into the tree, where a path will find it. */
void d_add(struct dentry *dentry)
{
	list_add_tail(&dentry->d_child, &dentry->d_parent->d_subdirs);
	dget(dentry);
}

/* Out of the tree; it lives on as long as someone has it. */
void d_drop(struct dentry *dentry)
{
	list_del_init(&dentry->d_child);
	dentry->d_unlinked = true;
	dput(dentry);
}

/* The name of that text in a directory, without a reference of its own, or NULL. */
struct dentry *d_lookup(const struct dentry *dir, const struct qstr *name)
{
	struct dentry *child;

	list_for_each_entry(child, &dir->d_subdirs, d_child)
		if (child->d_name.len == name->len && !memcmp(child->d_name.name, name->name, name->len))
			return child;
	return NULL;
}

/* Is above on dentry's way to the root? */
bool is_subdir(const struct dentry *dentry, const struct dentry *above)
{
	while (dentry != above && dentry->d_parent != dentry)
		dentry = dentry->d_parent;
	return dentry == above;
}

static char *prepend(char *p, const char *start, const char *text, size_t len)
{
	return p && (size_t)(p - start) >= len ? memcpy(p - len, text, len) : NULL;
}

char *d_path(const struct dentry *dentry, char *buf, size_t size)
{
	char *p = buf + size - 1;
	bool is_root = dentry->d_parent == dentry;

	*p = '\0';
	if (dentry->d_unlinked)
		p = prepend(p, buf, " (deleted)", 10);
	if (is_root)
		p = prepend(p, buf, dentry->d_name.name, dentry->d_name.len);
	for (; dentry->d_parent != dentry; dentry = dentry->d_parent) {
		p = prepend(p, buf, dentry->d_name.name, dentry->d_name.len);
		p = prepend(p, buf, "/", 1);
	}
	return p ? p : ERR_PTR(-ENAMETOOLONG);
}

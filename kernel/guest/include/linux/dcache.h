#ifndef _LINUX_DCACHE_H
#define _LINUX_DCACHE_H

#include <linux/kernel.h>
#include <linux/list.h>

struct inode;
struct super_block;

/* A name within a longer string: len bytes without a terminator that counts. */
struct qstr {
	const char *name;
	size_t len;
};

#define DNAME_INLINE_LEN 32

/*
 * One name. It holds references of its inode and of its parent; whoever points to it holds one of it. A name that
 * is in the tree has one more, which unlink drops.
 */
struct dentry {
	unsigned int d_count;
	struct qstr d_name;		/* terminated; text that is short is in d_iname */
	struct dentry *d_parent;	/* itself: a root, or a file without a name */
	struct inode *d_inode;
	struct dentry *d_mounted;	/* the root of the tree that covers this directory */
	struct list_head d_subdirs;	/* of d_child, oldest first */
	struct list_head d_child;	/* empty: not in the tree */
	bool d_unlinked;
	char d_iname[DNAME_INLINE_LEN];
};

/* dcache.c */
struct dentry *d_alloc(struct dentry *parent, const struct qstr *name, struct inode *inode);
struct dentry *d_alloc_pseudo(const char *name, struct inode *inode);
void d_take_name(struct dentry *dentry, char *text);
struct dentry *d_make_root(struct inode *inode);
void d_add(struct dentry *dentry);
void d_drop(struct dentry *dentry);
struct dentry *d_lookup(const struct dentry *dir, const struct qstr *name);
struct dentry *dget(struct dentry *dentry);
void dput(struct dentry *dentry);
bool is_subdir(const struct dentry *dentry, const struct dentry *above);

/* The path of a name, right-aligned in buf of size bytes: a pointer into it, or ERR_PTR(-ENAMETOOLONG). */
char *d_path(const struct dentry *dentry, char *buf, size_t size);


#endif

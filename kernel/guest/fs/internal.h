#ifndef _FS_INTERNAL_H
#define _FS_INTERNAL_H

#include <linux/fs.h>

/* The last component of a user's path, and the directory that it is or is to be in. */
struct parent {
	struct nameidata nd;
	char *path;
	struct dentry *child;		/* the name that is there already, with a reference, or NULL */
};

/* What a path ending in "/", "." or ".." means for the caller. */
struct last_errors {
	int root, dot, dotdot;
};

int get_parent(struct parent *p, int dfd, const char __user *name, const struct last_errors *errors);
void put_parent(struct parent *p);
int may_change(const struct dentry *dir);
int may_delete(const struct parent *p, bool wants_dir);
void remove_name(struct dentry *dentry);

#endif

#ifndef _LINUX_RBTREE_H
#define _LINUX_RBTREE_H

#include <linux/kernel.h>

/* A red-black tree's node, part of what it orders. The tree never compares: who inserts knows the order. */
struct rb_node {
	struct rb_node *rb_parent, *rb_left, *rb_right;
	bool rb_red;
};

struct rb_root_cached {
	struct rb_node *rb_node;
	struct rb_node *rb_leftmost;	/* the first in order, or NULL */
};

#define RB_ROOT_CACHED			{ NULL, NULL }
#define rb_entry(ptr, type, member)	container_of(ptr, type, member)
#define rb_first_cached(root)		((root)->rb_leftmost)

/* Insert node where less() puts it; behind those that are equal. */
void rb_add_cached(struct rb_node *node, struct rb_root_cached *tree,
		   bool (*less)(const struct rb_node *, const struct rb_node *));
void rb_erase_cached(struct rb_node *node, struct rb_root_cached *tree);

/* The next in order, or NULL. */
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_last(const struct rb_root_cached *tree);

/* Does the tree keep the rules: no red child of a red node, as many black ones on every way down? */
bool rb_valid(const struct rb_root_cached *tree);

#endif

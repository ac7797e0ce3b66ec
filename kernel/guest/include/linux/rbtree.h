#ifndef _LINUX_RBTREE_H
#define _LINUX_RBTREE_H

#include <linux/kernel.h>

/*
 * A red-black tree's node, part of what it orders. The tree never compares: who inserts knows the order. Nodes are
 * aligned, so that the lowest bit of a parent's address is free for the node's own colour.
 */
struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right, *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
	struct rb_node *rb_leftmost;	/* the first in order, or NULL */
};

enum { RB_RED, RB_BLACK };

#define rb_parent(node)			((struct rb_node *)((node)->__rb_parent_color & ~3UL))
#define rb_color(node)			((node)->__rb_parent_color & 1)

#define RB_ROOT_CACHED			{ { NULL }, NULL }
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

/*
 * Red-black trees (Cormen et al., Introduction to Algorithms, chapter 13): binary search trees that stay
 * balanced, since every way from the root to a leaf has as many black nodes, and a red node has no red child.
 * A missing child counts as black.
 */
#include <linux/rbtree.h>

static bool is_red(const struct rb_node *node)
{
	return node && rb_color(node) == RB_RED;
}

static void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->__rb_parent_color = (unsigned long)parent | rb_color(node);
}

static void set_color(struct rb_node *node, unsigned long color)
{
	node->__rb_parent_color = (unsigned long)rb_parent(node) | color;
}

/* Where the tree keeps its pointer to node. */
static struct rb_node **link_to(struct rb_node *node, struct rb_root_cached *tree)
{
	struct rb_node *parent = rb_parent(node);

	if (!parent)
		return &tree->rb_root.rb_node;
	return parent->rb_left == node ? &parent->rb_left : &parent->rb_right;
}

static void replace(struct rb_node *old, struct rb_node *new, struct rb_root_cached *tree)
{
	*link_to(old, tree) = new;
	if (new)
		set_parent(new, rb_parent(old));
}

/* Node's right child takes its place, and node becomes that one's left child. */
static void rotate_left(struct rb_node *node, struct rb_root_cached *tree)
{
	struct rb_node *up = node->rb_right;

	node->rb_right = up->rb_left;
	if (up->rb_left)
		set_parent(up->rb_left, node);
	replace(node, up, tree);
	up->rb_left = node;
	set_parent(node, up);
}

static void rotate_right(struct rb_node *node, struct rb_root_cached *tree)
{
	struct rb_node *up = node->rb_left;

	node->rb_left = up->rb_right;
	if (up->rb_right)
		set_parent(up->rb_right, node);
	replace(node, up, tree);
	up->rb_right = node;
	set_parent(node, up);
}

static void rotate(struct rb_node *node, bool left, struct rb_root_cached *tree)
{
	if (left)
		rotate_left(node, tree);
	else
		rotate_right(node, tree);
}

/* Node is red and so may its parent be: move the fault up, or turn it away. */
static void insert_color(struct rb_node *node, struct rb_root_cached *tree)
{
	while (is_red(rb_parent(node))) {
		struct rb_node *parent = rb_parent(node), *grandparent = rb_parent(parent);
		bool left = parent == grandparent->rb_left;
		struct rb_node *uncle = left ? grandparent->rb_right : grandparent->rb_left;

		if (is_red(uncle)) {
			set_color(parent, RB_BLACK);
			set_color(uncle, RB_BLACK);
			set_color(grandparent, RB_RED);
			node = grandparent;
			continue;
		}
		if (node == (left ? parent->rb_right : parent->rb_left)) {
			rotate(parent, left, tree);
			parent = node;
		}
		set_color(parent, RB_BLACK);
		set_color(grandparent, RB_RED);
		rotate(grandparent, !left, tree);
		break;
	}
	set_color(tree->rb_root.rb_node, RB_BLACK);
}

void rb_add_cached(struct rb_node *node, struct rb_root_cached *tree,
		   bool (*less)(const struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &tree->rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (less(node, parent)) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	*node = (struct rb_node) { .__rb_parent_color = (unsigned long)parent | RB_RED };
	*link = node;
	if (leftmost)
		tree->rb_leftmost = node;
	insert_color(node, tree);
}

/* The ways through node, parent's child on one side and perhaps missing, lack a black one. */
static void erase_color(struct rb_node *node, struct rb_node *parent, struct rb_root_cached *tree)
{
	while (parent && !is_red(node)) {
		bool left = node == parent->rb_left;
		struct rb_node *sibling = left ? parent->rb_right : parent->rb_left, *near, *far;

		if (is_red(sibling)) {
			set_color(sibling, RB_BLACK);
			set_color(parent, RB_RED);
			rotate(parent, left, tree);
			continue;
		}
		near = left ? sibling->rb_left : sibling->rb_right;
		far = left ? sibling->rb_right : sibling->rb_left;
		if (!is_red(near) && !is_red(far)) {
			set_color(sibling, RB_RED);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (!is_red(far)) {
			set_color(near, RB_BLACK);
			set_color(sibling, RB_RED);
			rotate(sibling, !left, tree);
			far = sibling;
			sibling = near;
		}
		set_color(sibling, rb_color(parent));
		set_color(parent, RB_BLACK);
		set_color(far, RB_BLACK);
		rotate(parent, left, tree);
		return;
	}
	if (node)
		set_color(node, RB_BLACK);
}

/* Node has two children: its successor takes its place and colour, and is taken out of its own place first. */
static void erase_inner(struct rb_node *node, struct rb_root_cached *tree)
{
	struct rb_node *next = rb_next(node), *child = next->rb_right, *parent = rb_parent(next);
	bool was_red = is_red(next);

	replace(next, child, tree);
	if (parent == node)
		parent = next;
	next->rb_left = node->rb_left;
	next->rb_right = node->rb_right;
	set_color(next, rb_color(node));
	replace(node, next, tree);
	set_parent(next->rb_left, next);
	if (next->rb_right)
		set_parent(next->rb_right, next);
	if (!was_red)
		erase_color(child, parent, tree);
}

void rb_erase_cached(struct rb_node *node, struct rb_root_cached *tree)
{
	struct rb_node *child;

	if (tree->rb_leftmost == node)
		tree->rb_leftmost = rb_next(node);
	if (node->rb_left && node->rb_right) {
		erase_inner(node, tree);
		return;
	}
	child = node->rb_left ? node->rb_left : node->rb_right;
	replace(node, child, tree);
	if (!is_red(node))
		erase_color(child, rb_parent(node), tree);
}

struct rb_node *rb_next(const struct rb_node *node)
{
	if (node->rb_right) {
		node = node->rb_right;
		while (node->rb_left)
			node = node->rb_left;
		return (struct rb_node *)node;
	}
	while (rb_parent(node) && node == rb_parent(node)->rb_right)
		node = rb_parent(node);
	return rb_parent(node);
}

struct rb_node *rb_last(const struct rb_root_cached *tree)
{
	struct rb_node *node = tree->rb_root.rb_node;

	while (node && node->rb_right)
		node = node->rb_right;
	return node;
}

/* Black nodes on every way down from node, or -1 when the ways differ or two red nodes meet. */
static int black_height(const struct rb_node *node)
{
	int left, right;

	if (!node)
		return 0;
	if (is_red(node) && (is_red(node->rb_left) || is_red(node->rb_right)))
		return -1;
	left = black_height(node->rb_left);
	right = black_height(node->rb_right);
	if (left < 0 || left != right)
		return -1;
	return left + !is_red(node);
}

bool rb_valid(const struct rb_root_cached *tree)
{
	return !is_red(tree->rb_root.rb_node) && black_height(tree->rb_root.rb_node) >= 0;
}

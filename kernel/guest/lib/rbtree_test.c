/* rbtree_test=N: put N nodes into a tree and take them out again, and check its rules after each (Linux's lib/rbtree_test.c). */
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/rbtree.h>

#define NNODES_MAX (PAGE_SIZE / sizeof(struct test_node))

struct test_node {
	struct rb_node rb;
	u32 key;
};

static unsigned long nnodes __initdata;

static int __init rbtree_test_setup(char *str)
{
	char *end;
	long n = simple_strtol(str, &end);

	if (end == str || *end || n < 1 || n > (long)NNODES_MAX)
		return 0;
	nnodes = n;
	return 1;
}
__setup("rbtree_test=", rbtree_test_setup);

static bool __init key_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct test_node, rb)->key < rb_entry(b, struct test_node, rb)->key;
}

/* Nodes that are in order, from the first on. */
static unsigned long __init count_in_order(const struct rb_root_cached *tree)
{
	unsigned long n = 0;
	struct rb_node *node, *previous = NULL;

	for (node = rb_first_cached(tree); node; node = rb_next(node), n++) {
		if (previous && key_less(node, previous))
			break;
		previous = node;
	}
	return previous == rb_last(tree) ? n : 0;
}

static void __init check(const struct rb_root_cached *tree, unsigned long expected)
{
	if (!rb_valid(tree) || count_in_order(tree) != expected)
		panic("rbtree_test: broken with %lu nodes", expected);
}

/* Keys come twice and more; the order of going is not the order of coming. */
static int __init rbtree_test_init(void)
{
	struct rb_root_cached tree = RB_ROOT_CACHED;
	struct test_node *nodes;
	u32 random = 1;
	unsigned long i;

	if (!nnodes)
		return 0;
	nodes = get_zeroed_page();
	for (i = 0; nodes && i < nnodes; i++) {
		random = random * 1664525 + 1013904223;
		nodes[i].key = random >> 26;
		rb_add_cached(&nodes[i].rb, &tree, key_less);
		check(&tree, i + 1);
	}
	for (i = 0; nodes && i < nnodes; i++) {
		unsigned long reverse = i % 2 ? i / 2 : nnodes - 1 - i / 2;

		rb_erase_cached(&nodes[reverse].rb, &tree);
		check(&tree, nnodes - 1 - i);
	}
	if (nodes) {
		printk(KERN_INFO "rbtree_test: %lu nodes in and out\n", nnodes);
		free_page(nodes);
	}
	return 0;
}
device_initcall(rbtree_test_init);

/* What the parts of the kernel do once, each in its turn (Linux: init/main.c). */
#include <linux/init.h>
#include <linux/sched.h>
#include <linux/time.h>

extern const initcall_entry_t __initcall0_start[], __initcall1_start[], __initcall2_start[], __initcall3_start[],
	__initcall4_start[], __initcall5_start[], __initcall6_start[], __initcall7_start[], __initcall_end[];

/* Each level ends where the next begins. */
static const struct {
	const char *name;
	const initcall_entry_t *start;
} initcall_levels[] = {
	{ "pure", __initcall0_start },
	{ "core", __initcall1_start },
	{ "postcore", __initcall2_start },
	{ "arch", __initcall3_start },
	{ "subsys", __initcall4_start },
	{ "fs", __initcall5_start },
	{ "device", __initcall6_start },
	{ "late", __initcall7_start },
	{ NULL, __initcall_end },
};

/* Whether the log names each call, and the time that it took. */
static bool initcall_debug;

static int __init set_initcall_debug(char *str)
{
	initcall_debug = true;
	return 1;
}
__setup("initcall_debug", set_initcall_debug);

static noinline int __init do_one_initcall(const initcall_entry_t *call)
{
	u64 calltime = local_clock();
	int ret;

	if (initcall_debug)
		printk(KERN_DEBUG "calling  %s @ %i\n", call->name, current->pid);
	ret = call->fn();
	if (initcall_debug)
		printk(KERN_DEBUG "initcall %s returned %d after %lu usecs\n", call->name, ret,
		       (local_clock() - calltime) / NSEC_PER_USEC);
	return ret;
}

static noinline void __init do_initcall_level(unsigned int level)
{
	const initcall_entry_t *call;

	if (initcall_debug)
		printk(KERN_DEBUG "entering initcall level: %s\n", initcall_levels[level].name);
	for (call = initcall_levels[level].start; call < initcall_levels[level + 1].start; call++)
		do_one_initcall(call);
}

/* Called by kernel_init_freeable. What a call returns is for the log alone: each copes with its own failure. */
noinline void __init do_initcalls(void)
{
	unsigned int level;

	for (level = 0; initcall_levels[level].name; level++)
		do_initcall_level(level);
}

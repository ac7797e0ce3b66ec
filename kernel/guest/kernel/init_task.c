/* Task 0, and what every process inherits from it (Linux: init/init_task.c). */
#include <linux/cred.h>
#include <linux/mount.h>
#include <linux/sched/signal.h>

u8 init_stack[THREAD_SIZE] __page_aligned_bss;

struct signal_struct init_signals = {
	.sigcnt = 1,
	.nr_threads = 1,
	.live = { 1 },
	.thread_head = { &init_task.thread_node, &init_task.thread_node },
	.wait_chldexit = __WAIT_QUEUE_HEAD_INITIALIZER(init_signals.wait_chldexit),
	.shared_pending = { .list = LIST_HEAD_INIT(init_signals.shared_pending.list) },
	.rlim = INIT_RLIMITS,
};

struct sighand_struct init_sighand = { .count = 1 };

/* Task 0: the boot, then what runs when nothing else can. */
struct task_struct init_task = {
	.flags = PF_KTHREAD | PF_IDLE,
	.stack = init_stack,
	.comm = "swapper",
	.active_mm = &init_mm,
	.usage = 1,
	.cred = &init_cred,
	.nsproxy = &init_nsproxy,
	.real_parent = &init_task,
	.parent = &init_task,
	.group_leader = &init_task,
	.signal = &init_signals,
	.sighand = &init_sighand,
	.thread_group = LIST_HEAD_INIT(init_task.thread_group),
	.thread_node = { &init_signals.thread_head, &init_signals.thread_head },
	.children = LIST_HEAD_INIT(init_task.children),
	.sibling = LIST_HEAD_INIT(init_task.sibling),
	.tasks = LIST_HEAD_INIT(init_task.tasks),
	.run_list = LIST_HEAD_INIT(init_task.run_list),
	.static_prio = DEFAULT_PRIO,
	.cpus_mask = CPU_MASK_ALL,
	.dest_cpu = -1,
	.se.load = NICE_0_LOAD,
	.pending = { .list = LIST_HEAD_INIT(init_task.pending.list) },
	.thread = {
		.sp0 = (unsigned long)init_stack + THREAD_SIZE,
		.addr_limit = ~0UL,
	},
};

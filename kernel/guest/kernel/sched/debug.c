/* What the scheduler tells: SysRq-t's list of tasks, and /proc/sched_debug. */
#include <asm/irqflags.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include "sched.h"

/* As ps shows it; the first that fits (Linux: fs/proc/array.c). */
char task_state_to_char(const struct task_struct *p)
{
	static const struct { unsigned int bits; char letter; } states[] = {
		{ EXIT_ZOMBIE, 'Z' }, { EXIT_DEAD, 'X' }, { TASK_DEAD, 'X' }, { __TASK_STOPPED, 'T' },
		{ TASK_UNINTERRUPTIBLE, 'D' }, { TASK_INTERRUPTIBLE, 'S' },
	};
	unsigned int state = p->__state | (unsigned int)p->exit_state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++)
		if (state & states[i].bits)
			return states[i].letter;
	return is_idle_task(p) ? 'I' : 'R';
}

static void sched_show_task(const struct task_struct *p)
{
	printk(KERN_INFO "task:%-15.15s state:%c pid:%-5d ppid:%-5d flags:0x%08x\n", p->comm,
	       task_state_to_char(p), p->pid, p->parent->pid, p->flags);
}

/* Every task, in the kernel log: what SysRq-t prints. */
void show_state(void)
{
	struct task_struct *p, *t;

	sched_show_task(&init_task);
	for_each_process(p)
		for_each_thread(p, t)
			sched_show_task(t);
}

unsigned long nr_context_switches(void)
{
	u64 sum = 0;
	int cpu;

	for_each_online_cpu(cpu)
		sum += cpu_rq(cpu)->nr_switches;
	return sum;
}

/* Nanoseconds as milliseconds with six places. */
#define SPLIT_NS(x) (x) / 1000000, (x) % 1000000

static void print_task(struct seq_file *m, const struct task_struct *p)
{
	seq_printf(m, "%c%c %-15.15s %5d %9lu.%06lu %9lu %5d %6lu %9lu.%06lu %9lu.%06lu\n",
		   p == task_rq(p)->curr ? '>' : ' ', task_state_to_char(p), p->comm, p->pid,
		   SPLIT_NS(p->se.vruntime), p->nvcsw + p->nivcsw, PRIO_TO_NICE(p->static_prio), p->se.load,
		   SPLIT_NS(p->on_rq ? sched_slice(&task_rq(p)->cfs, &p->se) : 0),
		   SPLIT_NS(p->se.sum_exec_runtime));
}

static int sched_debug_show(struct seq_file *m)
{
	unsigned long flags = local_irq_save();
	struct task_struct *p, *t;
	int cpu;

	seq_printf(m, "ktime %lu.%06lu ms, jiffies %lu, policy %s\n", SPLIT_NS(local_clock()), jiffies,
		   sched_class->name);
	seq_printf(m, "sysctl_sched_latency %lu.%06lu, min_granularity %lu.%06lu, wakeup_granularity %lu.%06lu\n",
		   SPLIT_NS(sysctl_sched_latency), SPLIT_NS(sysctl_sched_min_granularity),
		   SPLIT_NS(sysctl_sched_wakeup_granularity));
	for_each_online_cpu(cpu) {
		const struct rq *rq = cpu_rq(cpu);

		seq_printf(m, "cpu#%d: nr_running %u, nr_switches %lu, load %lu, min_vruntime %lu.%06lu\n", cpu,
			   rq->nr_running, rq->nr_switches, rq->cfs.load, SPLIT_NS(rq->cfs.min_vruntime));
	}
	seq_printf(m, " S task              pid         vruntime  switches  nice weight            slice         sum-exec\n");
	for_each_process(p)
		for_each_thread(p, t)
			print_task(m, t);
	local_irq_restore(flags);
	return 0;
}

static ssize_t sched_debug_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	return single_read(sched_debug_show, NULL, buf, count, pos);
}

static const struct file_operations sched_debug_fops = { .read = sched_debug_read };

static int __init sched_debug_init(void)
{
	return create_pseudo_file("/proc/sched_debug", 0444, &sched_debug_fops);
}
late_initcall(sched_debug_init);

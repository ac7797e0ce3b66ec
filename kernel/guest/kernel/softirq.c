/*
 * What interrupts put off (Linux: kernel/softirq.c). A handler does what cannot wait, with interrupts off, and raises
 * a softirq for the rest: that runs as the interrupt ends, with interrupts on, before the interrupted code goes on.
 * If there is no end of it, ksoftirqd does it, a task as others are. Tasklets are functions that one softirq runs.
 */
#include <asm/irqflags.h>
#include <linux/interrupt.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/smp.h>

#define MAX_SOFTIRQ_RESTART	10

__percpu int __preempt_count;
__percpu enum execution_context current_context;

static __percpu unsigned int softirq_pending;
static __percpu struct task_struct *ksoftirqd;
static __percpu bool ksoftirqd_wanted;

#define local_softirq_pending() this_cpu(softirq_pending)

static const char *const softirq_to_name[NR_SOFTIRQS] = { "HI", "TIMER", "TASKLET" };
static void (*softirq_vec[NR_SOFTIRQS])(void);
static __percpu unsigned long softirq_count[NR_SOFTIRQS];

static void note_context(void)
{
	this_cpu(current_context) = in_nmi() ? NMI_CONTEXT : in_hardirq() ? HARDIRQ_CONTEXT :
			  in_serving_softirq() ? SOFTIRQ_CONTEXT : PROCESS_CONTEXT;
}

void preempt_count_add(int val)
{
	this_cpu(__preempt_count) += val;
	note_context();
}

void preempt_count_sub(int val)
{
	BUG_ON(preempt_count() < val);
	this_cpu(__preempt_count) -= val;
	note_context();
}

void nmi_enter(void)
{
	preempt_count_add(NMI_OFFSET + HARDIRQ_OFFSET);
}

void nmi_exit(void)
{
	preempt_count_sub(NMI_OFFSET + HARDIRQ_OFFSET);
}

void open_softirq(int nr, void (*action)(void))
{
	softirq_vec[nr] = action;
}

/* ksoftirqd is made the first time that it is wanted, so that lists of tasks are short as long as it is not. */
static void wakeup_softirqd(void)
{
	if (this_cpu(ksoftirqd))
		wake_up_process(this_cpu(ksoftirqd));
	else
		this_cpu(ksoftirqd_wanted) = current->need_resched = true;
}

/*
 * Interrupts off on entry and return, on while the functions run. What they raise is served too, for some rounds; Linux
 * since 3.9 stops earlier where 2 ms have gone by or a task waits for the processor.
 */
noinline void __do_softirq(void)
{
	int restart = MAX_SOFTIRQ_RESTART, nr;

	preempt_count_add(SOFTIRQ_OFFSET);
	do {
		unsigned int pending = local_softirq_pending();

		this_cpu(softirq_pending) = 0;
		local_irq_enable();
		for (nr = 0; nr < NR_SOFTIRQS; nr++) {
			if (!(pending & 1U << nr))
				continue;
			this_cpu(softirq_count)[nr]++;
			softirq_vec[nr]();
		}
		local_irq_disable();
	} while (local_softirq_pending() && --restart);
	if (local_softirq_pending())
		wakeup_softirqd();
	preempt_count_sub(SOFTIRQ_OFFSET);
}

static bool ksoftirqd_running(void)
{
	return this_cpu(ksoftirqd) && this_cpu(ksoftirqd)->__state == TASK_RUNNING;
}

/*
 * Called by every interrupt's handler as it begins and ends, interrupts off. What is interrupted is in the kernel, and
 * has the lock, or is the idle task, which has let go of it: that it was so, irq_exit is told.
 */
noinline bool irq_enter(void)
{
	bool was_idle = lock_kernel();

	preempt_count_add(HARDIRQ_OFFSET);
	return was_idle;
}

noinline void irq_exit(bool was_idle)
{
	preempt_count_sub(HARDIRQ_OFFSET);
	if (!in_interrupt() && local_softirq_pending() && !ksoftirqd_running())
		__do_softirq();
	if (was_idle)
		unlock_kernel();
}

/* Any context. Outside of interrupts nothing would come to serve it: ksoftirqd does. */
void raise_softirq(int nr)
{
	unsigned long flags = local_irq_save();

	this_cpu(softirq_pending) |= 1U << nr;
	if (!in_interrupt())
		wakeup_softirqd();
	local_irq_restore(flags);
}

static noinline int run_ksoftirqd(void *unused)
{
	for (;;) {
		local_irq_disable();
		set_current_state(TASK_INTERRUPTIBLE);
		if (local_softirq_pending()) {
			set_current_state(TASK_RUNNING);
			__do_softirq();
		}
		local_irq_enable();
		relax_kernel_lock();
		schedule();
	}
}

/* In process context: make ksoftirqd, if an interrupt has found that it is wanted. */
noinline void spawn_ksoftirqd(void)
{
	struct cpumask mask = { { 1UL << smp_processor_id() } };
	int cpu = smp_processor_id();
	char name[TASK_COMM_LEN];
	struct task_struct *p;
	pid_t pid;

	if (likely(!this_cpu(ksoftirqd_wanted)))
		return;
	this_cpu(ksoftirqd_wanted) = false;
	snprintf(name, sizeof(name), "ksoftirqd/%d", cpu);
	pid = kthread_run(run_ksoftirqd, NULL, name);
	p = pid > 0 ? find_task_by_vpid(pid) : NULL;
	if (p)
		set_cpus_allowed(p, &mask);
	per_cpu(ksoftirqd, cpu) = p;
}

/* Tasklets that are to run, in the order they were scheduled in. */
static LIST_HEAD(tasklet_vec);

void tasklet_setup(struct tasklet_struct *t, void (*callback)(struct tasklet_struct *t))
{
	INIT_LIST_HEAD(&t->entry);
	t->callback = callback;
}

/* Any context. Once, however often it is called before the tasklet has run. */
noinline void tasklet_schedule(struct tasklet_struct *t)
{
	unsigned long flags = local_irq_save();

	if (list_empty(&t->entry)) {
		list_add_tail(&t->entry, &tasklet_vec);
		raise_softirq(TASKLET_SOFTIRQ);
	}
	local_irq_restore(flags);
}

/* Those that are there now; one that schedules itself again comes with the next round. */
static noinline void tasklet_action(void)
{
	LIST_HEAD(list);

	local_irq_disable();
	while (!list_empty(&tasklet_vec)) {
		struct list_head *first = tasklet_vec.next;

		list_del_init(first);
		list_add_tail(first, &list);
	}
	local_irq_enable();
	while (!list_empty(&list)) {
		struct tasklet_struct *t = list_first_entry(&list, struct tasklet_struct, entry);

		local_irq_disable();
		list_del_init(&t->entry);
		local_irq_enable();
		t->callback(t);
	}
}

/* The text of /proc/softirqs. */
int softirqs_show(struct seq_file *m)
{
	int nr, cpu;

	seq_puts(m, "             ");
	for_each_online_cpu(cpu)
		seq_printf(m, "       CPU%d", cpu);
	for (nr = 0; nr < NR_SOFTIRQS; nr++) {
		seq_printf(m, "\n%12s:", softirq_to_name[nr]);
		for_each_online_cpu(cpu)
			seq_printf(m, " %10lu", per_cpu(softirq_count, cpu)[nr]);
	}
	seq_puts(m, "\n");
	return 0;
}

/* Called once by start_kernel, before the first interrupt. */
void __init softirq_init(void)
{
	open_softirq(HI_SOFTIRQ, tasklet_action);
	open_softirq(TIMER_SOFTIRQ, run_timer_softirq);
	open_softirq(TASKLET_SOFTIRQ, tasklet_action);
}

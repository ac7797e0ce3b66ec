/*
 * The scheduler: round robin over one queue of runnable tasks. The running task is not in the queue; the idle
 * task never is. A task gives way when it sleeps, when it returns to ring 3 with need_resched set, or when it
 * asks to.
 */
#include <asm/irqflags.h>
#include <linux/sched.h>
#include <linux/syscalls.h>

#define RR_TIMESLICE (HZ / 50)	/* ticks */

static struct rq {
	struct list_head queue;
	unsigned int nr_running;	/* in the queue */
	unsigned long nr_switches;
	struct mm_struct *prev_mm;	/* borrowed page tables to give back after a switch */
} runqueue = { .queue = LIST_HEAD_INIT(runqueue.queue) };

u8 init_stack[THREAD_SIZE] __page_aligned_bss;

/* Task 0: the boot, then what runs when nothing else can. */
struct task_struct init_task = {
	.flags = PF_KTHREAD,
	.stack = init_stack,
	.comm = "swapper",
	.active_mm = &init_mm,
	.parent = &init_task,
	.children = LIST_HEAD_INIT(init_task.children),
	.sibling = LIST_HEAD_INIT(init_task.sibling),
	.tasks = LIST_HEAD_INIT(init_task.tasks),
	.run_list = LIST_HEAD_INIT(init_task.run_list),
	.wait_chldexit = __WAIT_QUEUE_HEAD_INITIALIZER(init_task.wait_chldexit),
	.thread = {
		.sp0 = (unsigned long)init_stack + THREAD_SIZE,
		.addr_limit = ~0UL,
	},
};

struct task_struct *__switch_to_asm(struct task_struct *prev, struct task_struct *next);

static void enqueue_task(struct task_struct *p)
{
	BUG_ON(p->on_rq);
	list_add_tail(&p->run_list, &runqueue.queue);
	p->on_rq = 1;
	runqueue.nr_running++;
}

static struct task_struct *pick_next_task(void)
{
	struct task_struct *next;

	if (list_empty(&runqueue.queue))
		return &init_task;
	next = list_first_entry(&runqueue.queue, struct task_struct, run_list);
	list_del_init(&next->run_list);
	next->on_rq = 0;
	next->time_slice = RR_TIMESLICE;
	runqueue.nr_running--;
	return next;
}

/* On the new task's stack, interrupts off: prev is off the processor now. */
static void finish_task_switch(struct task_struct *prev)
{
	struct mm_struct *mm = runqueue.prev_mm;

	BUG_ON(prev == current);
	runqueue.prev_mm = NULL;
	if (mm)
		mmdrop(mm);
}

/* A kernel thread has no address space: it keeps the one that is loaded, and counts as its user. */
static noinline void context_switch(struct task_struct *prev, struct task_struct *next)
{
	struct mm_struct *oldmm = prev->active_mm;

	if (next->mm) {
		switch_mm(oldmm, next->mm);
	} else {
		next->active_mm = oldmm;
		oldmm->mm_count++;
	}
	if (!prev->mm) {
		prev->active_mm = NULL;
		runqueue.prev_mm = oldmm;
	}
	runqueue.nr_switches++;
	prev = __switch_to_asm(prev, next);
	finish_task_switch(prev);
}

/* Called by ret_from_fork on a new task's first run. */
noinline void schedule_tail(struct task_struct *prev)
{
	finish_task_switch(prev);
}

/* Let the next task run; comes back when it's this one's turn again. */
noinline void schedule(void)
{
	unsigned long flags = local_irq_save();
	struct task_struct *prev = current, *next;

	prev->need_resched = false;
	if (prev->__state == TASK_RUNNING && prev != &init_task)
		enqueue_task(prev);
	next = pick_next_task();
	if (next != prev)
		context_switch(prev, next);
	local_irq_restore(flags);
}

/* Make a sleeping task runnable; does nothing to one that is. Any context. */
noinline void wake_up_process(struct task_struct *p)
{
	unsigned long flags = local_irq_save();

	if (p->__state == TASK_INTERRUPTIBLE) {
		p->__state = TASK_RUNNING;
		if (p != current) {
			enqueue_task(p);
			current->need_resched = true;
		}
	}
	local_irq_restore(flags);
}

void wake_up_new_task(struct task_struct *p)
{
	unsigned long flags = local_irq_save();

	enqueue_task(p);
	local_irq_restore(flags);
}

void set_current_state(unsigned int state)
{
	WRITE_ONCE(current->__state, state);
}

void prepare_to_wait(struct wait_queue_head *wq_head, struct wait_queue_entry *wait)
{
	unsigned long flags = local_irq_save();

	if (list_empty(&wait->entry))
		list_add_tail(&wait->entry, &wq_head->head);
	set_current_state(TASK_INTERRUPTIBLE);
	local_irq_restore(flags);
}

void finish_wait(struct wait_queue_entry *wait)
{
	unsigned long flags = local_irq_save();

	set_current_state(TASK_RUNNING);
	list_del_init(&wait->entry);
	local_irq_restore(flags);
}

/* Wake all who wait there; each tests its condition again. Any context. */
void wake_up(struct wait_queue_head *wq_head)
{
	unsigned long flags = local_irq_save();
	struct wait_queue_entry *wait;

	list_for_each_entry(wait, &wq_head->head, entry)
		wake_up_process(wait->task);
	local_irq_restore(flags);
}

/* Called by the timer interrupt, interrupts off. */
noinline void scheduler_tick(void)
{
	struct task_struct *curr = current;

	if (curr != &init_task && curr->time_slice && --curr->time_slice)
		return;
	if (runqueue.nr_running)
		curr->need_resched = true;
	else
		curr->time_slice = RR_TIMESLICE;
}

/* The idle task, for ever: sleep until an interrupt makes something runnable. */
noinline void cpu_idle(void)
{
	for (;;) {
		local_irq_disable();
		if (runqueue.nr_running) {
			local_irq_enable();
			schedule();
		} else {
			safe_halt();
		}
	}
}

static char task_state_to_char(const struct task_struct *p)
{
	switch (p->__state) {
	case TASK_RUNNING:
		return p == &init_task ? 'I' : 'R';
	case TASK_INTERRUPTIBLE:
		return 'S';
	case EXIT_ZOMBIE:
		return 'Z';
	default:
		return 'X';
	}
}

static void sched_show_task(const struct task_struct *p)
{
	printk(KERN_INFO "task:%-15.15s state:%c pid:%-5d ppid:%-5d flags:0x%08x\n", p->comm,
	       task_state_to_char(p), p->pid, p->parent->pid, p->flags);
}

/* Every task, in the kernel log: what SysRq-t prints. */
void show_state(void)
{
	struct task_struct *p;

	sched_show_task(&init_task);
	for_each_process(p)
		sched_show_task(p);
}

void __init sched_init(void)
{
	init_task.time_slice = RR_TIMESLICE;
}

long sys_sched_yield(void)
{
	schedule();
	return 0;
}

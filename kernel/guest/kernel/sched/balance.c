/*
 * Which processor a task runs on, where there are several (Linux: kernel/sched/fair.c, select_task_rq_fair and
 * load_balance, with domains and groups that we have none of). A task that wakes goes where nobody works, or stays; a
 * processor that has nothing to do, or now and then notices that it has less, takes one from the busiest.
 */
#include <asm/irqflags.h>
#include <linux/sched/signal.h>
#include "sched.h"

#define BALANCE_INTERVAL (HZ / 16)	/* ticks */

/* What counts is who waits or runs there; of equals the one where the task was, whose caches know it. */
noinline int select_task_rq(const struct task_struct *p)
{
	int cpu, best = -1;

	if (cpu_online(task_cpu(p)) && cpumask_test_cpu(task_cpu(p), &p->cpus_mask))
		best = task_cpu(p);
	for_each_online_cpu(cpu)
		if (cpumask_test_cpu(cpu, &p->cpus_mask) &&
		    (best < 0 || cpu_rq(cpu)->nr_running < cpu_rq(best)->nr_running))
			best = cpu;
	return best < 0 ? 0 : best;
}

static struct rq *find_busiest_queue(const struct rq *this_rq)
{
	struct rq *busiest = NULL;
	int cpu;

	for_each_online_cpu(cpu)
		if (cpu != this_rq->cpu && (!busiest || cpu_rq(cpu)->nr_running > busiest->nr_running))
			busiest = cpu_rq(cpu);
	return busiest;
}

/* May a task that waits in busiest's queue come to the other processor? */
static bool can_migrate_task(const struct task_struct *p, const struct rq *busiest, int cpu)
{
	return p->on_rq && task_rq(p) == busiest && p != busiest->curr && cpumask_test_cpu(cpu, &p->cpus_mask);
}

/* The first that may; false if there is none. */
static bool pull_task(struct rq *this_rq, struct rq *busiest)
{
	struct task_struct *p, *t;

	for_each_process(p)
		for_each_thread(p, t)
			if (can_migrate_task(t, busiest, this_rq->cpu)) {
				move_task(t, this_rq->cpu);
				return true;
			}
	return false;
}

/* Called by schedule, when there is nothing to run here: is there now? */
noinline bool newidle_balance(struct rq *this_rq)
{
	struct rq *busiest = find_busiest_queue(this_rq);

	return busiest && busiest->nr_running > !is_idle_task(busiest->curr) && pull_task(this_rq, busiest);
}

/* Called by each tick. */
void trigger_load_balance(struct rq *this_rq)
{
	struct rq *busiest = find_busiest_queue(this_rq);

	if (busiest && jiffies % BALANCE_INTERVAL == 0 && busiest->nr_running > this_rq->nr_running + 1)
		pull_task(this_rq, busiest);
}

/*
 * Called by execve when the old program's memory is as good as gone and the new one's not yet there: no moment is
 * cheaper for moving to another processor.
 */
noinline void sched_exec(void)
{
	int cpu = select_task_rq(current);

	if (cpu == task_cpu(current) || cpu_rq(cpu)->nr_running + 1 >= this_rq()->nr_running)
		return;
	current->dest_cpu = cpu;
	schedule();
}

/*
 * sched=cfs: the Completely Fair Scheduler, as Linux's kernel/sched/fair.c had it from 2.6.23 to 6.5 (since
 * then EEVDF picks by deadlines on the same tree). Each task has a virtual runtime: what it has run, in
 * nanoseconds, divided by its weight. The next to run is always the one with the least; so all of them advance
 * together, and a task of twice the weight gets twice the time.
 */
#include <linux/init.h>
#include <linux/sched.h>
#include "sched.h"

/* Within this time each runnable task runs once, if they are few enough... */
u64 sysctl_sched_latency = 6000000;
/* ...and if they are more, each still gets so much on average. */
u64 sysctl_sched_min_granularity = 750000;
/* A task that wakes interrupts the running one if it is behind it by so much. */
u64 sysctl_sched_wakeup_granularity = 1000000;

/* From nice -20 to 19: one step is about 10 % of the processor's time, a factor of 1.25 (Linux's sched/core.c). */
const unsigned int sched_prio_to_weight[40] = {
	88761, 71755, 56483, 46273, 36291,
	29154, 23254, 18705, 14949, 11916,
	 9548,  7620,  6100,  4904,  3906,
	 3121,  2501,  1991,  1586,  1277,
	 1024,   820,   655,   526,   423,
	  335,   272,   215,   172,   137,
	  110,    87,    70,    56,    45,
	   36,    29,    23,    18,    15,
};

static int __init parse_ns(char *str, u64 *value)
{
	char *end;
	long ns = simple_strtol(str, &end);

	if (end == str || *end || ns <= 0 || ns > 1000000000)
		return 0;
	*value = ns;
	return 1;
}

static int __init latency_setup(char *str)
{
	return parse_ns(str, &sysctl_sched_latency);
}
__setup("sched_latency_ns=", latency_setup);

static int __init min_granularity_setup(char *str)
{
	return parse_ns(str, &sysctl_sched_min_granularity);
}
__setup("sched_min_granularity_ns=", min_granularity_setup);

static int __init wakeup_granularity_setup(char *str)
{
	return parse_ns(str, &sysctl_sched_wakeup_granularity);
}
__setup("sched_wakeup_granularity_ns=", wakeup_granularity_setup);

static struct task_struct *task_of(const struct rb_node *node)
{
	return rb_entry(node, struct task_struct, se.run_node);
}

/* Virtual runtimes may wrap: what counts is the sign of the difference. */
static bool entity_before(const struct rb_node *a, const struct rb_node *b)
{
	return (s64)(task_of(a)->se.vruntime - task_of(b)->se.vruntime) < 0;
}

/* Real time to virtual: a task of nice 0 lives in both at the same rate. */
static u64 calc_delta_fair(u64 delta, const struct sched_entity *se)
{
	return delta * NICE_0_LOAD / se->load;
}

/* How long the tasks take all together for one turn each, ns. */
static u64 __sched_period(unsigned long nr_running)
{
	if (nr_running > sysctl_sched_latency / sysctl_sched_min_granularity)
		return nr_running * sysctl_sched_min_granularity;
	return sysctl_sched_latency;
}

/* The task's part of that, by weight, ns. */
noinline u64 sched_slice(const struct cfs_rq *cfs_rq, const struct sched_entity *se)
{
	unsigned long load = cfs_rq->load + (se->on_rq ? 0 : se->load);

	return __sched_period(container_of(cfs_rq, struct rq, cfs)->nr_running + !se->on_rq) * se->load / load;
}

/* The least of all virtual runtimes, kept for those who come: the running task's or the leftmost one's. */
static void update_min_vruntime(struct rq *rq)
{
	struct rb_node *leftmost = rb_first_cached(&rq->cfs.tasks_timeline);
	struct sched_entity *curr = rq->curr != rq->idle && rq->curr->on_rq ? &rq->curr->se : NULL;
	u64 vruntime = rq->cfs.min_vruntime;

	if (curr)
		vruntime = curr->vruntime;
	if (leftmost) {
		u64 first = task_of(leftmost)->se.vruntime;

		if (!curr || (s64)(first - vruntime) < 0)
			vruntime = first;
	}
	if ((s64)(vruntime - rq->cfs.min_vruntime) > 0)
		rq->cfs.min_vruntime = vruntime;
}

/* The running task's time since the last call, by its weight. */
static noinline void update_curr(struct rq *rq)
{
	u64 delta_exec = charge_curr(rq);

	if (!delta_exec)
		return;
	rq->curr->se.vruntime += calc_delta_fair(delta_exec, &rq->curr->se);
	update_min_vruntime(rq);
}

/*
 * A new task begins one slice behind the others, or forking would be a way to more time. A sleeper comes back
 * half a latency ahead of them: enough to run soon, without what it did not use.
 */
static void place_entity(struct rq *rq, struct task_struct *p, int flags)
{
	struct sched_entity *se = &p->se;
	u64 vruntime = rq->cfs.min_vruntime;

	if (flags & ENQUEUE_NEW)
		vruntime += calc_delta_fair(sched_slice(&rq->cfs, se), se);
	else
		vruntime -= sysctl_sched_latency / 2;
	if ((flags & ENQUEUE_NEW) || (s64)(vruntime - se->vruntime) > 0)
		se->vruntime = vruntime;
}

static void enqueue_task_fair(struct rq *rq, struct task_struct *p, int flags)
{
	update_curr(rq);
	place_entity(rq, p, flags);
	rq->cfs.load += p->se.load;
	p->se.on_rq = 1;
	rb_add_cached(&p->se.run_node, &rq->cfs.tasks_timeline, entity_before);
}

/* The running task is not in the tree; one in the tree leaves it only if it ends or changes its weight. */
static void dequeue_task_fair(struct rq *rq, struct task_struct *p, int flags)
{
	update_curr(rq);
	if (p != rq->curr)
		rb_erase_cached(&p->se.run_node, &rq->cfs.tasks_timeline);
	rq->cfs.load -= p->se.load;
	p->se.on_rq = 0;
	update_min_vruntime(rq);
}

static noinline struct task_struct *pick_task_fair(struct rq *rq)
{
	struct rb_node *leftmost = rb_first_cached(&rq->cfs.tasks_timeline);

	return leftmost ? task_of(leftmost) : NULL;
}

static void put_prev_task_fair(struct rq *rq, struct task_struct *prev)
{
	update_curr(rq);
	rb_add_cached(&prev->se.run_node, &rq->cfs.tasks_timeline, entity_before);
}

static void set_next_task_fair(struct rq *rq, struct task_struct *next)
{
	rb_erase_cached(&next->se.run_node, &rq->cfs.tasks_timeline);
}

/* Its slice is over, or another is behind it by more than a slice. */
static noinline void check_preempt_tick(struct rq *rq, struct sched_entity *curr)
{
	u64 ideal_runtime = sched_slice(&rq->cfs, curr);
	u64 delta_exec = curr->sum_exec_runtime - curr->prev_sum_exec_runtime;
	struct rb_node *leftmost = rb_first_cached(&rq->cfs.tasks_timeline);

	if (!leftmost)
		return;
	if (delta_exec >= ideal_runtime)
		resched_curr(rq);
	else if (delta_exec >= sysctl_sched_min_granularity &&
		 (s64)(curr->vruntime - task_of(leftmost)->se.vruntime) > (s64)ideal_runtime)
		resched_curr(rq);
}

static noinline void task_tick_fair(struct rq *rq, struct task_struct *curr)
{
	update_curr(rq);
	check_preempt_tick(rq, &curr->se);
}

/* What is left of curr's slice. */
static u64 turn_left_fair(struct rq *rq, struct task_struct *curr)
{
	u64 slice = sched_slice(&rq->cfs, &curr->se);
	u64 ran = curr->se.sum_exec_runtime - curr->se.prev_sum_exec_runtime + local_clock() - curr->se.exec_start;

	return slice > ran ? slice - ran : 0;
}

static bool wakeup_preempt_fair(struct rq *rq, struct task_struct *p)
{
	update_curr(rq);
	return (s64)(rq->curr->se.vruntime - p->se.vruntime) >
	       (s64)calc_delta_fair(sysctl_sched_wakeup_granularity, &p->se);
}

/* Virtual time is a run queue's own: what counts is how far p is from the others. */
static void migrate_task_fair(struct rq *from, struct rq *to, struct task_struct *p)
{
	p->se.vruntime += to->cfs.min_vruntime - from->cfs.min_vruntime;
}

/* Behind all the others: CFS as such would run the one that yields again, if it has run least. */
static void yield_task_fair(struct rq *rq)
{
	struct rb_node *last = rb_last(&rq->cfs.tasks_timeline);
	struct sched_entity *curr = &rq->curr->se;

	update_curr(rq);
	if (last && (s64)(task_of(last)->se.vruntime - curr->vruntime) > 0)
		curr->vruntime = task_of(last)->se.vruntime;
}

/* The weight of p's new nice value, from now on. */
static void reweight_task_fair(struct rq *rq, struct task_struct *p)
{
	unsigned int weight = sched_prio_to_weight[p->static_prio - MAX_RT_PRIO];

	update_curr(rq);
	if (p->se.on_rq)
		rq->cfs.load += weight - p->se.load;
	p->se.load = weight;
}

const struct sched_class fair_sched_class = {
	.name = "cfs",
	.enqueue_task = enqueue_task_fair,
	.dequeue_task = dequeue_task_fair,
	.pick_task = pick_task_fair,
	.put_prev_task = put_prev_task_fair,
	.set_next_task = set_next_task_fair,
	.task_tick = task_tick_fair,
	.wakeup_preempt = wakeup_preempt_fair,
	.turn_left = turn_left_fair,
	.migrate_task = migrate_task_fair,
	.yield_task = yield_task_fair,
	.reweight_task = reweight_task_fair,
};

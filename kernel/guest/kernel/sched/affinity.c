/* On which processors a task may run (Linux: kernel/sched/core.c). */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/syscalls.h>
#include "sched.h"

/* From now on: 0, or -EINVAL if none of mask's processors runs. */
noinline int set_cpus_allowed(struct task_struct *p, const struct cpumask *mask)
{
	unsigned long flags = local_irq_save();
	bool may_stay = mask->bits[0] >> task_cpu(p) & 1, none = !(mask->bits[0] & __cpu_online_mask.bits[0]);
	struct rq *rq = task_rq(p);

	if (!none)
		p->cpus_mask = *mask;
	if (!none && !may_stay && p->on_rq) {
		if (rq->curr != p) {
			move_task(p, select_task_rq(p));
		} else {
			p->dest_cpu = select_task_rq(p);
			resched_curr(rq);
		}
	}
	local_irq_restore(flags);
	return none ? -EINVAL : 0;
}

/* The task that a number names; 0 is the caller. */
static struct task_struct *find_task(pid_t pid)
{
	return pid ? find_task_by_vpid(pid) : current;
}

noinline long sys_sched_setaffinity(pid_t pid, unsigned int len, unsigned long __user *user_mask_ptr)
{
	struct task_struct *p = find_task(pid);
	struct cpumask mask = { { 0 } };
	int ret;

	if (copy_from_user(&mask, user_mask_ptr, min((size_t)len, sizeof(mask))))
		return -EFAULT;
	if (!p)
		return -ESRCH;
	if (current_cred()->euid != GLOBAL_ROOT_UID && current_cred()->euid != p->cred->uid)
		return -EPERM;
	ret = set_cpus_allowed(p, &mask);
	cond_resched();
	return ret;
}

/* How many bytes the mask has. */
noinline long sys_sched_getaffinity(pid_t pid, unsigned int len, unsigned long __user *user_mask_ptr)
{
	struct task_struct *p = find_task(pid);
	struct cpumask mask;

	if (len < sizeof(mask) || len % sizeof(mask))
		return -EINVAL;
	if (!p)
		return -ESRCH;
	mask = (struct cpumask) { { p->cpus_mask.bits[0] & __cpu_online_mask.bits[0] } };
	return copy_to_user(user_mask_ptr, &mask, sizeof(mask)) ? -EFAULT : (long)sizeof(mask);
}

/* System calls about who gets how much of the processor. */
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/syscalls.h>

/* Whom the calls mean, or NULL: 0 is the caller. */
static struct task_struct *find_process(int which, int who)
{
	struct task_struct *p;

	if (which != PRIO_PROCESS || !who)
		return which == PRIO_PROCESS ? current : NULL;
	for_each_process(p)
		if (p->pid == who)
			return p;
	return NULL;
}

/* Sets a nice value; out of range, the nearest. */
long sys_setpriority(int which, int who, int niceval)
{
	struct task_struct *p = find_process(which, who);

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (!p)
		return -ESRCH;
	set_user_nice(p, max(min(niceval, MAX_NICE), MIN_NICE));
	return 0;
}

/* 20 - nice, 1 to 40, so that no result is an error. */
long sys_getpriority(int which, int who)
{
	struct task_struct *p = find_process(which, who);

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	return p ? 20 - PRIO_TO_NICE(p->static_prio) : -ESRCH;
}

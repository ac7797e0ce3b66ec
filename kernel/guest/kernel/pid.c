/* Numbers of tasks, groups and sessions: finding who has one, and the calls that set them. */
#include <asm/irqflags.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>

#define PID_MAX		32768
#define RESERVED_PIDS	300	/* after the first round, the lowest are left to the boot's tasks */

static pid_t last_pid;

/* The task with that number, a thread's too, or NULL. */
struct task_struct *find_task_by_vpid(pid_t nr)
{
	struct task_struct *p, *t;

	for_each_process(p)
		for_each_thread(p, t)
			if (t->pid == nr)
				return t;
	return NULL;
}

/* A number stays taken while a task, a group or a session has it. */
static bool pid_in_use(pid_t pid)
{
	struct task_struct *p;

	for_each_process(p)
		if (p->signal->pgrp == pid || p->signal->session == pid)
			return true;
	return find_task_by_vpid(pid);
}

pid_t alloc_pid(void)
{
	do {
		last_pid = last_pid + 1 < PID_MAX ? last_pid + 1 : RESERVED_PIDS;
	} while (pid_in_use(last_pid));
	return last_pid;
}

long sys_getpid(void)
{
	return current->tgid;
}

long sys_gettid(void)
{
	return current->pid;
}

long sys_getppid(void)
{
	return current->group_leader->real_parent->tgid;
}

/* The leader of process pid, or the caller's for 0; NULL if there is none. */
static struct task_struct *find_process(pid_t pid)
{
	struct task_struct *p = pid ? find_task_by_vpid(pid) : current;

	return p ? p->group_leader : NULL;
}

/* Is there a group of that number in the caller's session? */
static bool group_in_session(pid_t pgid)
{
	struct task_struct *p;

	for_each_process(p)
		if (p->signal->pgrp == pgid && p->signal->session == current->signal->session)
			return true;
	return false;
}

/* A shell does this for each job's processes, before and after they fork, so that neither has to wait. */
static long do_setpgid(struct task_struct *p, pid_t pgid)
{
	struct task_struct *leader = current->group_leader;

	if (p->real_parent == leader) {
		if (p->signal->session != current->signal->session)
			return -EPERM;
		if (!(p->flags & PF_FORKNOEXEC))
			return -EACCES;
	} else if (p != leader) {
		return -ESRCH;
	}
	if (p->signal->leader || (pgid != p->pid && !group_in_session(pgid)))
		return -EPERM;
	p->signal->pgrp = pgid;
	return 0;
}

noinline long sys_setpgid(pid_t pid, pid_t pgid)
{
	unsigned long flags;
	struct task_struct *p;
	long err;

	if (pgid < 0)
		return -EINVAL;
	flags = local_irq_save();
	p = find_process(pid);
	err = p ? do_setpgid(p, pgid ? pgid : p->pid) : -ESRCH;
	local_irq_restore(flags);
	return err;
}

long sys_getpgid(pid_t pid)
{
	unsigned long flags = local_irq_save();
	struct task_struct *p = find_process(pid);
	long ret = p ? p->signal->pgrp : -ESRCH;

	local_irq_restore(flags);
	return ret;
}

long sys_getpgrp(void)
{
	return current->signal->pgrp;
}

long sys_getsid(pid_t pid)
{
	unsigned long flags = local_irq_save();
	struct task_struct *p = find_process(pid);
	long ret = p ? p->signal->session : -ESRCH;

	local_irq_restore(flags);
	return ret;
}

/* A session of its own, without a terminal; not for one who leads a group, whose members would be left behind. */
noinline long sys_setsid(void)
{
	struct signal_struct *sig = current->signal;
	unsigned long flags = local_irq_save();
	pid_t session = current->tgid;
	struct task_struct *p;
	long err = sig->leader ? -EPERM : session;

	for_each_process(p)
		if (p->signal->pgrp == session)
			err = -EPERM;
	if (err == session) {
		sig->leader = true;
		sig->session = sig->pgrp = session;
		sig->tty = NULL;
	}
	local_irq_restore(flags);
	return err;
}

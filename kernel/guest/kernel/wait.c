/* wait4 and waitid: what became of children (Linux: kernel/exit.c, do_wait). */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/syscalls.h>
#include <uapi/linux/wait.h>

struct wait_opts {
	unsigned int wo_flags;
	enum pid_type wo_type;		/* PIDTYPE_MAX: any child */
	pid_t wo_pid;
	int wo_stat;			/* what wait4 reports of the child that was found */
	int wo_code;			/* and waitid: CLD_EXITED... */
	struct rusage wo_rusage;
	int notask_error;		/* 0: there is a child to wait for */
};

static bool eligible_pid(const struct wait_opts *wo, const struct task_struct *p)
{
	switch (wo->wo_type) {
	case PIDTYPE_TGID:
		return p->tgid == wo->wo_pid;
	case PIDTYPE_PGID:
		return p->signal->pgrp == wo->wo_pid;
	default:
		return true;
	}
}

/* A child that was made with another signal than SIGCHLD is waited for only on demand. */
static bool eligible_child(const struct wait_opts *wo, const struct task_struct *p)
{
	bool is_clone = p->exit_signal != SIGCHLD, wants_clone = wo->wo_flags & __WCLONE;

	return eligible_pid(wo, p) && ((wo->wo_flags & __WALL) || is_clone == wants_clone);
}

static pid_t found(struct wait_opts *wo, struct task_struct *p, int stat, int code)
{
	wo->wo_stat = stat;
	wo->wo_code = code;
	getrusage(p, RUSAGE_BOTH, &wo->wo_rusage);
	return p->pid;
}

/* A leader whose threads still run is no zombie for its parent yet. */
static noinline pid_t wait_task_zombie(struct wait_opts *wo, struct task_struct *p)
{
	struct signal_struct *sig = p->signal, *mine = current->signal;
	int status = sig->flags & SIGNAL_GROUP_EXIT ? sig->group_exit_code : p->exit_code;
	pid_t pid;

	if (!(wo->wo_flags & WEXITED))
		return 0;
	pid = found(wo, p, status, status & 0x80 ? CLD_DUMPED : status & 0x7f ? CLD_KILLED : CLD_EXITED);
	if (wo->wo_flags & WNOWAIT)
		return pid;
	mine->cutime += sig->utime + p->utime + sig->cutime;
	mine->cstime += sig->stime + p->stime + sig->cstime;
	p->exit_state = EXIT_DEAD;
	release_task(p);
	return pid;
}

static noinline pid_t wait_task_stopped(struct wait_opts *wo, struct task_struct *p)
{
	int signr = p->signal->group_exit_code;

	if (!(wo->wo_flags & WUNTRACED) || !(p->signal->flags & SIGNAL_STOP_STOPPED) || !signr)
		return 0;
	if (!(wo->wo_flags & WNOWAIT))
		p->signal->group_exit_code = 0;
	return found(wo, p, signr << 8 | 0x7f, CLD_STOPPED);
}

static noinline pid_t wait_task_continued(struct wait_opts *wo, struct task_struct *p)
{
	if (!(wo->wo_flags & WCONTINUED) || !(p->signal->flags & SIGNAL_STOP_CONTINUED))
		return 0;
	if (!(wo->wo_flags & WNOWAIT))
		p->signal->flags &= ~SIGNAL_STOP_CONTINUED;
	return found(wo, p, 0xffff, CLD_CONTINUED);
}

static pid_t wait_consider_task(struct wait_opts *wo, struct task_struct *p)
{
	pid_t pid;

	if (!eligible_child(wo, p) || p->exit_state == EXIT_DEAD)
		return 0;
	if (p->exit_state == EXIT_ZOMBIE && thread_group_empty(p)) {
		wo->notask_error = wo->wo_flags & WEXITED ? 0 : wo->notask_error;
		return wait_task_zombie(wo, p);
	}
	wo->notask_error = 0;
	pid = wait_task_stopped(wo, p);
	return pid ? pid : wait_task_continued(wo, p);
}

static pid_t wait_children(struct wait_opts *wo)
{
	unsigned long flags = local_irq_save();
	struct task_struct *p, *next;
	pid_t pid = 0;

	wo->notask_error = -ECHILD;
	list_for_each_entry_safe(p, next, &current->group_leader->children, sibling) {
		pid = wait_consider_task(wo, p);
		if (pid)
			break;
	}
	local_irq_restore(flags);
	return pid;
}

/* The pid of the child that something became of; 0 for none yet, with WNOHANG; or -errno. */
static noinline long do_wait(struct wait_opts *wo)
{
	pid_t pid = 0;
	long err = wait_event_interruptible(current->signal->wait_chldexit,
					    (pid = wait_children(wo)) || wo->notask_error ||
					    (wo->wo_flags & WNOHANG));

	return pid ? pid : err ? err : wo->notask_error;
}

/* pid as wait4 has it: a child, -1 any, 0 any of the caller's group, -N any of group N. */
static void wait4_opts(struct wait_opts *wo, pid_t pid, int options)
{
	*wo = (struct wait_opts) { .wo_flags = (unsigned int)options | WEXITED, .wo_type = PIDTYPE_TGID, .wo_pid = pid };
	if (pid == -1) {
		wo->wo_type = PIDTYPE_MAX;
	} else if (pid <= 0) {
		wo->wo_type = PIDTYPE_PGID;
		wo->wo_pid = pid ? -pid : current->signal->pgrp;
	}
}

/* For the kernel itself: any child of that pid, whatever signal it was made with. */
noinline long kernel_wait4(pid_t pid, int *stat_addr, int options)
{
	struct wait_opts wo;
	long ret;

	wait4_opts(&wo, pid, options | __WALL);
	ret = do_wait(&wo);
	*stat_addr = wo.wo_stat;
	return ret;
}

noinline long sys_wait4(pid_t pid, int __user *stat_addr, int options, struct rusage __user *ru)
{
	struct wait_opts wo;
	long ret;

	if ((unsigned int)options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == (-2147483647 - 1))
		return -ESRCH;
	wait4_opts(&wo, pid, options);
	ret = do_wait(&wo);
	if (ret <= 0)
		return ret;
	if (stat_addr && put_user(wo.wo_stat, stat_addr))
		return -EFAULT;
	if (ru && copy_to_user(ru, &wo.wo_rusage, sizeof(wo.wo_rusage)))
		return -EFAULT;
	return ret;
}

/* What si_status says: the exit status, or the signal that killed, stopped or continued. */
static int waitid_status(const struct wait_opts *wo)
{
	switch (wo->wo_code) {
	case CLD_CONTINUED:
		return SIGCONT;
	case CLD_EXITED:
	case CLD_STOPPED:
		return wo->wo_stat >> 8 & 0xff;
	default:
		return wo->wo_stat & 0x7f;
	}
}

noinline long sys_waitid(int which, pid_t upid, void __user *infop, int options, struct rusage __user *ru)
{
	struct wait_opts wo = { .wo_flags = options, .wo_type = PIDTYPE_MAX, .wo_pid = upid };
	struct kernel_siginfo info = { 0 };
	long ret;

	if (((unsigned int)options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE |
				       __WALL)) ||
	    !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (which < P_ALL || which > P_PGID || (which == P_PID && upid <= 0) || (which == P_PGID && upid < 0))
		return -EINVAL;
	if (which == P_PID)
		wo.wo_type = PIDTYPE_TGID;
	if (which == P_PGID) {
		wo.wo_type = PIDTYPE_PGID;
		wo.wo_pid = upid ? upid : current->signal->pgrp;
	}
	ret = do_wait(&wo);
	if (ret < 0)
		return ret;
	if (ret > 0) {
		info = (struct kernel_siginfo) { .si_signo = SIGCHLD, .si_code = wo.wo_code, .si_pid = ret };
		info.si_status = waitid_status(&wo);
		if (ru && copy_to_user(ru, &wo.wo_rusage, sizeof(wo.wo_rusage)))
			return -EFAULT;
	}
	return infop ? copy_siginfo_to_user(infop, &info) : 0;
}

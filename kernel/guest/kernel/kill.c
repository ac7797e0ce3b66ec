/* The calls that send signals (Linux: kernel/signal.c). */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/cred.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>

/* A user's processes are that user's to signal, and root's; SIGCONT may go to all of a session. */
static bool kill_ok_by_cred(const struct task_struct *t, int sig)
{
	const struct cred *cred = current_cred(), *tcred = t->cred;

	return cred->euid == GLOBAL_ROOT_UID || cred->euid == tcred->suid || cred->euid == tcred->uid ||
	       cred->uid == tcred->suid || cred->uid == tcred->uid ||
	       (sig == SIGCONT && t->signal->session == current->signal->session);
}

static int group_send_sig_info(int sig, struct kernel_siginfo *info, struct task_struct *p, enum pid_type type)
{
	return kill_ok_by_cred(p, sig) ? do_send_sig_info(sig, info, p, type) : -EPERM;
}

/* To every process but task 1 and the caller's own. */
static int kill_all(int sig, struct kernel_siginfo *info)
{
	struct task_struct *p;
	int ret = -ESRCH, err;

	for_each_process(p) {
		if (p->pid <= 1 || p == current->group_leader || p->flags & PF_KTHREAD)
			continue;
		err = group_send_sig_info(sig, info, p, PIDTYPE_TGID);
		if (ret != 0)
			ret = err;
	}
	return ret;
}

static int kill_group(pid_t pgrp, int sig, struct kernel_siginfo *info)
{
	struct task_struct *p;
	int ret = -ESRCH, err;

	for_each_process(p) {
		if (p->signal->pgrp != pgrp)
			continue;
		err = group_send_sig_info(sig, info, p, PIDTYPE_TGID);
		if (ret != 0)
			ret = err;
	}
	return ret;
}

/* pid as kill has it: a process, 0 the caller's group, -1 all that there are, -N group N. */
static noinline int kill_something_info(int sig, struct kernel_siginfo *info, pid_t pid)
{
	unsigned long flags;
	struct task_struct *p;
	int ret = -ESRCH;

	if (pid == -2147483647 - 1)
		return -ESRCH;
	flags = local_irq_save();
	if (pid == -1) {
		ret = kill_all(sig, info);
	} else if (pid <= 0) {
		ret = kill_group(pid ? -pid : current->signal->pgrp, sig, info);
	} else {
		p = find_task_by_vpid(pid);
		if (p)
			ret = group_send_sig_info(sig, info, p, PIDTYPE_TGID);
	}
	local_irq_restore(flags);
	return ret;
}

noinline long sys_kill(pid_t pid, int sig)
{
	struct kernel_siginfo info = { .si_signo = sig, .si_code = SI_USER, .si_pid = current->tgid };

	return valid_signal(sig) ? kill_something_info(sig, &info, pid) : -EINVAL;
}

/* To one thread; tgid 0: of whatever process. */
static int send_specific(pid_t tgid, pid_t pid, int sig, struct kernel_siginfo *info)
{
	unsigned long flags = local_irq_save();
	struct task_struct *p = find_task_by_vpid(pid);
	int ret = p && (!tgid || p->tgid == tgid) ? group_send_sig_info(sig, info, p, PIDTYPE_PID) : -ESRCH;

	local_irq_restore(flags);
	return ret;
}

static long do_tkill(pid_t tgid, pid_t pid, int sig)
{
	struct kernel_siginfo info = { .si_signo = sig, .si_code = SI_TKILL, .si_pid = current->tgid };

	return valid_signal(sig) ? send_specific(tgid, pid, sig, &info) : -EINVAL;
}

noinline long sys_tkill(pid_t pid, int sig)
{
	return pid > 0 ? do_tkill(0, pid, sig) : -EINVAL;
}

noinline long sys_tgkill(pid_t tgid, pid_t pid, int sig)
{
	return pid > 0 && tgid > 0 ? do_tkill(tgid, pid, sig) : -EINVAL;
}

/* A siginfo that the sender wrote: it may not look like one of the kernel's, or of kill, for another process. */
static int get_siginfo(struct kernel_siginfo *info, int sig, pid_t pid, const void __user *uinfo)
{
	if (copy_from_user(info, uinfo, sizeof(*info)))
		return -EFAULT;
	info->si_signo = sig;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && current->tgid != pid)
		return -EPERM;
	return valid_signal(sig) ? 0 : -EINVAL;
}

noinline long sys_rt_sigqueueinfo(pid_t pid, int sig, const void __user *uinfo)
{
	struct kernel_siginfo info;
	int err = get_siginfo(&info, sig, pid, uinfo);

	if (err || pid <= 0)
		return err ? err : -ESRCH;
	return kill_something_info(sig, &info, pid);
}

noinline long sys_rt_tgsigqueueinfo(pid_t tgid, pid_t pid, int sig, const void __user *uinfo)
{
	struct kernel_siginfo info;
	int err = get_siginfo(&info, sig, tgid, uinfo);

	if (err || pid <= 0 || tgid <= 0)
		return err ? err : -EINVAL;
	return send_specific(tgid, pid, sig, &info);
}

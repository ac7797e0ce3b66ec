/*
 * Sessions and jobs: which process group a terminal listens to, and what happens to the others that try to use it
 * (Linux: drivers/tty/tty_jobctrl.c).
 */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/tty.h>

static bool is_ignored(int sig)
{
	return sigismember(&current->blocked, sig) || current->sighand->action[sig - 1].sa.sa_handler == SIG_IGN;
}

/*
 * May the caller use its controlling terminal? A background group gets sig, which stops it, and makes its call
 * again once it is in the foreground; one that ignores sig may write but not read.
 */
noinline int tty_check_change(struct tty_struct *tty, int sig)
{
	pid_t pgrp = current->signal->pgrp;

	if (current->signal->tty != tty || !tty->pgrp || tty->pgrp == pgrp)
		return 0;
	if (is_ignored(sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (is_current_pgrp_orphaned())
		return -EIO;
	kill_pgrp(pgrp, sig, true);
	return -ERESTARTSYS;
}

/* Called by the line discipline, in a softirq: Ctrl-C and its kin. */
noinline void isig(int sig, struct tty_struct *tty)
{
	if (tty->pgrp)
		kill_pgrp(tty->pgrp, sig, true);
}

/* Interrupts off. */
static void proc_set_tty(struct tty_struct *tty)
{
	tty->session = current->signal->session;
	tty->pgrp = current->signal->pgrp;
	current->signal->tty = tty;
}

/* A session's leader that has no terminal gets the first that it opens. */
void tty_open_proc_set_tty(struct file *file, struct tty_struct *tty)
{
	unsigned long flags = local_irq_save();

	if (current->signal->leader && !current->signal->tty && !tty->session && (file->f_mode & FMODE_READ))
		proc_set_tty(tty);
	local_irq_restore(flags);
}

static void session_clear_tty(pid_t session)
{
	struct task_struct *p;

	for_each_process(p)
		if (p->signal->session == session)
			p->signal->tty = NULL;
}

/* The session's leader gives up its terminal, or ends: the job in the foreground hears of it by SIGHUP. */
noinline void disassociate_ctty(bool on_exit)
{
	unsigned long flags = local_irq_save();
	struct tty_struct *tty = current->signal->tty;

	if (tty && tty->session == current->signal->session) {
		pid_t pgrp = tty->pgrp;

		session_clear_tty(tty->session);
		tty->session = tty->pgrp = 0;
		if (pgrp) {
			kill_pgrp(pgrp, SIGHUP, on_exit);
			kill_pgrp(pgrp, SIGCONT, on_exit);
		}
	}
	local_irq_restore(flags);
}

/* arg 1: take it away from the session that has it. */
static long tiocsctty(struct tty_struct *tty, unsigned long arg)
{
	struct signal_struct *sig = current->signal;

	if (sig->leader && sig->session == tty->session)
		return 0;
	if (!sig->leader || sig->tty || (tty->session && arg != 1))
		return -EPERM;
	if (tty->session)
		session_clear_tty(tty->session);
	proc_set_tty(tty);
	return 0;
}

static long tiocnotty(struct tty_struct *tty)
{
	if (current->signal->tty != tty)
		return -ENOTTY;
	if (current->signal->leader)
		disassociate_ctty(false);
	current->signal->tty = NULL;
	return 0;
}

static bool pgrp_in_session(pid_t pgrp, pid_t session)
{
	struct task_struct *p;

	for_each_process(p)
		if (p->signal->pgrp == pgrp && p->signal->session == session)
			return true;
	return false;
}

/* What a shell does with each job that it starts, or brings to the foreground. */
static noinline long tiocspgrp(struct tty_struct *tty, const int __user *p)
{
	int err = tty_check_change(tty, SIGTTOU);
	pid_t pgrp;

	if (err)
		return err == -EIO ? -ENOTTY : err;
	if (current->signal->tty != tty || tty->session != current->signal->session)
		return -ENOTTY;
	if (get_user(pgrp, p))
		return -EFAULT;
	if (pgrp < 0)
		return -EINVAL;
	if (!pgrp_in_session(pgrp, tty->session))
		return -EPERM;
	tty->pgrp = pgrp;
	return 0;
}

long tty_jobctrl_ioctl(struct tty_struct *tty, unsigned int cmd, unsigned long arg)
{
	int __user *p = (int __user *)arg;

	switch (cmd) {
	case TIOCSCTTY:
		return tiocsctty(tty, arg);
	case TIOCNOTTY:
		return tiocnotty(tty);
	case TIOCGPGRP:
		return current->signal->tty != tty ? -ENOTTY : put_user(tty->pgrp, p);
	case TIOCSPGRP:
		return tiocspgrp(tty, p);
	case TIOCGSID:
		return current->signal->tty != tty || !tty->session ? -ENOTTY : put_user(tty->session, p);
	default:
		return -ENOTTY;
	}
}

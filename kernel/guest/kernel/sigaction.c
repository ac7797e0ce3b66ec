/* What a program says about its signals: handlers, masks, a stack for them, waiting (Linux: kernel/signal.c). */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>

/* The siginfo of 128 bytes that programs have, its unused rest zero. */
int copy_siginfo_to_user(void __user *to, const kernel_siginfo_t *from)
{
	if (copy_to_user(to, from, sizeof(*from)) || clear_user(to + sizeof(*from), SI_MAX_SIZE - sizeof(*from)))
		return -EFAULT;
	return 0;
}

/* Signals that this blocks may wait for another thread now. */
void __set_current_blocked(const sigset_t *newset)
{
	unsigned long flags = local_irq_save();
	unsigned long newly_blocked = newset->sig[0] & ~current->blocked.sig[0];
	struct task_struct *t;

	if (current->signal->shared_pending.signal.sig[0] & newly_blocked)
		for_each_thread(current, t)
			if (t != current && !(t->flags & PF_EXITING))
				signal_wake_up(t, false);
	current->blocked = *newset;
	recalc_sigpending();
	local_irq_restore(flags);
}

/* Two signals cannot be blocked. */
void set_current_blocked(sigset_t *newset)
{
	newset->sig[0] &= ~SIG_KERNEL_ONLY_MASK;
	__set_current_blocked(newset);
}

void restore_saved_sigmask(void)
{
	if (!current->restore_sigmask)
		return;
	current->restore_sigmask = false;
	__set_current_blocked(&current->saved_sigmask);
}

static int get_sigset(sigset_t *set, const sigset_t __user *umask, size_t sigsetsize)
{
	if (sigsetsize != sizeof(*set))
		return -EINVAL;
	return copy_from_user(set, umask, sizeof(*set)) ? -EFAULT : 0;
}

/* For calls that wait with a mask of their own: put back on the way to ring 3, after the signals were taken. */
int set_user_sigmask(const sigset_t __user *umask, size_t sigsetsize)
{
	sigset_t kmask;
	int err;

	if (!umask)
		return 0;
	err = get_sigset(&kmask, umask, sigsetsize);
	if (err)
		return err;
	set_restore_sigmask();
	current->saved_sigmask = current->blocked;
	set_current_blocked(&kmask);
	return 0;
}

/* What is ignored from now on need not wait any longer. */
static void flush_ignored(int sig)
{
	struct task_struct *t;
	kernel_siginfo_t info;
	sigset_t others = { { ~sigmask(sig) } };

	if (!sig_ignored(current, sig, false))
		return;
	while (dequeue_signal(&others, &info))
		;
	for_each_thread(current, t)
		if (t != current)
			sigdelset(&t->pending.signal, sig);
}

noinline long sys_rt_sigaction(int sig, const struct sigaction __user *act, struct sigaction __user *oact,
			       size_t sigsetsize)
{
	struct k_sigaction *k, new_ka, old_ka;
	unsigned long flags;

	if (sigsetsize != sizeof(sigset_t) || sig < 1 || sig > _NSIG || (act && sig_kernel_only(sig)))
		return -EINVAL;
	if (act && copy_from_user(&new_ka.sa, act, sizeof(*act)))
		return -EFAULT;
	flags = local_irq_save();
	k = &current->sighand->action[sig - 1];
	old_ka = *k;
	if (act) {
		new_ka.sa.sa_mask.sig[0] &= ~SIG_KERNEL_ONLY_MASK;
		*k = new_ka;
		flush_ignored(sig);
	}
	local_irq_restore(flags);
	return oact && copy_to_user(oact, &old_ka.sa, sizeof(*oact)) ? -EFAULT : 0;
}

noinline long sys_rt_sigprocmask(int how, const sigset_t __user *nset, sigset_t __user *oset, size_t sigsetsize)
{
	sigset_t old_set = current->blocked, set;
	int err = sigsetsize == sizeof(sigset_t) ? 0 : -EINVAL;

	if (!err && nset)
		err = get_sigset(&set, nset, sigsetsize);
	if (err)
		return err;
	if (nset) {
		switch (how) {
		case SIG_BLOCK:
			set.sig[0] |= old_set.sig[0];
			break;
		case SIG_UNBLOCK:
			set.sig[0] = old_set.sig[0] & ~set.sig[0];
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		set_current_blocked(&set);
	}
	return oset && copy_to_user(oset, &old_set, sizeof(old_set)) ? -EFAULT : 0;
}

long sys_rt_sigpending(sigset_t __user *uset, size_t sigsetsize)
{
	unsigned long waiting = current->pending.signal.sig[0] | current->signal->shared_pending.signal.sig[0];
	sigset_t set = { { waiting & current->blocked.sig[0] } };

	if (sigsetsize > sizeof(set))
		return -EINVAL;
	return copy_to_user(uset, &set, sigsetsize) ? -EFAULT : 0;
}

/* Sleep until a signal was taken. */
static long sleep_for_signal(void)
{
	while (!signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!signal_pending(current))
			schedule();
		set_current_state(TASK_RUNNING);
	}
	return -ERESTARTNOHAND;
}

long sys_pause(void)
{
	return sleep_for_signal();
}

noinline long sys_rt_sigsuspend(const sigset_t __user *unewset, size_t sigsetsize)
{
	int err = unewset ? set_user_sigmask(unewset, sigsetsize) : -EFAULT;

	return err ? err : sleep_for_signal();
}

/* Ticks that a time spec of the user's takes, or -errno; none is for ever. */
static long timeout_of(const struct timespec __user *uts)
{
	struct timespec ts;

	if (!uts)
		return MAX_SCHEDULE_TIMEOUT;
	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	return timespec_valid(&ts) ? (long)timespec_to_jiffies(&ts) : -EINVAL;
}

/* Take one of the signals in uthese, which the caller has blocked, without running its handler. */
noinline long sys_rt_sigtimedwait(const sigset_t __user *uthese, void __user *uinfo,
				  const struct timespec __user *uts, size_t sigsetsize)
{
	sigset_t these, mask;
	kernel_siginfo_t info;
	long timeout = timeout_of(uts);
	int sig, err = get_sigset(&these, uthese, sigsetsize);

	if (err || timeout < 0)
		return err ? err : timeout;
	mask.sig[0] = ~(these.sig[0] & ~SIG_KERNEL_ONLY_MASK);
	sig = dequeue_signal(&mask, &info);
	if (!sig && timeout) {
		unsigned long flags = local_irq_save();

		current->real_blocked = current->blocked;
		current->blocked.sig[0] &= mask.sig[0];
		recalc_sigpending();
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current))
			set_current_state(TASK_RUNNING);
		else
			timeout = schedule_timeout(timeout);
		current->blocked = current->real_blocked;
		current->real_blocked.sig[0] = 0;
		sig = dequeue_signal(&mask, &info);
		local_irq_restore(flags);
	}
	if (!sig)
		return timeout ? -EINTR : -EAGAIN;
	return uinfo && copy_siginfo_to_user(uinfo, &info) ? -EFAULT : sig;
}

static bool on_sig_stack(unsigned long sp)
{
	return sp > current->sas_ss_sp && sp - current->sas_ss_sp <= current->sas_ss_size;
}

static int do_sigaltstack(const stack_t *ss, unsigned long sp)
{
	unsigned int mode = (unsigned int)ss->ss_flags;

	if (current->sas_ss_size && on_sig_stack(sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode)
		return -EINVAL;
	if (mode != SS_DISABLE && ss->ss_size < MINSIGSTKSZ)
		return -ENOMEM;
	current->sas_ss_sp = mode == SS_DISABLE ? 0 : (unsigned long)ss->ss_sp;
	current->sas_ss_size = mode == SS_DISABLE ? 0 : ss->ss_size;
	current->sas_ss_flags = mode;
	return 0;
}

/* rt_sigreturn puts back the stack that was there when the signal came; one in use stays. */
void restore_altstack(const stack_t *uss)
{
	do_sigaltstack(uss, current->thread.regs->sp);
}

long sys_sigaltstack(const stack_t __user *uss, stack_t __user *uoss)
{
	unsigned long sp = current->thread.regs->sp;
	stack_t ss, old = { .ss_sp = (void __user *)current->sas_ss_sp, .ss_size = current->sas_ss_size };
	int err = 0;

	old.ss_flags = !old.ss_size ? SS_DISABLE : on_sig_stack(sp) ? SS_ONSTACK : 0;
	if (uss)
		err = copy_from_user(&ss, uss, sizeof(ss)) ? -EFAULT : do_sigaltstack(&ss, sp);
	if (!err && uoss && copy_to_user(uoss, &old, sizeof(old)))
		return -EFAULT;
	return err;
}

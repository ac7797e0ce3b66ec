/*
 * A task on its way to ring 3 finds that signals wait: it takes them one by one until one has a handler, and does
 * for the others what the default says - nothing, stop, or end. Also how a parent hears of it (Linux: kernel/signal.c).
 */
#include <asm/irqflags.h>
#include <linux/sched/signal.h>

/* Tell the parent by SIGCHLD; true if nobody will ever wait for the task. Interrupts off. */
bool do_notify_parent(struct task_struct *tsk, int sig)
{
	struct task_struct *parent = tsk->parent;
	const struct sigaction *sa = &parent->sighand->action[SIGCHLD - 1].sa;
	struct kernel_siginfo info = { .si_signo = sig, .si_code = CLD_EXITED, .si_pid = tsk->pid };
	bool autoreap = false;

	info.si_status = tsk->exit_code >> 8;
	if (tsk->exit_code & 0x7f) {
		info.si_code = tsk->exit_code & 0x80 ? CLD_DUMPED : CLD_KILLED;
		info.si_status = tsk->exit_code & 0x7f;
	}
	info.si_utime = tsk->signal->utime + tsk->utime;
	info.si_stime = tsk->signal->stime + tsk->stime;
	if (sig == SIGCHLD && (sa->sa_handler == SIG_IGN || (sa->sa_flags & SA_NOCLDWAIT))) {
		autoreap = true;
		if (sa->sa_handler == SIG_IGN)
			sig = 0;
	}
	if (sig)
		send_signal_locked(sig, &info, parent, PIDTYPE_TGID);
	wake_up_parent(parent);
	return autoreap;
}

/* The same for a process that stopped, or was continued. Interrupts off. */
static noinline void do_notify_parent_cldstop(struct task_struct *tsk, int why)
{
	struct task_struct *leader = tsk->group_leader, *parent = leader->parent;
	const struct sigaction *sa = &parent->sighand->action[SIGCHLD - 1].sa;
	struct kernel_siginfo info = { .si_signo = SIGCHLD, .si_code = why, .si_pid = leader->pid };

	info.si_status = why == CLD_CONTINUED ? SIGCONT : tsk->signal->group_exit_code & 0x7f;
	if (sa->sa_handler != SIG_IGN && !(sa->sa_flags & SA_NOCLDSTOP))
		send_signal_locked(SIGCHLD, &info, parent, PIDTYPE_TGID);
	wake_up_parent(parent);
}

/* What SIGCONT left for the process itself to report. */
static void report_continued(struct signal_struct *signal)
{
	unsigned long flags = local_irq_save();

	if (signal->flags & SIGNAL_CLD_MASK) {
		int why = signal->flags & SIGNAL_CLD_CONTINUED ? CLD_CONTINUED : CLD_STOPPED;

		signal->flags &= ~SIGNAL_CLD_MASK;
		do_notify_parent_cldstop(current, why);
	}
	local_irq_restore(flags);
}

/* One thread more has stopped or gone; the last one's doing so stops the process. Interrupts off. */
static void participate_group_stop(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;

	task->jobctl &= ~JOBCTL_STOP_PENDING;
	if (signal->group_stop_count && --signal->group_stop_count == 0 && !(signal->flags & SIGNAL_STOP_STOPPED)) {
		signal->flags = (signal->flags & ~SIGNAL_STOP_MASK) | SIGNAL_STOP_STOPPED;
		do_notify_parent_cldstop(task, CLD_STOPPED);
	}
}

/* Ask every thread to stop. Interrupts off. */
static void start_group_stop(int signr)
{
	struct signal_struct *signal = current->signal;
	struct task_struct *t;

	signal->group_exit_code = signr;
	signal->group_stop_count = 0;
	for_each_thread(current, t) {
		if ((t->flags & PF_EXITING) || (t->__state & __TASK_STOPPED))
			continue;
		t->jobctl |= JOBCTL_STOP_PENDING;
		signal->group_stop_count++;
		if (t != current)
			signal_wake_up(t, false);
	}
}

/* Stop, for signr or because another thread has begun a stop (0); comes back when SIGCONT or SIGKILL was sent. */
static noinline void do_signal_stop(int signr)
{
	unsigned long flags = local_irq_save();

	if (signr && !(current->jobctl & JOBCTL_STOP_PENDING))
		start_group_stop(signr);
	if (!(current->signal->flags & SIGNAL_GROUP_EXIT)) {
		set_current_state(TASK_STOPPED);
		participate_group_stop(current);
		schedule();
	}
	recalc_sigpending();
	local_irq_restore(flags);
}

/* The default action of a signal that ends. */
static void __noreturn die_by_signal(int signr)
{
	current->flags |= PF_SIGNALED;
	do_group_exit(signr);
}

/* A stop from the keyboard would stop for ever where no shell is left to continue the job. */
static bool stop_is_void(int signr)
{
	return signr != SIGSTOP && is_current_pgrp_orphaned();
}

/* True: ksig is to be handled. Interrupts on; may stop or end the task instead. */
noinline bool get_signal(struct ksignal *ksig)
{
	struct signal_struct *signal = current->signal;

	for (;;) {
		struct k_sigaction *ka;
		int signr;

		report_continued(signal);
		if ((signal->flags & SIGNAL_GROUP_EXIT) || signal->group_exec_task)
			die_by_signal(SIGKILL);
		if (current->jobctl & JOBCTL_STOP_PENDING) {
			do_signal_stop(0);
			continue;
		}
		signr = dequeue_signal(&current->blocked, &ksig->info);
		if (!signr)
			return false;
		ka = &current->sighand->action[signr - 1];
		ksig->ka = *ka;
		ksig->sig = signr;
		if (ka->sa.sa_handler == SIG_IGN)
			continue;
		if (ka->sa.sa_handler != SIG_DFL) {
			if (ka->sa.sa_flags & (unsigned int)SA_RESETHAND)
				ka->sa.sa_handler = SIG_DFL;
			return true;
		}
		if (sig_kernel_ignore(signr))
			continue;
		if ((signal->flags & SIGNAL_UNKILLABLE) && !sig_kernel_only(signr))
			continue;
		if (!sig_kernel_stop(signr))
			die_by_signal(signr);
		if (!stop_is_void(signr))
			do_signal_stop(signr);
	}
}

/* The handler's frame stands, or could not be written: block what its sigaction says while it runs. */
void signal_setup_done(bool failed, struct ksignal *ksig)
{
	sigset_t blocked = { { current->blocked.sig[0] | ksig->ka.sa.sa_mask.sig[0] } };

	if (failed) {
		force_sigsegv(ksig->sig);
		return;
	}
	current->restore_sigmask = false;
	if (!(ksig->ka.sa.sa_flags & SA_NODEFER))
		sigaddset(&blocked, ksig->sig);
	set_current_blocked(&blocked);
}

/* Every other thread is to end. Interrupts off. */
void zap_other_threads(struct task_struct *p)
{
	struct task_struct *t;

	p->signal->group_stop_count = 0;
	for_each_thread(p, t) {
		t->jobctl &= ~JOBCTL_STOP_PENDING;
		if (t == p || t->exit_state)
			continue;
		sigaddset(&t->pending.signal, SIGKILL);
		signal_wake_up(t, true);
	}
}

/* From here on the task takes no signals; others of its process take those that were meant for any. */
void exit_signals(struct task_struct *tsk)
{
	unsigned long flags = local_irq_save();
	struct task_struct *t;

	tsk->flags |= PF_EXITING;
	if (tsk->jobctl & JOBCTL_STOP_PENDING)
		participate_group_stop(tsk);
	if (tsk->signal->shared_pending.signal.sig[0])
		for_each_thread(tsk, t)
			if (!(t->flags & PF_EXITING))
				signal_wake_up(t, false);
	local_irq_restore(flags);
}

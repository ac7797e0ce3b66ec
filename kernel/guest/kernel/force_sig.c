/* Signals that the current task raised itself: they cannot be blocked or ignored (Linux: kernel/signal.c). */
#include <asm/irqflags.h>
#include <linux/sched/signal.h>

/* force_default: whatever handler there is, the default action. */
static noinline void force_sig_info_to_task(struct kernel_siginfo *info, bool force_default)
{
	struct task_struct *t = current;
	int sig = info->si_signo;
	unsigned long flags = local_irq_save();
	struct k_sigaction *action = &t->sighand->action[sig - 1];
	bool blocked = sigismember(&t->blocked, sig);

	if (blocked || action->sa.sa_handler == SIG_IGN || force_default) {
		action->sa.sa_handler = SIG_DFL;
		sigdelset(&t->blocked, sig);
	}
	/* Not even task 1 goes on after a fault that it does not handle. */
	if (action->sa.sa_handler == SIG_DFL)
		t->signal->flags &= ~SIGNAL_UNKILLABLE;
	send_signal_locked(sig, info, t, PIDTYPE_PID);
	set_tsk_thread_flag(t, TIF_SIGPENDING);
	local_irq_restore(flags);
}

noinline void force_sig(int sig)
{
	struct kernel_siginfo info = { .si_signo = sig, .si_code = SI_KERNEL };

	force_sig_info_to_task(&info, false);
}

/* For an exception: code says what the processor found, addr where. */
noinline void force_sig_fault(int sig, int code, void __user *addr)
{
	struct kernel_siginfo info = { .si_signo = sig, .si_code = code, .si_addr = addr };

	force_sig_info_to_task(&info, false);
}

/* End the current task by a signal, not here but on its way back to ring 3. */
noinline void force_fatal_sig(int sig)
{
	struct kernel_siginfo info = { .si_signo = sig, .si_code = SI_KERNEL };

	force_sig_info_to_task(&info, true);
}

/* A signal's frame could not be written or read: that is a fault too, and if it was SIGSEGV's own, the last. */
void force_sigsegv(int sig)
{
	if (sig == SIGSEGV)
		force_fatal_sig(SIGSEGV);
	else
		force_sig(SIGSEGV);
}

/* Is it the signal's default action that the task would meet? Task 1's faults are always told. */
bool unhandled_signal(struct task_struct *tsk, int sig)
{
	__sighandler_t handler = tsk->sighand->action[sig - 1].sa.sa_handler;

	return is_global_init(tsk) || handler == SIG_DFL || handler == SIG_IGN || sigismember(&tsk->blocked, sig);
}

/*
 * Sending signals, and taking them from where they wait. All of it runs with interrupts off, since a terminal or
 * a timer may send one from an interrupt; Linux holds sighand->siglock here (kernel/signal.c).
 */
#include <asm/irqflags.h>
#include <linux/sched/signal.h>

void init_sigpending(struct sigpending *sig)
{
	sig->signal.sig[0] = 0;
	INIT_LIST_HEAD(&sig->list);
}

static void free_sigqueue(struct sigqueue *q)
{
	list_del_init(&q->list);
	kfree(q);
}

void flush_sigqueue(struct sigpending *queue)
{
	struct sigqueue *q, *next;

	queue->signal.sig[0] = 0;
	list_for_each_entry_safe(q, next, &queue->list, list)
		free_sigqueue(q);
}

static void flush_sigqueue_mask(unsigned long mask, struct sigpending *s)
{
	struct sigqueue *q, *next;

	s->signal.sig[0] &= ~mask;
	list_for_each_entry_safe(q, next, &s->list, list)
		if (sigmask(q->info.si_signo) & mask)
			free_sigqueue(q);
}

/* Out of every queue of the process. */
static void flush_group(unsigned long mask, struct task_struct *p)
{
	struct task_struct *t;

	flush_sigqueue_mask(mask, &p->signal->shared_pending);
	for_each_thread(p, t)
		flush_sigqueue_mask(mask, &t->pending);
}

/* For a new program: handlers are gone, what was ignored stays so. */
void flush_signal_handlers(struct task_struct *t, bool force_default)
{
	struct k_sigaction *ka;

	for (ka = t->sighand->action; ka < t->sighand->action + _NSIG; ka++) {
		__sighandler_t handler = ka->sa.sa_handler;

		*ka = (struct k_sigaction) { 0 };
		if (handler == SIG_IGN && !force_default)
			ka->sa.sa_handler = SIG_IGN;
	}
}

static bool sig_task_ignored(struct task_struct *t, int sig, bool force)
{
	__sighandler_t handler = t->sighand->action[sig - 1].sa.sa_handler;

	if (t->flags & PF_KTHREAD)
		return true;
	if ((t->signal->flags & SIGNAL_UNKILLABLE) && handler == SIG_DFL && !(force && sig_kernel_only(sig)))
		return true;
	return handler == SIG_IGN || (handler == SIG_DFL && sig_kernel_ignore(sig));
}

/* A blocked signal is never ignored: its handler may be another when it is unblocked. */
bool sig_ignored(struct task_struct *t, int sig, bool force)
{
	if (sigismember(&t->blocked, sig) || sigismember(&t->real_blocked, sig))
		return false;
	return sig_task_ignored(t, sig, force);
}

static bool has_pending_signals(const struct task_struct *t)
{
	unsigned long waiting = t->pending.signal.sig[0] | t->signal->shared_pending.signal.sig[0];

	return (waiting & ~t->blocked.sig[0]) || (t->jobctl & JOBCTL_STOP_PENDING);
}

void recalc_sigpending(void)
{
	if (has_pending_signals(current))
		set_tsk_thread_flag(current, TIF_SIGPENDING);
	else
		clear_tsk_thread_flag(current, TIF_SIGPENDING);
}

/* The one to take first: what an instruction raised, then the lowest number. 0: all are blocked. */
static int next_signal(const struct sigpending *pending, const sigset_t *mask)
{
	unsigned long x = pending->signal.sig[0] & ~mask->sig[0];

	if (x & SYNCHRONOUS_MASK)
		x &= SYNCHRONOUS_MASK;
	return x ? __builtin_ctzl(x) + 1 : 0;
}

/* Take one sig out of the queue; there may be more of a real-time signal. */
static void collect_signal(int sig, struct sigpending *list, kernel_siginfo_t *info)
{
	struct sigqueue *q, *first = NULL;
	bool still_pending = false;

	list_for_each_entry(q, &list->list, list) {
		if (q->info.si_signo != sig)
			continue;
		still_pending = first;
		if (first)
			break;
		first = q;
	}
	if (!still_pending)
		sigdelset(&list->signal, sig);
	*info = (kernel_siginfo_t) { .si_signo = sig, .si_code = SI_USER };
	if (first) {
		*info = first->info;
		free_sigqueue(first);
	}
}

/* The next signal for the current task that mask does not block, its own before its process's; 0 for none. */
int dequeue_signal(const sigset_t *mask, kernel_siginfo_t *info)
{
	struct sigpending *queues[] = { &current->pending, &current->signal->shared_pending };
	unsigned long flags = local_irq_save();
	int sig = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(queues) && !sig; i++) {
		sig = next_signal(queues[i], mask);
		if (sig)
			collect_signal(sig, queues[i], info);
	}
	recalc_sigpending();
	local_irq_restore(flags);
	return sig;
}

/* Make it look: out of a sleep that a signal may end, or by and by on its way to ring 3. */
void signal_wake_up(struct task_struct *t, bool fatal)
{
	set_tsk_thread_flag(t, TIF_SIGPENDING);
	if (fatal)
		t->jobctl &= ~JOBCTL_STOP_PENDING;
	if (!wake_up_state(t, TASK_INTERRUPTIBLE | (fatal ? TASK_WAKEKILL : 0)))
		kick_process(t);
}

/* SIGCONT lets the process run on, whatever becomes of the signal itself. */
static void continue_group(struct task_struct *p)
{
	struct signal_struct *signal = p->signal;
	unsigned int why = 0;
	struct task_struct *t;

	for_each_thread(p, t) {
		t->jobctl &= ~JOBCTL_STOP_PENDING;
		wake_up_state(t, __TASK_STOPPED);
	}
	if (signal->flags & SIGNAL_STOP_STOPPED)
		why = SIGNAL_CLD_CONTINUED;
	else if (signal->group_stop_count)
		why = SIGNAL_CLD_STOPPED;
	if (!why)
		return;
	signal->flags = (signal->flags & ~SIGNAL_STOP_MASK) | why | SIGNAL_STOP_CONTINUED;
	signal->group_stop_count = 0;
	signal->group_exit_code = 0;
}

/* A stop and SIGCONT cancel each other when sent, not when taken. False: nobody would notice the signal. */
static bool prepare_signal(int sig, struct task_struct *p, bool force)
{
	if (p->signal->flags & SIGNAL_GROUP_EXIT)
		return false;
	if (sig_kernel_stop(sig)) {
		flush_group(sigmask(SIGCONT), p);
	} else if (sig == SIGCONT) {
		flush_group(SIG_KERNEL_STOP_MASK, p);
		continue_group(p);
	}
	return !sig_ignored(p, sig, force);
}

static bool wants_signal(int sig, const struct task_struct *p)
{
	if (sigismember(&p->blocked, sig) || (p->flags & PF_EXITING))
		return false;
	if (sig == SIGKILL)
		return true;
	return !(p->__state & __TASK_STOPPED) && (p == current || !signal_pending(p));
}

/* A thread that can take a signal for the process, beginning with the one it was sent to; NULL for none. */
static struct task_struct *find_taker(int sig, struct task_struct *p, enum pid_type type)
{
	struct task_struct *t;

	if (wants_signal(sig, p))
		return p;
	if (type == PIDTYPE_PID || thread_group_empty(p))
		return NULL;
	for_each_thread(p, t)
		if (wants_signal(sig, t))
			return t;
	return NULL;
}

/* Does the signal end the process, with nothing to be written and nobody to ask? */
static bool sig_fatal(const struct task_struct *p, int sig)
{
	return !(sigmask(sig) & (SIG_KERNEL_IGNORE_MASK | SIG_KERNEL_STOP_MASK)) &&
	       p->sighand->action[sig - 1].sa.sa_handler == SIG_DFL;
}

static void complete_signal(int sig, struct task_struct *p, enum pid_type type)
{
	struct signal_struct *signal = p->signal;
	struct task_struct *t = find_taker(sig, p, type);

	if (!t)
		return;
	signal->curr_target = t;
	if (sig_fatal(p, sig) && (!(signal->flags & SIGNAL_UNKILLABLE) || sig == SIGKILL) &&
	    !sigismember(&t->real_blocked, sig) && !sig_kernel_coredump(sig)) {
		signal->flags = SIGNAL_GROUP_EXIT;
		signal->group_exit_code = sig;
		signal->group_stop_count = 0;
		for_each_thread(p, t) {
			sigaddset(&t->pending.signal, SIGKILL);
			signal_wake_up(t, true);
		}
		return;
	}
	signal_wake_up(t, sig == SIGKILL);
}

static void fill_siginfo(kernel_siginfo_t *to, int sig, const struct kernel_siginfo *info)
{
	if (info == SEND_SIG_NOINFO) {
		*to = (kernel_siginfo_t) { .si_signo = sig, .si_code = SI_USER };
		to->si_pid = current->tgid;
	} else if (info == SEND_SIG_PRIV) {
		*to = (kernel_siginfo_t) { .si_signo = sig, .si_code = SI_KERNEL };
	} else {
		*to = *info;
	}
}

/* How many may wait in one queue: a process that takes none must not eat the kernel's memory. */
#define QUEUE_MAX 128

static bool queue_is_full(const struct sigpending *pending)
{
	const struct sigqueue *q;
	int n = 0;

	list_for_each_entry(q, &pending->list, list)
		n++;
	return n >= QUEUE_MAX;
}

/* Interrupts off. 0, also where nobody will notice; -EAGAIN if a real-time signal found its queue full. */
int send_signal_locked(int sig, struct kernel_siginfo *info, struct task_struct *t, enum pid_type type)
{
	struct sigpending *pending = type == PIDTYPE_PID ? &t->pending : &t->signal->shared_pending;
	struct sigqueue *q = NULL;

	if (!prepare_signal(sig, t, info == SEND_SIG_PRIV))
		return 0;
	/* Of the classic signals one is remembered, however often they were sent. */
	if (sig < SIGRTMIN && sigismember(&pending->signal, sig))
		return 0;
	if (sig != SIGKILL && !queue_is_full(pending))
		q = kzalloc(sizeof(*q));
	if (q) {
		fill_siginfo(&q->info, sig, info);
		list_add_tail(&q->list, &pending->list);
	} else if (sig >= SIGRTMIN && info > SEND_SIG_PRIV && info->si_code != SI_USER) {
		return -EAGAIN;
	}
	sigaddset(&pending->signal, sig);
	complete_signal(sig, t, type);
	return 0;
}

/* Any context. sig 0 sends nothing. */
noinline int do_send_sig_info(int sig, struct kernel_siginfo *info, struct task_struct *p, enum pid_type type)
{
	unsigned long flags = local_irq_save();
	int ret = sig && p->sighand ? send_signal_locked(sig, info, p, type) : 0;

	local_irq_restore(flags);
	return ret;
}

/* priv: by the kernel itself. */
int send_sig(int sig, struct task_struct *p, bool priv)
{
	return do_send_sig_info(sig, priv ? SEND_SIG_PRIV : SEND_SIG_NOINFO, p, PIDTYPE_TGID);
}

/* To every process of a group: what a terminal does on Ctrl-C. -ESRCH if there is none. */
noinline int kill_pgrp(pid_t pgrp, int sig, bool priv)
{
	unsigned long flags = local_irq_save();
	struct task_struct *p;
	int ret = -ESRCH;

	for_each_process(p)
		if (p->signal->pgrp == pgrp)
			ret = send_sig(sig, p, priv);
	local_irq_restore(flags);
	return ret;
}

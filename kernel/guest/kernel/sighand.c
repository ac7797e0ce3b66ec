/* What the threads of a process share about signals, and more, from a fork to the last one's end (Linux: kernel/fork.c). */
#include <linux/sched/clone.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

void put_sighand_struct(struct sighand_struct *sighand)
{
	if (!--sighand->count)
		kfree(sighand);
}

int copy_sighand(u64 clone_flags, struct task_struct *p)
{
	struct sighand_struct *sig;

	if (clone_flags & CLONE_SIGHAND) {
		current->sighand->count++;
		p->sighand = current->sighand;
		return 0;
	}
	sig = kzalloc(sizeof(*sig));
	p->sighand = sig;
	if (!sig)
		return -ENOMEM;
	memcpy(sig->action, current->sighand->action, sizeof(sig->action));
	sig->count = 1;
	return 0;
}

void put_signal_struct(struct signal_struct *sig)
{
	if (--sig->sigcnt)
		return;
	kfree(sig);
}

/* A thread has its process's; a process inherits group, session, terminal and limits. */
int copy_signal(u64 clone_flags, struct task_struct *p)
{
	const struct signal_struct *old = current->signal;
	struct signal_struct *sig;

	if (clone_flags & CLONE_THREAD)
		return 0;
	sig = kzalloc(sizeof(*sig));
	p->signal = sig;
	if (!sig)
		return -ENOMEM;
	sig->sigcnt = sig->nr_threads = sig->live.counter = 1;
	INIT_LIST_HEAD(&sig->thread_head);
	init_waitqueue_head(&sig->wait_chldexit);
	init_sigpending(&sig->shared_pending);
	itimer_init(sig);
	sig->pgrp = old->pgrp;
	sig->session = old->session;
	sig->tty = old->tty;
	memcpy(sig->rlim, old->rlim, sizeof(sig->rlim));
	return 0;
}

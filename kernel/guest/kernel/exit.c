/* The end of a task, and its parent's learning of it. */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>

/* The user's memory goes now; the page tables that are loaded go when the next task has its own. */
static void exit_mm(void)
{
	struct mm_struct *mm = current->mm;

	mm_release(current);
	if (!mm)
		return;
	mm->mm_count++;
	current->mm = NULL;
	mmput(mm);
}

static void exit_files(void)
{
	struct files_struct *files = current->files;

	current->files = NULL;
	if (files)
		put_files_struct(files);
}

static void exit_fs(void)
{
	struct fs_struct *fs = current->fs;

	current->fs = NULL;
	if (fs)
		put_fs_struct(fs);
}

static struct task_struct *child_reaper(void)
{
	return find_task_by_vpid(1);
}

void wake_up_parent(struct task_struct *parent)
{
	wake_up(&parent->signal->wait_chldexit);
}

/*
 * A group of processes is orphaned when no member has a parent in another group of the same session: no shell is
 * left that could continue it (POSIX, 3.264).
 */
static bool will_become_orphaned_pgrp(pid_t pgrp, const struct task_struct *ignored)
{
	struct task_struct *p;

	for_each_process(p) {
		if (p->signal->pgrp != pgrp || p == ignored || p->exit_state || is_global_init(p->parent))
			continue;
		if (p->parent->signal->pgrp != pgrp && p->parent->signal->session == p->signal->session)
			return false;
	}
	return true;
}

bool is_current_pgrp_orphaned(void)
{
	return will_become_orphaned_pgrp(current->signal->pgrp, NULL);
}

static bool has_stopped_jobs(pid_t pgrp)
{
	struct task_struct *p;

	for_each_process(p)
		if (p->signal->pgrp == pgrp && (p->signal->flags & SIGNAL_STOP_STOPPED))
			return true;
	return false;
}

/* parent was the tie between tsk's group and the session: what is stopped there would stay so for ever. */
static void kill_orphaned_pgrp(struct task_struct *tsk, const struct task_struct *parent)
{
	pid_t pgrp = tsk->signal->pgrp;

	if (parent->signal->pgrp == pgrp || parent->signal->session != tsk->signal->session)
		return;
	if (!will_become_orphaned_pgrp(pgrp, tsk) || !has_stopped_jobs(pgrp))
		return;
	kill_pgrp(pgrp, SIGHUP, true);
	kill_pgrp(pgrp, SIGCONT, true);
}

static void reparent_leader(struct task_struct *father, struct task_struct *p, struct task_struct *reaper)
{
	struct task_struct *t;

	for_each_thread(p, t)
		t->real_parent = t->parent = reaper;
	list_del_init(&p->sibling);
	list_add_tail(&p->sibling, &reaper->children);
	p->exit_signal = SIGCHLD;	/* the reaper waits for nothing else */
	kill_orphaned_pgrp(p, father);
	if (p->exit_state == EXIT_ZOMBIE && thread_group_empty(p) && do_notify_parent(p, SIGCHLD)) {
		p->exit_state = EXIT_DEAD;
		release_task(p);
	}
}

/* Orphans become children of task 1. Interrupts off. */
static void forget_original_parent(struct task_struct *father)
{
	struct task_struct *reaper = child_reaper(), *p, *next;

	list_for_each_entry_safe(p, next, &father->children, sibling)
		reparent_leader(father, p, reaper);
}

/* Let the parent know, when the last thread of the process is gone. True: nobody waits, be gone. Interrupts off. */
static bool exit_notify(struct task_struct *tsk, bool group_dead)
{
	if (group_dead) {
		forget_original_parent(tsk->group_leader);
		kill_orphaned_pgrp(tsk->group_leader, tsk->group_leader->parent);
	}
	tsk->exit_state = EXIT_ZOMBIE;
	if (tsk->signal->group_exec_task)
		wake_up_process(tsk->signal->group_exec_task);
	if (!thread_group_leader(tsk))
		return true;
	return thread_group_empty(tsk) && do_notify_parent(tsk, tsk->exit_signal);
}

/* code is what wait4 reports: an exit status << 8, or the number of the signal that killed. */
noinline void do_exit(long code)
{
	struct task_struct *tsk = current;
	bool group_dead;

	if (tsk == &init_task)
		panic("Attempted to kill the idle task!");
	exit_signals(tsk);
	group_dead = tsk->signal->live.counter == 1;
	if (group_dead && is_global_init(tsk))
		panic("Attempted to kill init! exitcode=0x%08lx", code);
	tsk->signal->live.counter--;
	tsk->exit_code = code;
	if (group_dead)
		exit_itimers();
	exit_mm();
	exit_files();
	exit_fs();
	if (group_dead && tsk->signal->leader)
		disassociate_ctty(true);
	local_irq_disable();
	if (exit_notify(tsk, group_dead)) {
		tsk->exit_state = EXIT_DEAD;
		release_task(tsk);
	}
	set_current_state(TASK_DEAD);
	schedule();
	panic("task %d runs after its exit", tsk->pid);
}

/* Every thread of the process ends with the code of the first that asked for it. */
noinline void do_group_exit(int exit_code)
{
	struct signal_struct *sig = current->signal;

	local_irq_disable();
	if (sig->flags & SIGNAL_GROUP_EXIT) {
		exit_code = sig->group_exit_code;
	} else if (sig->group_exec_task) {
		exit_code = 0;
	} else {
		sig->group_exit_code = exit_code;
		sig->flags = SIGNAL_GROUP_EXIT;
		zap_other_threads(current);
	}
	local_irq_enable();
	do_exit(exit_code);
}

long sys_exit(int error_code)
{
	do_exit((error_code & 0xff) << 8);
}

long sys_exit_group(int error_code)
{
	do_group_exit((error_code & 0xff) << 8);
}

/* Out of every list; what its threads share goes with the last of them. */
static void __exit_signal(struct task_struct *tsk)
{
	struct signal_struct *sig = tsk->signal;

	if (sig->curr_target == tsk)
		sig->curr_target = NULL;
	sig->utime += tsk->utime;
	sig->stime += tsk->stime;
	sig->nr_threads--;
	list_del_init(&tsk->thread_group);
	list_del_init(&tsk->thread_node);
	flush_sigqueue(&tsk->pending);
	if (thread_group_leader(tsk)) {
		flush_sigqueue(&sig->shared_pending);
		list_del_init(&tsk->sibling);
		list_del_init(&tsk->tasks);
	}
	put_sighand_struct(tsk->sighand);
	tsk->sighand = NULL;
}

/*
 * A task that has ended, and of whose end everyone knows who had to, is found no more. Its memory goes once the
 * processor has left its stack. The last thread to go may have kept a leader that ended before it.
 */
void release_task(struct task_struct *p)
{
	unsigned long flags = local_irq_save();
	struct task_struct *leader = p->group_leader;

	BUG_ON(p->exit_state != EXIT_DEAD || p->mm);
	__exit_signal(p);
	put_task_struct(p);
	if (leader != p && thread_group_empty(leader) && leader->exit_state == EXIT_ZOMBIE &&
	    do_notify_parent(leader, leader->exit_signal)) {
		leader->exit_state = EXIT_DEAD;
		release_task(leader);
	}
	local_irq_restore(flags);
}

/* execve in a process of several threads: the one that calls it is the only one afterwards (Linux: fs/exec.c). */
#include <asm/irqflags.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

static void list_replace(struct list_head *old, struct list_head *new)
{
	__list_add(new, old->prev, old->next);
	INIT_LIST_HEAD(old);
}

/* Is one left besides the caller, but for a leader that has ended and waits to be relieved? */
static bool others_run(const struct task_struct *tsk)
{
	int zombie_leader = tsk->group_leader != tsk && tsk->group_leader->exit_state == EXIT_ZOMBIE;

	return tsk->signal->nr_threads > 1 + zombie_leader;
}

/* The process keeps its number: the caller takes it from the leader, with its place in every list. */
static void take_leader_place(struct task_struct *tsk, struct task_struct *leader)
{
	struct task_struct *child, *next;
	pid_t pid = tsk->pid;

	tsk->pid = leader->pid;
	leader->pid = pid;
	list_replace(&leader->tasks, &tsk->tasks);
	list_replace(&leader->sibling, &tsk->sibling);
	list_for_each_entry_safe(child, next, &leader->children, sibling) {
		struct task_struct *t;

		for_each_thread(child, t)
			t->real_parent = t->parent = tsk;
		list_del_init(&child->sibling);
		list_add_tail(&child->sibling, &tsk->children);
	}
	tsk->group_leader = leader->group_leader = tsk;
	tsk->exit_signal = SIGCHLD;
	leader->exit_signal = -1;
	leader->exit_state = EXIT_DEAD;
	release_task(leader);
}

/* -EAGAIN if the process is to end, or another thread was first; killed while it waits, the caller ends too. */
noinline int de_thread(void)
{
	struct task_struct *tsk = current;
	struct signal_struct *sig = tsk->signal;
	unsigned long flags = local_irq_save();
	int err = 0;

	if (!thread_group_empty(tsk)) {
		err = (sig->flags & SIGNAL_GROUP_EXIT) || sig->group_exec_task ? -EAGAIN : 0;
		if (!err) {
			sig->group_exec_task = tsk;
			zap_other_threads(tsk);
		}
		while (!err && others_run(tsk)) {
			set_current_state(TASK_KILLABLE);
			schedule();
			err = fatal_signal_pending(tsk) ? -EAGAIN : 0;
		}
		if (!err && tsk->group_leader != tsk)
			take_leader_place(tsk, tsk->group_leader);
		if (sig->group_exec_task == tsk)
			sig->group_exec_task = NULL;
	}
	local_irq_restore(flags);
	return err;
}

/* Handlers that another process shares stay as they are for that one. */
int unshare_sighand(void)
{
	struct sighand_struct *old = current->sighand, *new;
	unsigned long flags;

	if (old->count == 1)
		return 0;
	new = kzalloc(sizeof(*new));
	if (!new)
		return -ENOMEM;
	flags = local_irq_save();
	memcpy(new->action, old->action, sizeof(new->action));
	new->count = 1;
	current->sighand = new;
	put_sighand_struct(old);
	local_irq_restore(flags);
	return 0;
}

/* So do descriptors. */
int unshare_files(void)
{
	struct files_struct *old = current->files, *new;

	if (old->count == 1)
		return 0;
	new = dup_fd(old);
	if (!new)
		return -ENOMEM;
	current->files = new;
	put_files_struct(old);
	return 0;
}

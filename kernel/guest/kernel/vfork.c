/* Who waits for a task to leave its memory: the parent of a vfork, and a thread that joins another by futex. */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/completion.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/syscalls.h>

/* Any context. */
void complete(struct completion *x)
{
	x->done++;
	wake_up(&x->wait);
}

/* 0, or -ERESTARTSYS if the task is to end first. */
int wait_for_completion_killable(struct completion *x)
{
	return wait_event_killable(x->wait, READ_ONCE(x->done));
}

/* The child has a memory of its own, or none: its parent may have this one back. */
static void complete_vfork_done(struct task_struct *tsk)
{
	struct completion *vfork = tsk->vfork_done;

	if (!vfork)
		return;
	tsk->vfork_done = NULL;
	complete(vfork);
}

/* A parent that is killed meanwhile takes its completion with it. */
void wait_for_vfork_done(struct task_struct *child, struct completion *vfork)
{
	if (wait_for_completion_killable(vfork)) {
		unsigned long flags = local_irq_save();

		child->vfork_done = NULL;
		local_irq_restore(flags);
	}
	put_task_struct(child);
}

/* The task leaves its memory, by execve or for ever: those who asked to know do. */
void mm_release(struct task_struct *tsk)
{
	exit_robust_list();
	if (tsk->clear_child_tid && tsk->mm && tsk->mm->mm_users > 1) {
		put_user(0, tsk->clear_child_tid);
		futex_wake((u32 __user *)tsk->clear_child_tid, 1);
	}
	tsk->clear_child_tid = NULL;
	complete_vfork_done(tsk);
}

long sys_set_tid_address(int __user *tidptr)
{
	current->clear_child_tid = tidptr;
	return current->pid;
}

/* The end of a task, and its parent's learning of it. */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/syscalls.h>

#define WNOHANG 1

/* The user's memory goes now; the page tables that are loaded go when the next task has its own. */
static void exit_mm(void)
{
	struct mm_struct *mm = current->mm;

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
	return list_first_entry(&init_task.children, struct task_struct, sibling);
}

/* Orphans become children of task 1. */
static void forget_original_parent(void)
{
	struct task_struct *reaper = child_reaper(), *p, *next;

	list_for_each_entry_safe(p, next, &current->children, sibling) {
		p->parent = reaper;
		list_del_init(&p->sibling);
		list_add_tail(&p->sibling, &reaper->children);
	}
	wake_up(&reaper->wait_chldexit);
}

/* code is what wait4 reports: an exit status << 8, or the number of the signal that killed. */
noinline void do_exit(long code)
{
	if (current == &init_task)
		panic("Attempted to kill the idle task!");
	if (is_global_init(current))
		panic("Attempted to kill init! exitcode=0x%08lx", code);
	exit_mm();
	exit_files();
	exit_fs();
	forget_original_parent();
	current->exit_code = code;
	local_irq_disable();
	set_current_state(EXIT_ZOMBIE);
	wake_up(&current->parent->wait_chldexit);
	schedule();
	panic("task %d runs after its exit", current->pid);
}

/* End the current task by a signal, not here but on its way back to ring 3. */
void force_fatal_sig(int sig)
{
	current->fatal_signal = sig;
}

long sys_exit(int error_code)
{
	do_exit((error_code & 0xff) << 8);
}

long sys_exit_group(int error_code)
{
	do_exit((error_code & 0xff) << 8);
}

/* A dead child that pid asks for (-1: any), or NULL; *alive tells whether one is left to wait for. */
static struct task_struct *find_zombie(pid_t pid, bool *alive)
{
	struct task_struct *p;

	*alive = false;
	list_for_each_entry(p, &current->children, sibling) {
		if (pid != -1 && p->pid != pid)
			continue;
		if (p->__state == EXIT_ZOMBIE)
			return p;
		*alive = true;
	}
	return NULL;
}

/* Wait for a child's end, store its exit code in *stat_addr, free it. Its pid, 0, or -errno. */
noinline long kernel_wait4(pid_t pid, int *stat_addr, int options)
{
	struct task_struct *zombie;
	bool alive;

	wait_event(current->wait_chldexit,
		   (zombie = find_zombie(pid, &alive)) || !alive || (options & WNOHANG));
	if (!zombie)
		return alive ? 0 : -ECHILD;
	pid = zombie->pid;
	*stat_addr = zombie->exit_code;
	release_task(zombie);
	return pid;
}

noinline long sys_wait4(pid_t pid, int __user *stat_addr, int options, void __user *ru)
{
	int status = 0;
	long ret;

	if ((options & ~WNOHANG) || ru || (pid < 1 && pid != -1))
		return -EINVAL;
	ret = kernel_wait4(pid, &status, options);
	if (ret > 0 && stat_addr && copy_to_user(stat_addr, &status, sizeof(status)))
		return -EFAULT;
	return ret;
}

/*
 * Making tasks and address spaces, and freeing them. kernel_clone is behind fork, vfork, clone and kernel threads;
 * copy_process does its work in the order of Linux's.
 */
#include <asm/irqflags.h>
#include <asm/ldt.h>
#include <asm/uaccess.h>
#include <linux/cred.h>
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/sched/clone.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/syscalls.h>

static unsigned int nr_threads;

/* So many that their stacks take an eighth of the memory: a fork bomb leaves the kernel room (Linux: set_max_threads). */
static unsigned int max_threads(void)
{
	return totalram_pages() * PAGE_SIZE / (8 * THREAD_SIZE);
}

/* An empty address space with one user, or NULL. */
struct mm_struct *mm_alloc(void)
{
	struct mm_struct *mm = kzalloc(sizeof(*mm));

	if (!mm)
		return NULL;
	INIT_LIST_HEAD(&mm->mmap);
	mm->mm_users = 1;
	mm->mm_count = 1;
	mm->pgd = pgd_alloc();
	if (mm->pgd)
		return mm;
	kfree(mm);
	return NULL;
}

/* One who had the page tables loaded is done with them. */
void mmdrop(struct mm_struct *mm)
{
	if (--mm->mm_count)
		return;
	BUG_ON(mm == &init_mm || read_cr3() == __pa(mm->pgd));
	destroy_context_ldt(mm);
	pgd_free(mm->pgd);
	kfree(mm);
}

/* One who ran in the address space is done with it; its pages go with the last. */
void mmput(struct mm_struct *mm)
{
	if (--mm->mm_users)
		return;
	free_vm_areas(mm);
	mmdrop(mm);
}

static struct mm_struct *dup_mm(struct mm_struct *oldmm)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		return NULL;
	mm->start_code = oldmm->start_code;
	mm->end_code = oldmm->end_code;
	mm->start_data = oldmm->start_data;
	mm->end_data = oldmm->end_data;
	mm->start_brk = oldmm->start_brk;
	mm->brk = oldmm->brk;
	mm->start_stack = oldmm->start_stack;
	mm->arg_start = oldmm->arg_start;
	mm->arg_end = oldmm->arg_end;
	mm->env_start = oldmm->env_start;
	mm->env_end = oldmm->env_end;
	mm->mmap_base = oldmm->mmap_base;
	mm->vdso = oldmm->vdso;
	memcpy(mm->saved_auxv, oldmm->saved_auxv, sizeof(mm->saved_auxv));
	if (!ldt_dup_context(mm, oldmm) && !dup_mmap(mm, oldmm))
		return mm;
	mmput(mm);
	return NULL;
}

/* What a fork shares or copies, each as clone's flags say: 0, or -errno. */

static int copy_files(u64 clone_flags, struct task_struct *p)
{
	if (clone_flags & CLONE_FILES) {
		current->files->count++;
		p->files = current->files;
		return 0;
	}
	p->files = dup_fd(p->flags & PF_KTHREAD ? NULL : current->files);
	return p->files ? 0 : -ENOMEM;
}

static int copy_fs(u64 clone_flags, struct task_struct *p)
{
	if (clone_flags & CLONE_FS) {
		current->fs->users++;
		p->fs = current->fs;
		return 0;
	}
	p->fs = copy_fs_struct(current->fs);
	return p->fs ? 0 : -ENOMEM;
}

static int copy_mm(u64 clone_flags, struct task_struct *p)
{
	struct mm_struct *oldmm = current->mm;

	if (!oldmm || (p->flags & PF_KTHREAD))
		return 0;
	if (clone_flags & CLONE_VM)
		oldmm->mm_users++;
	p->mm = p->active_mm = clone_flags & CLONE_VM ? oldmm : dup_mm(oldmm);
	return p->mm ? 0 : -ENOMEM;
}

/* Free what a task that is no longer on the processor, or never was, still has. */
static void free_task(struct task_struct *p)
{
	nr_threads--;
	free_thread_stack(p->stack);
	free_io_bitmap(&p->thread);
	put_cred(p->cred);
	kfree(p);
}

/* Nobody knows the task any more. */
void put_task_struct(struct task_struct *t)
{
	if (--t->usage)
		return;
	put_signal_struct(t->signal);
	free_task(t);
}

/* Zeros but for a stack, or NULL. */
static struct task_struct *alloc_task_struct(void)
{
	struct task_struct *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->stack = alloc_thread_stack();
	if (p->stack)
		return p;
	kfree(p);
	return NULL;
}

/* A task with a stack and the caller's name and processor state, in no list. */
static struct task_struct *dup_task_struct(struct task_struct *orig)
{
	struct task_struct *p = alloc_task_struct();

	if (!p)
		return NULL;
	nr_threads++;
	p->usage = 2;
	p->thread = orig->thread;
	sched_fork(p);
	p->cred = get_cred(orig->cred);
	p->no_new_privs = orig->no_new_privs;
	p->personality = orig->personality;
	p->nsproxy = orig->nsproxy;
	memcpy(p->comm, orig->comm, TASK_COMM_LEN);
	INIT_LIST_HEAD(&p->children);
	INIT_LIST_HEAD(&p->run_list);
	INIT_LIST_HEAD(&p->sibling);
	INIT_LIST_HEAD(&p->thread_group);
	if (io_bitmap_share(&p->thread))
		return p;
	free_task(p);
	return NULL;
}

/* Combinations that mean nothing: -EINVAL. */
static int check_clone_flags(u64 clone_flags)
{
	if (clone_flags & ~(u64)CLONE_KNOWN)
		return -EINVAL;
	if ((clone_flags & CLONE_THREAD) && !(clone_flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((clone_flags & CLONE_SIGHAND) && !(clone_flags & CLONE_VM))
		return -EINVAL;
	if ((clone_flags & CLONE_PARENT) && (current->signal->flags & SIGNAL_UNKILLABLE))
		return -EINVAL;
	return 0;
}

/* Known to wait4, to the lists and to kill from here on. Interrupts off. */
static void link_process(const struct kernel_clone_args *args, struct task_struct *p)
{
	u64 clone_flags = args->flags;
	struct task_struct *leader = args->kthread ? &init_task : current->group_leader;

	p->pid = alloc_pid();
	if (clone_flags & CLONE_THREAD) {
		p->group_leader = leader;
		p->tgid = leader->tgid;
		p->exit_signal = -1;
		p->signal->sigcnt++;
		p->signal->nr_threads++;
		p->signal->live.counter++;
		p->real_parent = p->parent = leader->real_parent;
		list_add_tail(&p->thread_group, &leader->thread_group);
	} else {
		p->group_leader = p;
		p->tgid = p->pid;
		p->exit_signal = clone_flags & CLONE_PARENT ? leader->exit_signal : args->exit_signal;
		p->real_parent = p->parent = clone_flags & CLONE_PARENT ? leader->real_parent : leader;
		if (args->kthread)
			p->signal->pgrp = p->signal->session = 0;
		if (p->pid == 1)
			p->signal->flags |= SIGNAL_UNKILLABLE;
		list_add_tail(&p->sibling, &p->real_parent->children);
		list_add_tail(&p->tasks, &init_task.tasks);
	}
	list_add_tail(&p->thread_node, &p->signal->thread_head);
}

/* Undo what copy_process has done so far. */
static struct task_struct *abandon(struct task_struct *p, u64 clone_flags, int err)
{
	if (p->mm)
		mmput(p->mm);
	if (p->signal && !(clone_flags & CLONE_THREAD))
		put_signal_struct(p->signal);
	if (p->sighand)
		put_sighand_struct(p->sighand);
	if (p->fs)
		put_fs_struct(p->fs);
	if (p->files)
		put_files_struct(p->files);
	free_task(p);
	return ERR_PTR(err);
}

static int copy_parts(struct task_struct *p, const struct kernel_clone_args *args)
{
	int err = copy_files(args->flags, p);

	if (!err)
		err = copy_fs(args->flags, p);
	if (!err)
		err = copy_sighand(args->flags, p);
	if (!err)
		err = copy_signal(args->flags, p);
	if (!err)
		err = copy_mm(args->flags, p);
	return err;
}

/* A copy of the current task that has not run yet, or ERR_PTR. */
static noinline struct task_struct *copy_process(const struct kernel_clone_args *args)
{
	u64 clone_flags = args->flags;
	struct task_struct *p;
	unsigned long flags;
	int err = check_clone_flags(clone_flags);

	if (err)
		return ERR_PTR(err);
	if (nr_threads >= max_threads() || is_nproc_overlimit(current_cred()->uid))
		return ERR_PTR(-EAGAIN);
	p = dup_task_struct(current);
	if (!p)
		return ERR_PTR(-ENOMEM);
	p->flags = PF_FORKNOEXEC | (args->fn ? PF_KTHREAD : current->flags & PF_RANDOMIZE);
	p->blocked = current->blocked;
	p->signal = clone_flags & CLONE_THREAD ? current->signal : NULL;
	p->start_time = local_clock();
	init_sigpending(&p->pending);
	err = copy_parts(p, args);
	if (err)
		return abandon(p, clone_flags, err);
	if (args->name)
		set_task_comm(p, args->name);
	copy_thread(p, args);
	p->set_child_tid = clone_flags & CLONE_CHILD_SETTID ? args->child_tid : NULL;
	p->clear_child_tid = clone_flags & CLONE_CHILD_CLEARTID ? args->child_tid : NULL;
	/* sigaltstack belongs to one stack pointer: a second one in the same memory has none. */
	if ((clone_flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM) {
		p->sas_ss_sp = current->sas_ss_sp;
		p->sas_ss_size = current->sas_ss_size;
		p->sas_ss_flags = current->sas_ss_flags;
	}
	flags = local_irq_save();
	/* Whoever kills the whole group must not miss the one that is being made. */
	err = fatal_signal_pending(current) ? -EINTR : 0;
	if (!err)
		link_process(args, p);
	local_irq_restore(flags);
	return err ? abandon(p, clone_flags, err) : p;
}

/* Make a task and let it run. Its number, or -errno. */
noinline pid_t kernel_clone(struct kernel_clone_args *args)
{
	struct task_struct *p = copy_process(args);
	struct completion vfork;
	pid_t nr;

	if (IS_ERR(p))
		return PTR_ERR(p);
	nr = p->pid;
	if (args->flags & CLONE_PARENT_SETTID)
		put_user(nr, args->parent_tid);
	if (args->flags & CLONE_VFORK) {
		p->vfork_done = &vfork;
		init_completion(&vfork);
		get_task_struct(p);
	}
	wake_up_new_task(p);
	if (args->flags & CLONE_VFORK)
		wait_for_vfork_done(p, &vfork);
	return nr;
}

/* What another processor runs when nothing else can: task 0 again, in no list. */
struct task_struct *__init fork_idle(int cpu)
{
	struct task_struct *p = alloc_task_struct();
	void *stack;

	if (!p)
		return NULL;
	stack = p->stack;
	*p = init_task;
	p->stack = stack;
	snprintf(p->comm, sizeof(p->comm), "swapper/%d", cpu);
	p->thread.sp0 = (unsigned long)p->stack + THREAD_SIZE;
	p->active_mm = &init_mm;
	init_mm.mm_count++;
	return p;
}

/* A task that calls fn(arg) in ring 0 and exits with what it returns, if it does. The pid, or -errno. */
noinline pid_t kernel_thread(int (*fn)(void *), void *arg, const char *name)
{
	struct kernel_clone_args args = { .exit_signal = SIGCHLD, .fn = fn, .fn_arg = arg, .name = name };

	return kernel_clone(&args);
}

/* The same for one that never becomes a program. */
pid_t kthread_run(int (*fn)(void *), void *arg, const char *name)
{
	struct kernel_clone_args args = { .fn = fn, .fn_arg = arg, .name = name, .kthread = true };

	return kernel_clone(&args);
}

noinline long sys_fork(void)
{
	struct kernel_clone_args args = { .exit_signal = SIGCHLD };

	return kernel_clone(&args);
}

noinline long sys_vfork(void)
{
	struct kernel_clone_args args = { .flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD };

	return kernel_clone(&args);
}

noinline long sys_clone(unsigned long clone_flags, unsigned long newsp, int __user *parent_tidptr,
			int __user *child_tidptr, unsigned long tls)
{
	struct kernel_clone_args args = {
		.flags = (u32)clone_flags & ~CSIGNAL,
		.exit_signal = clone_flags & CSIGNAL,
		.stack = newsp,
		.tls = tls,
		.parent_tid = parent_tidptr,
		.child_tid = child_tidptr,
	};

	if (!valid_signal(args.exit_signal))
		return -EINVAL;
	return kernel_clone(&args);
}

void set_task_comm(struct task_struct *tsk, const char *name)
{
	memset(tsk->comm, 0, TASK_COMM_LEN);
	strscpy(tsk->comm, name, TASK_COMM_LEN);
}

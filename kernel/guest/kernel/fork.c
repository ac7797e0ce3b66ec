/* Making tasks and address spaces, and freeing them. */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

#define PID_MAX 32768

static pid_t last_pid;

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
	if (!dup_mmap(mm, oldmm))
		return mm;
	mmput(mm);
	return NULL;
}

static bool pid_in_use(pid_t pid)
{
	struct task_struct *p;

	for_each_process(p)
		if (p->pid == pid)
			return true;
	return false;
}

static pid_t alloc_pid(void)
{
	do {
		last_pid = last_pid + 1 < PID_MAX ? last_pid + 1 : 2;
	} while (pid_in_use(last_pid));
	return last_pid;
}

/* Free what a task that is no longer on the processor still has. */
static void free_task(struct task_struct *p)
{
	if (p->stack)
		free_thread_stack(p->stack);
	if (p->files)
		put_files_struct(p->files);
	put_cred(p->cred);
	if (p->fs)
		put_fs_struct(p->fs);
	kfree(p);
}

/* A task with a stack and a name but no address space, in no list. */
static struct task_struct *dup_task_struct(void)
{
	struct task_struct *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->thread = current->thread;
	sched_fork(p);
	p->cred = get_cred(current->cred);
	memcpy(p->rlim, current->rlim, sizeof(p->rlim));
	p->no_new_privs = current->no_new_privs;
	memcpy(p->comm, current->comm, TASK_COMM_LEN);
	INIT_LIST_HEAD(&p->children);
	INIT_LIST_HEAD(&p->run_list);
	init_waitqueue_head(&p->wait_chldexit);
	p->stack = alloc_thread_stack();
	if (p->stack)
		return p;
	free_task(p);
	return NULL;
}

/* Known to wait4, to the lists and to the scheduler from here on. */
static noinline pid_t start_task(struct task_struct *p)
{
	p->pid = p->tgid = alloc_pid();
	p->parent = current;
	list_add_tail(&p->sibling, &current->children);
	list_add_tail(&p->tasks, &init_task.tasks);
	wake_up_new_task(p);
	return p->pid;
}

/* A task that calls fn(arg) in ring 0 and exits with what it returns, if it does. The pid, or -errno. */
noinline pid_t kernel_thread(int (*fn)(void *), void *arg, const char *name)
{
	struct task_struct *p = dup_task_struct();

	if (!p)
		return -ENOMEM;
	p->flags = PF_KTHREAD;
	p->thread.addr_limit = KERNEL_DS;
	p->thread.fsbase = p->thread.gsbase = 0;
	p->files = dup_fd(NULL);
	p->fs = copy_fs_struct(current->fs);
	if (!p->files || !p->fs) {
		free_task(p);
		return -ENOMEM;
	}
	set_task_comm(p, name);
	copy_thread(p, NULL, fn, arg);
	return start_task(p);
}

noinline long sys_fork(void)
{
	struct task_struct *p = is_nproc_overlimit(current_cred()->uid) ? NULL : dup_task_struct();

	if (!p)
		return -EAGAIN;
	p->files = dup_fd(current->files);
	p->fs = copy_fs_struct(current->fs);
	p->mm = p->files && p->fs ? dup_mm(current->mm) : NULL;
	if (!p->mm) {
		free_task(p);
		return -ENOMEM;
	}
	p->active_mm = p->mm;
	copy_thread(p, current->thread.regs, NULL, NULL);
	return start_task(p);
}

/* Called by the parent's wait4 on a zombie: nothing of it remains. */
void release_task(struct task_struct *p)
{
	BUG_ON(p->__state != EXIT_ZOMBIE || p->mm || p == current);
	p->__state = EXIT_DEAD;
	list_del_init(&p->sibling);
	list_del_init(&p->tasks);
	free_task(p);
}

void set_task_comm(struct task_struct *tsk, const char *name)
{
	memset(tsk->comm, 0, TASK_COMM_LEN);
	strscpy(tsk->comm, name, TASK_COMM_LEN);
}

/* execve: from a path to a new program in place of the old one. */
#include <asm/uaccess.h>
#include <asm/unistd.h>
#include <linux/binfmts.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

static LIST_HEAD(formats);

void register_binfmt(struct linux_binfmt *fmt)
{
	list_add_tail(&fmt->lh, &formats);
}

struct file *open_exec(const char *name)
{
	struct file *file = filp_open(name, O_RDONLY);

	if (IS_ERR(file) || (S_ISREG(file->f_inode->i_mode) && (file->f_inode->i_mode & 0111)))
		return file;
	fput(file);
	return ERR_PTR(-EACCES);
}

/* Read the file's first bytes, by which a format knows its own. */
int prepare_binprm(struct linux_binprm *bprm)
{
	ssize_t n;

	memset(bprm->buf, 0, BINPRM_BUF_SIZE);
	n = kernel_read(bprm->file, bprm->buf, BINPRM_BUF_SIZE, 0);
	return n < 0 ? n : 0;
}

/* Element nr of a user's array of strings; 32-bit elements for int $0x80 from ring 3. */
static const char __user *get_user_arg_ptr(const char __user *const __user *argv, int nr)
{
	const char __user *native = NULL;
	compat_uptr_t compat;

	if (!(current->thread.status & TS_COMPAT)) {
		if (copy_from_user(&native, argv + nr, sizeof(native)))
			return ERR_PTR(-EFAULT);
		return native;
	}
	if (copy_from_user(&compat, (const compat_uptr_t __user *)argv + nr, sizeof(compat)))
		return ERR_PTR(-EFAULT);
	return (const char __user *)(unsigned long)compat;
}

/* Number of strings before the NULL; no array at all counts as an empty one. */
static int count(const char __user *const __user *argv)
{
	int n;

	if (!argv)
		return 0;
	for (n = 0; n <= MAX_ARG_STRINGS; n++) {
		const char __user *p = get_user_arg_ptr(argv, n);

		if (IS_ERR(p))
			return PTR_ERR(p);
		if (!p)
			return n;
	}
	return -E2BIG;
}

/* Where the byte at user address p of the new stack is now, or NULL when memory or room is out. */
static char *arg_page(struct linux_binprm *bprm, unsigned long p)
{
	unsigned long bottom = STACK_TOP - MAX_ARG_PAGES * PAGE_SIZE;
	void **page = &bprm->page[(p - bottom) / PAGE_SIZE];

	if (p < bottom)
		return NULL;
	if (!*page)
		*page = get_zeroed_page();
	return *page ? (char *)*page + offset_in_page(p) : NULL;
}

/* Length with the terminator, or -errno. Strings have no limit of their own, the pages have. */
static long strnlen_user(const char __user *str)
{
	long n;
	char c;

	for (n = 0; n < (long)(MAX_ARG_PAGES * PAGE_SIZE); n++) {
		if (copy_from_user(&c, str + n, 1))
			return -EFAULT;
		if (!c)
			return n + 1;
	}
	return -E2BIG;
}

/* Push one string on the new stack, byte by byte from its end. */
static int copy_string(struct linux_binprm *bprm, const char __user *str)
{
	long len = strnlen_user(str);

	if (len < 0)
		return len;
	while (len--) {
		char *dst = arg_page(bprm, --bprm->p);

		if (!dst)
			return -E2BIG;
		if (copy_from_user(dst, str + len, 1))
			return -EFAULT;
	}
	return 0;
}

static int copy_strings(int argc, const char __user *const __user *argv, struct linux_binprm *bprm)
{
	while (argc-- > 0) {
		const char __user *str = get_user_arg_ptr(argv, argc);
		int err;

		if (IS_ERR(str))
			return PTR_ERR(str);
		err = copy_string(bprm, str);
		if (err)
			return err;
	}
	return 0;
}

/* The same for strings of the kernel, whatever the caller's limit and pointer size. */
int copy_strings_kernel(int argc, const char *const *argv, struct linux_binprm *bprm)
{
	unsigned long old_limit = current->thread.addr_limit;
	unsigned int old_status = current->thread.status;
	int err;

	set_fs(KERNEL_DS);
	current->thread.status &= ~TS_COMPAT;
	err = copy_strings(argc, argv, bprm);
	current->thread.status = old_status;
	set_fs(old_limit);
	return err;
}

/* Drop the first string, argv[0], for a script's interpreter to take its place. */
int remove_arg_zero(struct linux_binprm *bprm)
{
	char *c;

	if (!bprm->argc)
		return 0;
	do {
		c = arg_page(bprm, bprm->p++);
		if (!c)
			return -EFAULT;
	} while (*c);
	bprm->argc--;
	return 0;
}

/* Make the new address space the task's own; the old one goes. */
static noinline void exec_mmap(struct linux_binprm *bprm)
{
	struct mm_struct *old_mm = current->mm, *active_mm = current->active_mm;

	current->mm = bprm->mm;
	current->active_mm = bprm->mm;
	bprm->mm = NULL;
	switch_mm(active_mm, current->mm);
	if (old_mm)
		mmput(old_mm);
	else
		mmdrop(active_mm);
}

/* The point of no return: the task has no old program left to go back to. */
noinline int flush_old_exec(struct linux_binprm *bprm)
{
	bprm->point_of_no_return = true;
	exec_mmap(bprm);
	set_task_comm(current, kbasename(bprm->interp));
	set_fs(USER_DS);
	flush_thread();
	return 0;
}

/* Map the stack with the strings on it: readable, writable, never executable, growing down. */
int setup_arg_pages(struct linux_binprm *bprm)
{
	unsigned long bottom = STACK_TOP - MAX_ARG_PAGES * PAGE_SIZE;
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int i;

	vma = insert_vm_area(mm, bprm->p & PAGE_MASK, STACK_TOP, VM_READ | VM_WRITE | VM_GROWSDOWN, NULL);
	if (!vma)
		return -ENOMEM;
	for (i = 0; i < MAX_ARG_PAGES; i++) {
		pte_t *pte;

		if (!bprm->page[i])
			continue;
		pte = alloc_pte(mm->pgd, bottom + i * PAGE_SIZE);
		if (!pte)
			return -ENOMEM;
		*pte = __pa(bprm->page[i]) | vm_get_page_prot(vma->vm_flags);
		bprm->page[i] = NULL;
	}
	return 0;
}

/* Offer the file to every format until one takes it or fails for a reason of its own. */
noinline int search_binary_handler(struct linux_binprm *bprm, struct pt_regs *regs)
{
	struct linux_binfmt *fmt;
	int retval = -ENOEXEC;

	if (bprm->depth > BINPRM_MAX_DEPTH)
		return -ENOEXEC;
	list_for_each_entry(fmt, &formats, lh) {
		retval = fmt->load_binary(bprm, regs);
		if (retval != -ENOEXEC || bprm->point_of_no_return)
			break;
	}
	return retval;
}

static void free_bprm(struct linux_binprm *bprm)
{
	int i;

	for (i = 0; i < MAX_ARG_PAGES; i++)
		if (bprm->page[i])
			free_page(bprm->page[i]);
	if (bprm->mm)
		mmput(bprm->mm);
	if (!IS_ERR(bprm->file) && bprm->file)
		fput(bprm->file);
	kfree(bprm->interp);
	kfree(bprm);
}

static struct linux_binprm *alloc_bprm(const char *filename)
{
	struct linux_binprm *bprm = kzalloc(sizeof(*bprm));

	if (!bprm)
		return NULL;
	bprm->filename = filename;
	bprm->p = STACK_TOP - sizeof(void *);
	bprm->interp = kstrdup(filename);
	bprm->mm = mm_alloc();
	if (bprm->interp && bprm->mm)
		return bprm;
	free_bprm(bprm);
	return NULL;
}

/* File name, environment and arguments, from the stack's top down. */
static int copy_arguments(struct linux_binprm *bprm, const char __user *const __user *argv,
			  const char __user *const __user *envp)
{
	int retval;

	bprm->argc = count(argv);
	bprm->envc = count(envp);
	if (bprm->argc < 0)
		return bprm->argc;
	if (bprm->envc < 0)
		return bprm->envc;
	retval = copy_strings_kernel(1, &bprm->filename, bprm);
	bprm->exec = bprm->p;
	if (!retval)
		retval = copy_strings(bprm->envc, envp, bprm);
	if (!retval)
		retval = copy_strings(bprm->argc, argv, bprm);
	return retval;
}

static noinline int do_execve_common(const char *filename, const char __user *const __user *argv,
				     const char __user *const __user *envp, struct pt_regs *regs)
{
	struct linux_binprm *bprm = alloc_bprm(filename);
	int retval;

	if (!bprm)
		return -ENOMEM;
	bprm->file = open_exec(filename);
	retval = IS_ERR(bprm->file) ? PTR_ERR(bprm->file) : prepare_binprm(bprm);
	if (!retval)
		retval = copy_arguments(bprm, argv, envp);
	if (!retval)
		retval = search_binary_handler(bprm, regs);
	if (retval < 0 && bprm->point_of_no_return)
		force_fatal_sig(SIGKILL);
	free_bprm(bprm);
	return retval;
}

noinline int do_execve(const char *filename, const char __user *const __user *argv,
		       const char __user *const __user *envp, struct pt_regs *regs)
{
	return do_execve_common(filename, argv, envp, regs);
}

/* From ring 3 by either entry, and from kernel_execve by int $0x80 in ring 0. */
noinline long sys_execve(const char __user *filename, const char __user *const __user *argv,
			 const char __user *const __user *envp)
{
	struct pt_regs *regs = current->thread.regs;
	char *name = getname(filename);
	long error;

	if (IS_ERR(name))
		return PTR_ERR(name);
	error = do_execve(name, argv, envp, regs);
	kfree(name);
	return error;
}

/*
 * Become a program, from a kernel thread: a system call out of ring 0. If all goes well the IRETQ at its end
 * enters the program in ring 3, and this never returns; else it comes back here with -errno. The label is for a
 * debugger to stop at.
 */
noinline int kernel_execve(const char *filename, const char *const argv[], const char *const envp[])
{
	long ret;

	asm volatile(".globl kernel_execve_int80\n"
		     "kernel_execve_int80: int $0x80"
		     : "=a"(ret)
		     : "a"(__NR_ia32_execve), "b"(filename), "c"(argv), "d"(envp)
		     : "memory");
	return ret;
}

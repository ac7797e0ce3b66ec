/*
 * The strings of an execve: argv and envp, counted and copied from the old program's memory to the end of the new
 * one's stack, before either address space is given up. Linux: fs/exec.c, and it is the part of execve that costs.
 */
#include <asm/tlbflush.h>
#include <asm/uaccess.h>
#include <linux/binfmts.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

/* Element nr of the array. */
static const char __user *get_user_arg_ptr(struct user_arg_ptr argv, int nr)
{
	const char __user *native = NULL;
	compat_uptr_t compat;

	if (argv.is_compat) {
		if (copy_from_user(&compat, argv.ptr.compat + nr, sizeof(compat)))
			return ERR_PTR(-EFAULT);
		return (const char __user *)(unsigned long)compat;
	}
	if (copy_from_user(&native, argv.ptr.native + nr, sizeof(native)))
		return ERR_PTR(-EFAULT);
	return native;
}

/* Number of strings before the NULL; no array at all counts as an empty one. */
noinline int count(struct user_arg_ptr argv, int max)
{
	int n;

	if (!argv.ptr.native)
		return 0;
	for (n = 0;; n++) {
		const char __user *p = get_user_arg_ptr(argv, n);

		if (!p)
			return n;
		if (IS_ERR(p))
			return -EFAULT;
		if (n >= max)
			return -E2BIG;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

int count_strings_kernel(const char *const *argv)
{
	int n = 0;

	while (argv && argv[n])
		n++;
	return n;
}

/* A new address space with nothing but a page of stack at its end; setup_arg_pages says where it stays. */
noinline int bprm_mm_init(struct linux_binprm *bprm)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		return -ENOMEM;
	bprm->mm = mm;
	bprm->vma = insert_vm_area(mm, STACK_TOP - PAGE_SIZE, STACK_TOP, VM_STACK_FLAGS, NULL);
	if (!bprm->vma)
		return -ENOMEM;
	bprm->p = STACK_TOP - sizeof(void *);
	return 0;
}

/*
 * How far down the strings may reach: a quarter of the stack's limit, or 128 KiB if that is more, less the two
 * arrays of pointers that will point to them.
 */
int bprm_stack_limits(struct linux_binprm *bprm)
{
	unsigned long limit = max(min(rlimit(RLIMIT_STACK), STACK_RLIMIT) / 4, ARG_MAX);
	unsigned long ptr_size = (max(bprm->argc, 1) + bprm->envc) * sizeof(void *);

	if (limit <= ptr_size)
		return -E2BIG;
	bprm->argmin = bprm->p - (limit - ptr_size);
	return 0;
}

/* Where the byte at pos of the new stack is now; the area grows down to meet it. NULL when memory is out. */
static char *get_arg_page(struct linux_binprm *bprm, unsigned long pos)
{
	char *page;

	if (pos < bprm->vma->vm_start)
		bprm->vma->vm_start = pos & PAGE_MASK;
	page = get_user_page(bprm->vma, pos & PAGE_MASK);
	return page ? page + offset_in_page(pos) : NULL;
}

/* Length with the terminator, or -errno. */
static long strnlen_user(const char __user *str)
{
	unsigned long n;
	char c;

	for (n = 0; n < MAX_ARG_STRLEN; n++) {
		if (copy_from_user(&c, str + n, 1))
			return -EFAULT;
		if (!c)
			return n + 1;
	}
	return -E2BIG;
}

/* Room for len bytes below the strings that are there. */
static int reserve(struct linux_binprm *bprm, long len)
{
	if (len < 0)
		return len;
	if ((unsigned long)len > bprm->p - bprm->argmin)
		return -E2BIG;
	bprm->p -= len;
	return 0;
}

/* Push one string on the new stack, page by page. */
static int copy_string(struct linux_binprm *bprm, const char __user *str)
{
	unsigned long len, n, pos;
	long ret = strnlen_user(str);

	len = ret;
	ret = reserve(bprm, ret);
	for (pos = bprm->p; !ret && len; pos += n, str += n, len -= n) {
		char *dst = get_arg_page(bprm, pos);

		n = min(len, PAGE_SIZE - offset_in_page(pos));
		if (!dst)
			ret = -E2BIG;
		else if (copy_from_user(dst, str, n))
			ret = -EFAULT;
	}
	return ret;
}

/* The last string first, so that they lie in order. */
noinline int copy_strings(int argc, struct user_arg_ptr argv, struct linux_binprm *bprm)
{
	while (argc-- > 0) {
		const char __user *str = get_user_arg_ptr(argv, argc);
		int ret = IS_ERR(str) || !str ? -EFAULT : copy_string(bprm, str);

		if (ret)
			return ret;
	}
	return 0;
}

/* The same for a string of the kernel's own. */
int copy_string_kernel(const char *arg, struct linux_binprm *bprm)
{
	unsigned long len = strlen(arg) + 1, n, pos;
	int ret = len > MAX_ARG_STRLEN ? -E2BIG : reserve(bprm, len);

	for (pos = bprm->p; !ret && len; pos += n, arg += n, len -= n) {
		char *dst = get_arg_page(bprm, pos);

		if (!dst)
			return -E2BIG;
		n = min(len, PAGE_SIZE - offset_in_page(pos));
		memcpy(dst, arg, n);
	}
	return ret;
}

int copy_strings_kernel(int argc, const char *const *argv, struct linux_binprm *bprm)
{
	int ret = 0;

	while (!ret && argc-- > 0)
		ret = copy_string_kernel(argv[argc], bprm);
	return ret;
}

/* Drop the first string, argv[0], for an interpreter to take its place. */
int remove_arg_zero(struct linux_binprm *bprm)
{
	char *c;

	if (!bprm->argc)
		return 0;
	do {
		c = get_arg_page(bprm, bprm->p++);
		if (!c)
			return -EFAULT;
	} while (*c);
	bprm->argc--;
	return 0;
}

/* The pages that the strings filled, moved down by shift; their tables are thrown away with the old place. */
static int shift_arg_pages(struct vm_area_struct *vma, unsigned long shift)
{
	struct mm_struct *mm = current->mm;
	unsigned long va;

	for (va = vma->vm_start; va < vma->vm_end; va += PAGE_SIZE) {
		pte_t *old = lookup_pte(mm->pgd, va), *new = alloc_pte(mm->pgd, va - shift);

		if (!new)
			return -ENOMEM;
		if (!old || pte_none(*old))
			continue;
		*new = *old;
		*old = 0;
		flush_tlb_page(mm, va);
	}
	vma->vm_start -= shift;
	vma->vm_end -= shift;
	return 0;
}

/*
 * Where the stack stays, and what may be done there. Until here it ended at STACK_TOP, for nobody knew yet whether
 * the program wants its addresses random, or its stack executable (PT_GNU_STACK).
 */
noinline int setup_arg_pages(struct linux_binprm *bprm, unsigned long stack_top, unsigned long vm_exec)
{
	struct vm_area_struct *vma = bprm->vma;
	unsigned long shift = vma->vm_end - PAGE_ALIGN(stack_top), va;
	int ret = shift ? shift_arg_pages(vma, shift) : 0;

	bprm->p -= shift;
	bprm->exec -= shift;
	vma->vm_flags |= vm_exec;
	vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);
	for (va = vma->vm_start; !ret && vm_exec && va < vma->vm_end; va += PAGE_SIZE) {
		pte_t *pte = lookup_pte(current->mm->pgd, va);

		if (pte && pte_present(*pte))
			*pte &= ~_PAGE_NX;
	}
	current->mm->start_stack = bprm->p;
	return ret;
}

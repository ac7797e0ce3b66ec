/*
 * The stack as a new program finds it (System V psABI, AMD64 supplement 3.4.1): argc, argv, envp and the auxiliary
 * vector, below the strings that execve copied. Its lowest address is the first RSP.
 */
#include <asm/processor.h>
#include <asm/uaccess.h>
#include <asm/vdso.h>
#include <linux/binfmts.h>
#include <linux/cred.h>
#include <linux/elf.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/string.h>

#define MINSIGSTKSZ	2048
#define CLOCKS_PER_SEC	100

/* Words of 4 or 8 bytes, written upwards. */
struct elf_stack {
	unsigned long slot;
	bool compat, failed;
};

static size_t word_size(bool compat)
{
	return compat ? sizeof(u32) : sizeof(u64);
}

static void put_word(struct elf_stack *stack, unsigned long word)
{
	/* Little-endian: the first bytes are the low half. */
	if (copy_to_user((void __user *)stack->slot, &word, word_size(stack->compat)))
		stack->failed = true;
	stack->slot += word_size(stack->compat);
}

/* The addresses of n strings that follow each other from p on, and a NULL; the address behind the last one. */
static unsigned long put_strings(struct elf_stack *stack, unsigned long p, int n)
{
	char c = 0;

	while (n-- > 0) {
		put_word(stack, p);
		do {
			if (copy_from_user(&c, (const void __user *)p++, 1))
				stack->failed = true;
		} while (c && !stack->failed);
	}
	put_word(stack, 0);
	return p;
}

/* Copy below *sp, which moves down; its address there. */
static unsigned long push(unsigned long *sp, const void *data, size_t size, struct elf_stack *stack)
{
	*sp -= size;
	if (copy_to_user((void __user *)*sp, data, size))
		stack->failed = true;
	return *sp;
}

/* What CPUID says of the processor: the same word that glibc looks at first. */
static u32 elf_hwcap(void)
{
	u32 eax, ebx, ecx, edx;

	cpuid(1, &eax, &ebx, &ecx, &edx);
	return edx;
}

/* Fill mm->saved_auxv, the vector as the program gets it; pairs in it. */
static int fill_auxv(struct linux_binprm *bprm, const struct elf_image *exec, const struct elf_image *interp,
		     unsigned long platform, unsigned long random)
{
	const struct cred *cred = current_cred();
	const unsigned long auxv[][2] = {
		/* The 32-bit page is no shared object: it begins with __kernel_vsyscall. */
		{ exec->compat ? AT_SYSINFO : AT_SYSINFO_EHDR, current->mm->vdso },
		{ AT_MINSIGSTKSZ, MINSIGSTKSZ }, { AT_HWCAP, elf_hwcap() }, { AT_PAGESZ, PAGE_SIZE },
		{ AT_CLKTCK, CLOCKS_PER_SEC }, { AT_PHDR, exec->phdr_addr }, { AT_PHENT, exec->ex.e_phentsize },
		{ AT_PHNUM, exec->ex.e_phnum }, { AT_BASE, interp->load_bias }, { AT_FLAGS, 0 },
		{ AT_ENTRY, exec->load_bias + exec->ex.e_entry }, { AT_UID, cred->uid },
		{ AT_EUID, cred->euid }, { AT_GID, cred->gid }, { AT_EGID, cred->egid },
		{ AT_SECURE, bprm->secureexec }, { AT_RANDOM, random }, { AT_HWCAP2, 0 },
		{ AT_EXECFN, bprm->exec }, { AT_PLATFORM, platform },
		{ bprm->have_execfd ? AT_EXECFD : AT_NULL, bprm->have_execfd ? bprm->execfd : 0 },
		{ AT_NULL, 0 },
	};
	unsigned long (*saved)[2] = current->mm->saved_auxv;
	size_t i;
	int n = 0;

	BUILD_BUG_ON(ARRAY_SIZE(auxv) > AT_VECTOR_SIZE);
	for (i = 0; i < ARRAY_SIZE(auxv); i++) {
		if (!i && !auxv[i][1])
			continue;
		memcpy(saved[n++], auxv[i], sizeof(auxv[i]));
		if (auxv[i][0] == AT_NULL)
			break;
	}
	return n;
}

/* Called by load_elf_binary when both images stand. Sets mm->start_stack to the first stack pointer. */
noinline int create_elf_tables(struct linux_binprm *bprm, const struct elf_image *exec,
			       const struct elf_image *interp)
{
	const char *name = exec->compat ? "i686" : "x86_64";
	struct elf_stack stack = { .compat = exec->compat };
	struct mm_struct *mm = current->mm;
	unsigned long sp = arch_align_stack(bprm->p), platform, random;
	u8 random_bytes[16];
	int i, pairs;

	platform = push(&sp, name, strlen(name) + 1, &stack);
	get_at_random_bytes(random_bytes, sizeof(random_bytes));
	random = push(&sp, random_bytes, sizeof(random_bytes), &stack);
	pairs = fill_auxv(bprm, exec, interp, platform, random);

	sp -= (1 + bprm->argc + 1 + bprm->envc + 1 + 2 * pairs) * word_size(exec->compat);
	sp = ALIGN_DOWN(sp, 16UL);
	mm->start_stack = stack.slot = sp;
	put_word(&stack, bprm->argc);
	mm->arg_start = bprm->p;
	mm->arg_end = mm->env_start = put_strings(&stack, mm->arg_start, bprm->argc);
	mm->env_end = put_strings(&stack, mm->env_start, bprm->envc);
	for (i = 0; i < pairs; i++) {
		put_word(&stack, mm->saved_auxv[i][0]);
		put_word(&stack, mm->saved_auxv[i][1]);
	}
	return stack.failed ? -EFAULT : 0;
}

/*
 * Where the parts of a program's address space go, and how far a random number moves them. Linux:
 * arch/x86/mm/mmap.c, fs/binfmt_elf.c and arch/x86/kernel/process.c, each with a part of it.
 */
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>

#define MMAP_RND_BITS		28	/* pages: Linux's default; 8 for 32-bit programs */
#define MMAP_RND_COMPAT_BITS	8
#define STACK_RND_MASK		0x3fffffUL	/* pages: 16 GiB; 0x7ff for 32-bit programs */
#define STACK_RND_COMPAT_MASK	0x7ffUL
#define BRK_RND_RANGE		0x02000000UL
#define STACK_ALIGN_RANGE	8192

/* A random number of pages, in bytes, or 0. */
static unsigned long random_pages(unsigned long mask)
{
	return current->flags & PF_RANDOMIZE ? (get_random_u64() & mask) << PAGE_SHIFT : 0;
}

unsigned long arch_mmap_rnd(bool compat)
{
	return random_pages((1UL << (compat ? MMAP_RND_COMPAT_BITS : MMAP_RND_BITS)) - 1);
}

/* The end of the stack. */
unsigned long randomize_stack_top(bool compat)
{
	return (compat ? IA32_STACK_TOP : STACK_TOP) - random_pages(compat ? STACK_RND_COMPAT_MASK : STACK_RND_MASK);
}

unsigned long arch_randomize_brk(unsigned long brk)
{
	return brk + random_pages(BRK_RND_RANGE / PAGE_SIZE - 1);
}

/* A few bytes more, so that even within its page the stack begins somewhere else. */
unsigned long arch_align_stack(unsigned long sp)
{
	if (current->flags & PF_RANDOMIZE)
		sp -= get_random_u64() % STACK_ALIGN_RANGE;
	return ALIGN_DOWN(sp, 16UL);
}

/* mmap goes down from below the largest stack at its lowest place. */
void arch_pick_mmap_layout(struct mm_struct *mm, bool compat)
{
	unsigned long top = compat ? IA32_STACK_TOP : STACK_TOP, gap = STACK_RLIMIT + PMD_SIZE;

	if (current->flags & PF_RANDOMIZE)
		gap += (compat ? STACK_RND_COMPAT_MASK : STACK_RND_MASK) << PAGE_SHIFT;
	mm->mmap_base = top - gap - arch_mmap_rnd(compat);
}

/*
 * The Big Kernel Lock: of all processors one at a time is in the kernel. It is taken on the way in from ring 3 and given
 * back on the way out; the idle task lets go of it while it sleeps. So all that was written for one processor holds for
 * several: interrupts off still keeps everybody else out. Linux 2.0 began so (kernel 2.0: arch/i386/kernel/smp.c); then
 * each structure got its own spinlock, and the last users of the big one were gone in 2.6.39.
 */
#include <asm/irqflags.h>
#include <asm/processor.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/smp.h>

#define NO_CPU		(-1)
#define PATIENCE_NS	1000000		/* who has waited so long is let pass */

static struct {
	int owner;
	int first;		/* it has waited too long: nobody else may take the lock before */
	int waiting;		/* how many do */
	bool shared;		/* are there others at all? */
} kernel_flag = { .owner = 0, .first = NO_CPU };	/* the boot is in the kernel */

/* Was *word what is expected? Then it is replaced by new (SDM 2A CMPXCHG). */
static bool cmpxchg(int *word, int expected, int new)
{
	int old = expected;

	asm volatile("lock cmpxchgl %2, %1" : "+a"(old), "+m"(*word) : "r"(new) : "memory");
	return old == expected;
}

static bool trylock(int cpu)
{
	int first = READ_ONCE(kernel_flag.first);

	if (first != NO_CPU && first != cpu)
		return false;
	if (READ_ONCE(kernel_flag.owner) != NO_CPU || !cmpxchg(&kernel_flag.owner, NO_CPU, cpu))
		return false;
	if (first == cpu)
		WRITE_ONCE(kernel_flag.first, NO_CPU);
	return true;
}

/* Called once, before another processor starts: until then there is nobody to keep out, and the lock costs next to nothing. */
void __init share_kernel_lock(void)
{
	kernel_flag.shared = true;
}

/* Is this processor the one that is in the kernel? */
bool kernel_locked(void)
{
	return READ_ONCE(kernel_flag.owner) == smp_processor_id();
}

/* Interrupts off, so that a flush is either served by smp_poll or by its interrupt, and never half by each. */
static noinline void wait_for_lock(int cpu)
{
	unsigned long flags = local_irq_save();
	u64 start = local_clock();

	asm volatile("lock incl %0" : "+m"(kernel_flag.waiting));
	do {
		smp_poll();
		cpu_relax();
		if (local_clock() - start > PATIENCE_NS)
			cmpxchg(&kernel_flag.first, NO_CPU, cpu);
	} while (!trylock(cpu));
	asm volatile("lock decl %0" : "+m"(kernel_flag.waiting));
	local_irq_restore(flags);
}

/*
 * Wait until no other processor is in the kernel. False if this one had the lock before: then it is not the caller's to
 * give back. Who waits still does what the owner waits for (smp_poll).
 */
noinline bool lock_kernel(void)
{
	int cpu;

	if (!kernel_flag.shared || kernel_locked())
		return false;
	cpu = smp_processor_id();
	if (!trylock(cpu))
		wait_for_lock(cpu);
	return true;
}

/* For long work in the kernel, where nothing is half done: let another processor in, if one waits. */
void relax_kernel_lock(void)
{
	u64 start;

	if (!READ_ONCE(kernel_flag.waiting))
		return;
	start = local_clock();
	unlock_kernel();
	do
		cpu_relax();
	while (READ_ONCE(kernel_flag.waiting) && local_clock() - start < PATIENCE_NS);
	lock_kernel();
}

/* x86 keeps stores in order: whoever sees the lock free sees all that was written under it (SDM 3A 8.2.2). */
noinline void unlock_kernel(void)
{
	if (!kernel_flag.shared)
		return;
	BUG_ON(!kernel_locked());
	WRITE_ONCE(kernel_flag.owner, NO_CPU);
}

/*
 * What processors remember of page tables, and how they forget it (Linux: arch/x86/mm/tlb.c). An entry that changed must
 * be forgotten by every processor that may have looked it up: those that have the address space loaded, as its mask says.
 * One cannot make another forget: it sends an interrupt, and waits until the other has done it (a TLB shootdown).
 */
#include <asm/ldt.h>
#include <asm/tlbflush.h>
#include <linux/sched.h>
#include <linux/smp.h>

/* From so many pages on it costs less to forget everything. */
#define FLUSH_CEILING (32 * PAGE_SIZE)

/* On this processor. */
void local_flush_tlb_range(unsigned long start, unsigned long end)
{
	unsigned long va;

	if (end - start <= FLUSH_CEILING)
		for (va = start; va < end; va += PAGE_SIZE)
			invlpg(va);
	else if (end <= TASK_SIZE)
		flush_tlb_local();
	else
		__flush_tlb_all();
}

static void flush_tlb_others(const struct cpumask *mask, unsigned long start, unsigned long end)
{
	struct cpumask others = { { mask->bits[0] & ~(1UL << smp_processor_id()) } };

	if (others.bits[0])
		smp_flush_tlb(&others, start, end);
}

/* Entries of [start, end) in mm's tables are others now. */
noinline void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	if (cpumask_test_cpu(smp_processor_id(), &mm->cpu_bitmap))
		local_flush_tlb_range(start, end);
	flush_tlb_others(&mm->cpu_bitmap, start, end);
}

void flush_tlb_mm(struct mm_struct *mm)
{
	flush_tlb_mm_range(mm, 0, TASK_SIZE);
}

void flush_tlb_page(struct mm_struct *mm, unsigned long addr)
{
	flush_tlb_mm_range(mm, addr, addr + PAGE_SIZE);
}

/* The kernel's half is the same for all. */
noinline void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	local_flush_tlb_range(start, end);
	flush_tlb_others(&__cpu_online_mask, start, end);
}

void flush_tlb_all(void)
{
	flush_tlb_kernel_range(0, ~0UL);
}

/* Interrupts off. Loading CR3 makes the processor forget the old address space; now nobody need tell it of a change. */
void switch_mm(struct mm_struct *prev, struct mm_struct *next)
{
	int cpu = smp_processor_id();

	if (prev == next && cpumask_test_cpu(cpu, &next->cpu_bitmap))
		return;
	cpumask_clear_cpu(cpu, &prev->cpu_bitmap);
	cpumask_set_cpu(cpu, &next->cpu_bitmap);
	write_cr3(__pa(next->pgd));
	if (prev->ldt || next->ldt)
		load_mm_ldt(next);
}

/*
 * A task without an address space has kept its predecessor's, in case that one is the next again. Someone changes it: not
 * to be asked again, leave it. The lock is another processor's, but this one's task does not change meanwhile.
 */
void leave_lazy_mm(void)
{
	struct mm_struct *mm = current->active_mm;

	if (current->mm || !cpumask_test_cpu(smp_processor_id(), &mm->cpu_bitmap) || mm == &init_mm)
		return;
	cpumask_clear_cpu(smp_processor_id(), &mm->cpu_bitmap);
	write_cr3(__pa(init_mm.pgd));
}

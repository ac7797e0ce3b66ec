/*
 * Page-table isolation, pti=on: while ring 3 runs, the tables that are loaded know nothing of the kernel but its ways in.
 * Processors that read what they may not, and take it back too late (Meltdown), find nothing there to read. Each address
 * space has two top tables, the kernel's and ring 3's, that share all tables of the user's half; entry code goes from one
 * to the other by a bit of CR3 (entry/calling.h). Linux: arch/x86/mm/pti.c, since 4.15.
 */
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <asm/pti.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/string.h>

pgd_t pti_user_pgt[PTRS_PER_TABLE] __page_aligned_bss;

/* This machine's processor does not read ahead of its rights: unless asked for, there is no isolation. */
static bool pti_on;

static int __init pti_setup(char *str)
{
	pti_on = !strcmp(str, "on");
	return pti_on || !strcmp(str, "off") || !strcmp(str, "auto");
}
__setup("pti=", pti_setup);

/* Called by start_kernel between the command line and the first use of X86_FEATURE_PTI. */
void __init pti_check_boottime_disable(void)
{
	if (pti_on)
		setup_force_cpu_cap(X86_FEATURE_PTI);
}

/*
 * An entry of the user's half of a kernel's top table is being set: ring 3's table gets it too. The kernel's own copy is
 * no-execute: a return to ring 3 that forgot to change tables would not get far.
 */
noinline u64 pti_set_user_pgtbl(pgd_t *pgdp, u64 pgd)
{
	if (!boot_cpu_has(X86_FEATURE_PTI))
		return pgd;
	*kernel_to_user_pgdp(pgdp) = pgd;
	return pgd | _PAGE_NX;
}

/* Ring 3's tables get the kernel's entries for [start, end): the same frames with the same rights, never the user's. */
static noinline void __init pti_clone_pgtable(const char *start, const char *end)
{
	unsigned long va;

	for (va = (unsigned long)start; va < (unsigned long)end; va += PAGE_SIZE) {
		pte_t *kernel = lookup_pte(init_mm.pgd, va), *user = alloc_pte(pti_user_pgt, va);

		BUG_ON(!kernel || !user);
		*user = *kernel;
	}
}

/* From the linker script. */
extern char __entry_text_start[], __entry_text_end[];
extern char __per_cpu_start[], __per_cpu_end[], __cpu_entry_bss_start[], __cpu_entry_bss_end[];

/* The code that runs before CR3 is the kernel's and after it is not any more. */
static void __init pti_clone_entry_text(void)
{
	pti_clone_pgtable(__entry_text_start, __entry_text_end);
}

/*
 * What this code and the processor reach meanwhile: IDT, GDT, task-state segment, entry and exception stacks, the
 * processor's variables. Linux has all but the last in a place of its own, the CPU entry area.
 */
static void __init pti_clone_user_shared(void)
{
	pti_clone_pgtable(__per_cpu_start, __per_cpu_end);
	pti_clone_pgtable(__cpu_entry_bss_start, __cpu_entry_bss_end);
}

/* Called by start_kernel when there are pages, before the first user. */
void __init pti_init(void)
{
	if (!boot_cpu_has(X86_FEATURE_PTI))
		return;
	printk(KERN_INFO "Kernel/User page tables isolation: enabled\n");
	pti_clone_user_shared();
	pti_clone_entry_text();
}

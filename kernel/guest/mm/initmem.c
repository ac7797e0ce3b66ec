/* What only the boot needed is given back when the boot is over (Linux: arch/x86/mm/init.c). */
#include <asm/tlbflush.h>
#include <linux/init.h>
#include <linux/mm.h>

/*
 * Unmap a page of the image where it is linked, so that a late call or access faults; in the direct map, where its
 * text could only be read, it becomes a page like any other.
 */
static void set_memory_np_noalias(unsigned long va)
{
	unsigned long alias = (unsigned long)__va(__pa((void *)va));

	*lookup_pte(init_mm.pgd, va) = 0;
	*lookup_pte(init_mm.pgd, alias) = __pa((void *)va) | PAGE_KERNEL;
}

static void free_kernel_image_pages(const char *what, char *begin, char *end)
{
	char *va;

	for (va = begin; va < end; va += PAGE_SIZE)
		set_memory_np_noalias((unsigned long)va);
	flush_tlb_all();
	free_reserved_area(begin, end, POISON_FREE_INITMEM, what);
}

/* Called by kernel_init: from here on nobody calls an __init function or reads an __initdata variable. */
noinline void free_initmem(void)
{
	free_kernel_image_pages("unused kernel image (initmem)", __init_begin, __init_end);
}

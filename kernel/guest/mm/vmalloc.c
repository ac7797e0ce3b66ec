/*
 * Kernel stacks in an area of their own, each above as much unmapped space, so that a stack that runs out
 * faults instead of overwriting its neighbour. The fault cannot be pushed on that stack: it becomes a double
 * fault, which has a stack of its own.
 */
#include <asm/tlbflush.h>
#include <linux/mm.h>
#include <linux/string.h>

#define STACK_SLOT	(2UL * THREAD_SIZE)
#define NR_STACK_SLOTS	1024

static u8 slot_used[NR_STACK_SLOTS];

/* The area's top-level entry exists before the first user page table copies it. */
void __init vmalloc_init(void)
{
	void *table = get_zeroed_page();

	if (!table)
		panic("no memory for kernel stacks");
	init_top_pgt[table_index(VMALLOC_START, 4)] = __pa(table) | _KERNPG_TABLE;
}

static void unmap_stack(unsigned long stack)
{
	void *pages[THREAD_SIZE / PAGE_SIZE];
	unsigned int i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pte_t *pte = lookup_pte(init_mm.pgd, stack + i * PAGE_SIZE);

		if (pte && pte_present(*pte)) {
			pages[nr++] = pte_page_address(*pte);
			*pte = 0;
		}
	}
	flush_tlb_kernel_range(stack, stack + THREAD_SIZE);
	for (i = 0; i < nr; i++)
		free_page(pages[i]);
}

static bool map_stack(unsigned long stack)
{
	unsigned long va;

	for (va = stack; va < stack + THREAD_SIZE; va += PAGE_SIZE) {
		pte_t *pte = alloc_pte(init_mm.pgd, va);
		void *page = pte ? get_zeroed_page() : NULL;

		if (!page) {
			unmap_stack(stack);
			return false;
		}
		*pte = __pa(page) | PAGE_KERNEL;
	}
	return true;
}

/* Lowest address of THREAD_SIZE mapped bytes, or NULL. */
void *alloc_thread_stack(void)
{
	unsigned long i;

	for (i = 0; i < NR_STACK_SLOTS; i++) {
		unsigned long stack = VMALLOC_START + i * STACK_SLOT + THREAD_SIZE;

		if (slot_used[i])
			continue;
		if (!map_stack(stack))
			return NULL;
		slot_used[i] = true;
		return (void *)stack;
	}
	return NULL;
}

void free_thread_stack(void *stack)
{
	unsigned long slot = ((unsigned long)stack - VMALLOC_START) / STACK_SLOT;

	if (slot >= NR_STACK_SLOTS || !slot_used[slot])
		panic("free_thread_stack: %016lx is no stack", (unsigned long)stack);
	unmap_stack((unsigned long)stack);
	slot_used[slot] = false;
}

/* Is address in the unmapped half of a slot? */
bool stack_guard_hit(unsigned long address)
{
	unsigned long offset = address - VMALLOC_START;

	return address >= VMALLOC_START && offset < NR_STACK_SLOTS * STACK_SLOT &&
	       offset % STACK_SLOT < THREAD_SIZE;
}

/* Pages, one at a time: freed ones first, then what memblock still has. No caller needs two in a row. */
#include <asm/irqflags.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/string.h>

/* A free page holds its own list entry. */
struct free_page {
	struct free_page *next;
};

static struct free_page *free_list;
static unsigned long nr_listed;

static void *pop_free_page(void)
{
	struct free_page *page = free_list;

	if (page) {
		free_list = page->next;
		nr_listed--;
	}
	return page;
}

/* Direct-map address of a page of zeros, or NULL. */
void *get_zeroed_page(void)
{
	unsigned long flags = local_irq_save();
	void *page = pop_free_page();
	unsigned long pa;

	if (!page && (pa = memblock_alloc_page()))
		page = __va(pa);
	local_irq_restore(flags);
	return page ? memset(page, 0, PAGE_SIZE) : NULL;
}

void free_page(void *address)
{
	struct free_page *page = address;
	unsigned long flags;

	if (offset_in_page(page) || (unsigned long)page < PAGE_OFFSET ||
	    __pa(page) >= memblock_end_of_DRAM())
		panic("free_page: %016lx is no page of RAM", (unsigned long)page);
	flags = local_irq_save();
	page->next = free_list;
	free_list = page;
	nr_listed++;
	local_irq_restore(flags);
}

unsigned long nr_free_pages(void)
{
	return nr_listed + memblock_free_size() / PAGE_SIZE;
}

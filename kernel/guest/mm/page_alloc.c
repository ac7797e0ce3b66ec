/*
 * Pages, one at a time: freed ones first, then what memblock still has. No caller needs two in a row, so there is
 * no need of Linux's buddies; the watermarks and their use are those of its mm/page_alloc.c.
 */
#include <asm/irqflags.h>
#include <linux/memblock.h>
#include <linux/string.h>
#include <linux/swap.h>

static LIST_HEAD(free_list);
static unsigned long nr_listed;

/*
 * The watermarks of free pages. Below low, kswapd is woken and takes pages back until there are high. Below min who
 * wants one must help, and only the kernel gets the last ones: what it needs to get rid of others must not fail.
 */
unsigned long min_wmark_pages(void)
{
	return 64;
}

unsigned long low_wmark_pages(void)
{
	return min_wmark_pages() * 5 / 4;
}

unsigned long high_wmark_pages(void)
{
	return min_wmark_pages() * 3 / 2;
}

unsigned long totalram_pages(void)
{
	return memblock_phys_mem_size() / PAGE_SIZE;
}

unsigned long nr_free_pages(void)
{
	return nr_listed + memblock_free_size() / PAGE_SIZE;
}

static struct page *pop_free_page(void)
{
	struct page *page;
	unsigned long pa;

	if (list_empty(&free_list)) {
		pa = memblock_alloc_page();
		return pa ? pfn_to_page(pa >> PAGE_SHIFT) : NULL;
	}
	page = list_first_entry(&free_list, struct page, lru);
	list_del_init(&page->lru);
	nr_listed--;
	return page;
}

static void prep_new_page(struct page *page, gfp_t gfp_mask)
{
	BUG_ON(page->_refcount || page_test(page, PG_reserved));
	*page = (struct page) { ._refcount = 1, ._mapcount = -1 };
	INIT_LIST_HEAD(&page->lru);
	if (gfp_mask & __GFP_ZERO)
		memset(page_address(page), 0, PAGE_SIZE);
}

/* A page, if more than reserve would be left; not prepared. */
static struct page *get_page_from_freelist(unsigned long reserve)
{
	unsigned long flags = local_irq_save();
	struct page *page = nr_free_pages() > reserve ? pop_free_page() : NULL;

	local_irq_restore(flags);
	return page;
}

/* Few are left: take pages from others, and go on until that fails too. */
static noinline struct page *__alloc_pages_slowpath(gfp_t gfp_mask)
{
	struct page *page = NULL;

	if ((gfp_mask & __GFP_DIRECT_RECLAIM) && !irqs_disabled())
		while (!page && try_to_free_pages(SWAP_CLUSTER_MAX))
			page = get_page_from_freelist(min_wmark_pages());
	if (!page && !(gfp_mask & __GFP_HARDWALL))
		page = get_page_from_freelist(0);
	return page;
}

noinline struct page *alloc_page(gfp_t gfp_mask)
{
	struct page *page = get_page_from_freelist(min_wmark_pages());

	if (nr_free_pages() < low_wmark_pages())
		wakeup_kswapd();
	if (!page)
		page = __alloc_pages_slowpath(gfp_mask);
	if (page)
		prep_new_page(page, gfp_mask);
	return page;
}

static void free_one_page(struct page *page)
{
	unsigned long flags = local_irq_save();

	page->flags = 0;
	page->mapping = NULL;
	list_add(&page->lru, &free_list);
	nr_listed++;
	local_irq_restore(flags);
}

void get_page(struct page *page)
{
	BUG_ON(page->_refcount <= 0);
	page->_refcount++;
}

/* Done with the page; who is the last frees it. */
void put_page(struct page *page)
{
	BUG_ON(page->_refcount <= 0);
	if (--page->_refcount)
		return;
	if (page_mapcount(page) || page_test(page, PG_reserved))
		panic("put_page: frame %#lx, flags %#lx, is mapped %d times", page_to_pfn(page), page->flags,
		      page_mapcount(page));
	free_one_page(page);
}

/* A user's entry gives its page up; a copy on the disk that no one else has goes too. */
void free_page_and_swap_cache(struct page *page)
{
	if (!page_mapcount(page))
		try_to_free_swap(page);
	put_page(page);
}

/* Direct-map address of a page of zeros for the kernel itself, or NULL. */
void *get_zeroed_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	return page ? page_address(page) : NULL;
}

static bool page_is_listed(unsigned long pfn)
{
	const struct page *page = pfn_to_page(pfn);

	return memblock_is_memory(pfn << PAGE_SHIFT) && page->lru.next && !list_empty(&page->lru) &&
	       !page->_refcount && !page_test(page, PG_reserved);
}

/* Two free pages side by side, the first at a multiple of their size: an "order 1" of Linux's buddies, by a search. */
static struct page *pop_free_buddies(void)
{
	struct page *page;

	list_for_each_entry(page, &free_list, lru) {
		struct page *first = pfn_to_page(page_to_pfn(page) & ~1UL);

		if (!page_is_listed(page_to_pfn(page) ^ 1))
			continue;
		list_del_init(&first[0].lru);
		list_del_init(&first[1].lru);
		nr_listed -= 2;
		return first;
	}
	return NULL;
}

/* Direct-map address of two pages of zeros, at a multiple of their size, or NULL. Each is freed by itself. */
void *get_zeroed_page_pair(void)
{
	unsigned long flags = local_irq_save(), pa = 1;
	struct page *page;

	while (!(page = pop_free_buddies()) && (pa = memblock_alloc_page()))
		free_one_page(pfn_to_page(pa >> PAGE_SHIFT));
	local_irq_restore(flags);
	if (!page)
		return NULL;
	prep_new_page(&page[0], __GFP_ZERO);
	prep_new_page(&page[1], __GFP_ZERO);
	return page_address(page);
}

void free_page(void *address)
{
	if (offset_in_page(address) || (unsigned long)address < PAGE_OFFSET ||
	    __pa(address) >= memblock_end_of_DRAM())
		panic("free_page: %016lx is no page of RAM", (unsigned long)address);
	put_page(virt_to_page(address));
}

/* Whole pages only; the kernel's image is freed by its physical pages, whatever its own mapping is by then. */
void free_reserved_area(void *start, void *end, int poison, const char *what)
{
	unsigned long pfn = PAGE_ALIGN(__pa(start)) >> PAGE_SHIFT;

	unsigned long first = pfn;

	for (; pfn < __pa(end) >> PAGE_SHIFT; pfn++) {
		struct page *page = pfn_to_page(pfn);

		BUG_ON(!page_test(page, PG_reserved));
		if (poison >= 0)
			memset(page_address(page), poison, PAGE_SIZE);
		*page = (struct page) { ._refcount = 1, ._mapcount = -1 };
		put_page(page);
	}
	printk(KERN_INFO "Freeing %s memory: %luK\n", what, (pfn - first) * (PAGE_SIZE / 1024));
}

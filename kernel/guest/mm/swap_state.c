/*
 * The swap cache: pages that are in memory and have a place on the swap disk. It is where the entries of several
 * tables that name one place meet again in one page, and why a page that was not written to since it came in need
 * not be written out again. Linux: mm/swap_state.c, mm/page_io.c.
 */
#include <linux/swap.h>
#include "swap_slots.h"

/* The page with a reference for the caller, or NULL. */
struct page *lookup_swap_cache(swp_entry_t entry)
{
	struct page *page = swap_slot(entry)->page;

	if (page)
		get_page(page);
	return page;
}

/* The cache holds a reference of its own. */
noinline void add_to_swap_cache(struct page *page, swp_entry_t entry)
{
	struct swap_slot *slot = swap_slot(entry);

	BUG_ON(slot->page || page_test(page, PG_swapcache));
	get_page(page);
	page_set(page, PG_swapcache);
	page_set(page, PG_swapbacked);
	page->private = entry.val;
	slot->page = page;
}

noinline void delete_from_swap_cache(struct page *page)
{
	struct swap_slot *slot = swap_slot((swp_entry_t) { page->private });

	BUG_ON(slot->page != page);
	slot->page = NULL;
	swap_slot_released(slot);
	page_clear(page, PG_swapcache);
	page->private = 0;
	put_page(page);
}

/* No entry names the place any more: the page can be without it, and is then only in memory. */
bool try_to_free_swap(struct page *page)
{
	if (!page_test(page, PG_swapcache) || swap_count((swp_entry_t) { page->private }))
		return false;
	page_set(page, PG_dirty);
	delete_from_swap_cache(page);
	return true;
}

noinline int swap_readpage(struct page *page, swp_entry_t entry)
{
	return swap_rw_page(entry, page_address(page), false);
}

noinline int swap_writepage(struct page *page)
{
	int err = swap_rw_page((swp_entry_t) { page->private }, page_address(page), true);

	if (!err)
		page_clear(page, PG_dirty);
	return err;
}

/* The page of the place, from memory or from the disk, with a reference; NULL with *ret telling why. One page is read. */
noinline struct page *swapin_readahead(swp_entry_t entry, vm_fault_t *ret)
{
	struct page *page = lookup_swap_cache(entry);

	if (page)
		return page;
	page = alloc_page(GFP_USER);
	if (!page) {
		*ret = VM_FAULT_OOM;
		return NULL;
	}
	*ret = VM_FAULT_MAJOR;
	if (swap_readpage(page, entry)) {
		put_page(page);
		*ret = VM_FAULT_SIGBUS;
		return NULL;
	}
	add_to_swap_cache(page, entry);
	return page;
}

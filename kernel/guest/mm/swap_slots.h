#ifndef MM_SWAP_SLOTS_H
#define MM_SWAP_SLOTS_H

#include <linux/swap.h>

/* A place on the swap disk; free with neither. Linux keeps the two apart: swap_map, and a tree of pages. */
struct swap_slot {
	struct page *page;		/* in memory: the swap cache */
	int count;			/* page-table entries that hold it */
};

#define MAX_SLOT_PAGES 128UL

struct swap_info_struct {
	struct block_device *bdev;
	unsigned long max;		/* places, with the first one that is none; 0: there is no swap */
	unsigned long inuse_pages;
	unsigned long cluster_next;	/* where the search for a free one goes on */
	struct swap_slot *slots[MAX_SLOT_PAGES];
};

extern struct swap_info_struct swap_info;

struct swap_slot *swap_slot(swp_entry_t entry);
void swap_slot_released(struct swap_slot *slot);
int swap_rw_page(swp_entry_t entry, void *page, bool write);

#endif

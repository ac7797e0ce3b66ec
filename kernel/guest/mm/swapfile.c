/*
 * The places of the swap disk: how many page-table entries hold each, and which page in memory is a copy of it.
 * Linux: mm/swapfile.c, where several disks and files can be one after another.
 */
#include <linux/blkdev.h>
#include <linux/init.h>
#include <linux/string.h>
#include <linux/swap.h>
#include "swap_slots.h"

struct swap_info_struct swap_info;

/* The last bytes of the first page of a swap disk, as mkswap(8) writes them. */
static const char swap_signature[] = "SWAPSPACE2";

#define SIGNATURE_AT		(PAGE_SIZE - (sizeof(swap_signature) - 1))
#define SECTORS_PER_PAGE	(PAGE_SIZE >> SECTOR_SHIFT)
#define SLOTS_PER_PAGE		(PAGE_SIZE / sizeof(struct swap_slot))

struct swap_slot *swap_slot(swp_entry_t entry)
{
	unsigned long offset = swp_offset(entry);

	if (swp_type(entry) || !offset || offset >= swap_info.max)
		panic("swap: bad entry %016lx", entry.val);
	return &swap_info.slots[offset / SLOTS_PER_PAGE][offset % SLOTS_PER_PAGE];
}

bool swap_is_on(void)
{
	return swap_info.max;
}

/* The first page holds the signature. */
unsigned long total_swap_pages(void)
{
	return swap_info.max ? swap_info.max - 1 : 0;
}

unsigned long nr_swap_pages(void)
{
	return total_swap_pages() - swap_info.inuse_pages;
}

/* More than half is taken: copies on the disk of pages that are in memory are a waste. */
bool vm_swap_full(void)
{
	return nr_swap_pages() * 2 < total_swap_pages();
}

/* A free place, the search going on where it last ended; false if there is none. */
noinline bool get_swap_page(swp_entry_t *entry)
{
	unsigned long n;

	for (n = 1; n < swap_info.max; n++) {
		struct swap_slot *slot;

		swap_info.cluster_next = swap_info.cluster_next + 1 < swap_info.max ? swap_info.cluster_next + 1 : 1;
		*entry = swp_entry(0, swap_info.cluster_next);
		slot = swap_slot(*entry);
		if (slot->count || slot->page)
			continue;
		swap_info.inuse_pages++;
		return true;
	}
	return false;
}

/* One more page-table entry holds the place. */
void swap_duplicate(swp_entry_t entry)
{
	swap_slot(entry)->count++;
}

int swap_count(swp_entry_t entry)
{
	return swap_slot(entry)->count;
}

/* Neither an entry nor the swap cache has it. */
void swap_slot_released(struct swap_slot *slot)
{
	if (!slot->count && !slot->page)
		swap_info.inuse_pages--;
}

/* One page-table entry less holds the place. */
noinline void swap_free(swp_entry_t entry)
{
	struct swap_slot *slot = swap_slot(entry);

	BUG_ON(!slot->count);
	slot->count--;
	if (!slot->count && slot->page && slot->page->_refcount == 1)
		delete_from_swap_cache(slot->page);
	else
		swap_slot_released(slot);
}

int swap_rw_page(swp_entry_t entry, void *page, bool write)
{
	struct block_device *bdev = swap_info.bdev;

	return bdev->rw_sectors(swp_offset(entry) * SECTORS_PER_PAGE, page, SECTORS_PER_PAGE, write);
}

/* Give a disk of zeros the signature of mkswap(8); 0 if it has one now. */
static int __init check_signature(struct block_device *bdev, char *header)
{
	size_t i;

	if (bdev->rw_sectors(0, header, SECTORS_PER_PAGE, false))
		return -EIO;
	if (!memcmp(header + SIGNATURE_AT, swap_signature, sizeof(swap_signature) - 1))
		return 0;
	for (i = 0; i < PAGE_SIZE; i++)
		if (header[i])
			return -EINVAL;
	memcpy(header + SIGNATURE_AT, swap_signature, sizeof(swap_signature) - 1);
	return bdev->rw_sectors(0, header, SECTORS_PER_PAGE, true);
}

/* How much of the disk is for swap, pages; 0: none. */
static unsigned long swap_wanted;

/* swap=on, swap=off, or swap=SIZE of the disk's beginning. */
static int __init swap_setup(char *str)
{
	swap_wanted = !strcmp(str, "on") ? ~0UL : memparse(str, &str) / PAGE_SIZE;
	return 1;
}
__setup("swap=", swap_setup);

static int __init alloc_slots(unsigned long max)
{
	unsigned long i;

	for (i = 0; i * SLOTS_PER_PAGE < max; i++) {
		swap_info.slots[i] = get_zeroed_page();
		if (!swap_info.slots[i])
			return -ENOMEM;
	}
	return 0;
}

static int __init swapon(struct block_device *bdev)
{
	unsigned long max = min(min(bdev->bd_nr_sectors / SECTORS_PER_PAGE, swap_wanted), MAX_SLOT_PAGES * SLOTS_PER_PAGE);
	char *header = get_zeroed_page();
	int err = header ? check_signature(bdev, header) : -ENOMEM;

	if (header)
		free_page(header);
	if (!err)
		err = alloc_slots(max);
	if (err)
		return err;
	swap_info.bdev = bdev;
	swap_info.max = max;
	printk(KERN_INFO "Adding %luk swap on /dev/%s.  Priority:-2 extents:1 across:%luk\n",
	       total_swap_pages() * (PAGE_SIZE / 1024), bdev->bd_name, total_swap_pages() * (PAGE_SIZE / 1024));
	kswapd_run();
	return 0;
}

/* Linux leaves this to init and its swapon(8); here a word of the command line is enough. */
static int __init init_swap(void)
{
	struct block_device *bdev = swap_wanted ? ata_disk() : NULL;
	int err = bdev ? swapon(bdev) : -ENODEV;

	if (swap_wanted && err)
		printk(KERN_ERR "swap: no disk to swap to (error %d)\n", err);
	return 0;
}
late_initcall(init_swap);

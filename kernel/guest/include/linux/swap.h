#ifndef _LINUX_SWAP_H
#define _LINUX_SWAP_H

#include <linux/mm.h>

struct task_struct;

/* The name of a page on the swap disk: its type, which of the swap areas, and its place there. */
typedef struct {
	unsigned long val;
} swp_entry_t;

/*
 * In a page-table entry that is not present (Linux: arch/x86/include/asm/pgtable_64.h): the type in bits 59-63, the
 * place in bits 9-58, upside down, so that a processor that speculates past the present bit sees a physical address
 * that no machine has (L1TF). Bit 8, _PAGE_PROTNONE, is clear.
 */
#define SWP_TYPE_BITS		5
#define SWP_TYPE_SHIFT		(64 - SWP_TYPE_BITS)
#define SWP_OFFSET_FIRST_BIT	9
#define SWP_OFFSET_SHIFT	(SWP_OFFSET_FIRST_BIT + SWP_TYPE_BITS)

static inline swp_entry_t swp_entry(unsigned long type, unsigned long offset)
{
	return (swp_entry_t) { ~offset << SWP_OFFSET_SHIFT >> SWP_TYPE_BITS | type << SWP_TYPE_SHIFT };
}

static inline unsigned long swp_type(swp_entry_t entry)
{
	return entry.val >> SWP_TYPE_SHIFT;
}

static inline unsigned long swp_offset(swp_entry_t entry)
{
	return ~entry.val << SWP_TYPE_BITS >> SWP_OFFSET_SHIFT;
}

static inline bool is_swap_pte(pte_t pte)
{
	return !pte_none(pte) && !pte_present(pte);
}

static inline swp_entry_t pte_to_swp_entry(pte_t pte)
{
	return (swp_entry_t) { pte };
}

static inline pte_t swp_entry_to_pte(swp_entry_t entry)
{
	return entry.val;
}

/* swapfile.c: the places of the swap disk, and who holds them. */
bool swap_is_on(void);
unsigned long total_swap_pages(void);
unsigned long nr_swap_pages(void);
bool get_swap_page(swp_entry_t *entry);
void swap_duplicate(swp_entry_t entry);
void swap_free(swp_entry_t entry);
int swap_count(swp_entry_t entry);
bool vm_swap_full(void);

/* swap_state.c: pages that are in memory and have a place on the disk too. */
struct page *lookup_swap_cache(swp_entry_t entry);
void add_to_swap_cache(struct page *page, swp_entry_t entry);
void delete_from_swap_cache(struct page *page);
bool try_to_free_swap(struct page *page);
struct page *swapin_readahead(swp_entry_t entry, vm_fault_t *ret);

/* swap_state.c, in Linux page_io.c */
int swap_readpage(struct page *page, swp_entry_t entry);
int swap_writepage(struct page *page);

/* memory.c */
vm_fault_t do_swap_page(struct vm_fault *vmf);

/* vmscan.c */
#define SWAP_CLUSTER_MAX 32UL
unsigned long try_to_free_pages(unsigned long nr_to_reclaim);
void wakeup_kswapd(void);
void kswapd_run(void);

/* oom_kill.c */
struct mm_struct *process_mm(const struct task_struct *p);
void out_of_memory(gfp_t gfp_mask);

#endif

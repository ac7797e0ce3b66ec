/*
 * Taking pages back: a clock whose hand goes from task to task and from page to page. A page that was used since
 * the hand last came, as the processor's accessed bit tells, is spared once; another one goes to the swap disk.
 *
 * This is how Linux did it until 2.4 (swap_out and below). Since then mm/vmscan.c goes by lists of pages, and from
 * a page to the entries that map it (try_to_unmap), so that it need not look at what is used by many or by nobody.
 */
#include <asm/irqflags.h>
#include <asm/tlbflush.h>
#include <linux/sched.h>
#include <linux/swap.h>
#include "swap_slots.h"

static pid_t hand_pid;			/* the hand is in the first task behind this one */
static unsigned long hand_slot;		/* and in the swap cache here */

/* Nobody maps the page: to the disk, if it is not there already, and out of memory. */
static noinline unsigned long pageout(struct page *page)
{
	if (page->_refcount != 1)
		return 0;
	if (page_test(page, PG_dirty) && swap_writepage(page))
		return 0;
	delete_from_swap_cache(page);
	return 1;
}

/* Does the page have a place on the disk, now at least? */
static bool add_to_swap(struct page *page)
{
	swp_entry_t entry;

	if (page_test(page, PG_swapcache))
		return true;
	if (!get_swap_page(&entry))
		return false;
	add_to_swap_cache(page, entry);
	page_set(page, PG_dirty);
	return true;
}

/* Put the page's place on the disk where the page was mapped. */
static void unmap_to_swap(struct vm_area_struct *vma, unsigned long address, pte_t *pte, struct page *page)
{
	swp_entry_t entry = { page->private };
	pte_t old;

	swap_duplicate(entry);
	old = xchg_pte(pte, swp_entry_to_pte(entry));
	flush_tlb_page(vma->vm_mm, address);
	if (pte_dirty(old))
		page_set(page, PG_dirty);
	page_remove_rmap(page, vma);
	vma->vm_mm->rss_stat.count[MM_SWAPENTS]++;
	put_page(page);
}

/* The hand is at a page of vma. How many pages became free: none, or this one. */
static noinline unsigned long try_to_swap_out(struct vm_area_struct *vma, unsigned long address, pte_t *pte)
{
	struct page *page = pte_present(*pte) ? vm_normal_page(*pte) : NULL;

	if (!page || !page_test(page, PG_swapbacked) || page->mapping)
		return 0;
	if (pte_young(*pte)) {
		pte_clear_bits(pte, _PAGE_ACCESSED);
		flush_tlb_page(vma->vm_mm, address);
		return 0;
	}
	if (!add_to_swap(page))
		return 0;
	unmap_to_swap(vma, address, pte, page);
	return pageout(page);
}

/* Go on in mm where the hand was; mm->swap_address is 0 when its end was reached. */
static noinline unsigned long swap_out_mm(struct mm_struct *mm, unsigned long nr_to_reclaim)
{
	unsigned long freed = 0, address = mm->swap_address;
	struct vm_area_struct *vma;
	pte_t *pte;

	list_for_each_entry(vma, &mm->mmap, vm_list) {
		if (vma->vm_end <= address)
			continue;
		address = max(address, vma->vm_start);
		for (; (pte = next_pte(mm->pgd, &address, vma->vm_end)); address += PAGE_SIZE) {
			freed += try_to_swap_out(vma, address, pte);
			if (freed < nr_to_reclaim)
				continue;
			mm->swap_address = address + PAGE_SIZE;
			return freed;
		}
	}
	mm->swap_address = 0;
	return freed;
}

/* The task with memory whose number follows the hand's, or NULL. */
static struct task_struct *next_task_with_mm(void)
{
	struct task_struct *p, *next = NULL;

	for_each_process(p)
		if (process_mm(p) && p->pid > hand_pid && (!next || p->pid < next->pid))
			next = p;
	return next;
}

/* Every page is met twice before this gives up: the first time may find it used. */
static noinline unsigned long swap_out(unsigned long nr_to_reclaim)
{
	unsigned long freed = 0, rounds = 0;

	while (freed < nr_to_reclaim && rounds < 3) {
		struct task_struct *p = next_task_with_mm();
		struct mm_struct *mm;

		if (!p) {
			hand_pid = 0;
			rounds++;
			continue;
		}
		mm = process_mm(p);
		freed += swap_out_mm(mm, nr_to_reclaim - freed);
		if (!mm->swap_address)
			hand_pid = p->pid;
	}
	return freed;
}

/* Pages of the swap cache that came in for a task which is gone, while others still have them on the disk. */
static unsigned long shrink_swap_cache(unsigned long nr_to_reclaim)
{
	unsigned long freed = 0, n;

	for (n = 1; n < swap_info.max && freed < nr_to_reclaim; n++) {
		struct page *page;

		hand_slot = hand_slot + 1 < swap_info.max ? hand_slot + 1 : 1;
		page = swap_slot(swp_entry(0, hand_slot))->page;
		if (page && !page_mapcount(page))
			freed += pageout(page);
	}
	return freed;
}

/* Make nr_to_reclaim pages free, or as many as can be: their number. May write to the disk, and waits for it. */
noinline unsigned long try_to_free_pages(unsigned long nr_to_reclaim)
{
	unsigned long freed;

	if (!swap_is_on() || (current->flags & PF_MEMALLOC))
		return 0;
	current->flags |= PF_MEMALLOC;
	freed = shrink_swap_cache(nr_to_reclaim);
	if (freed < nr_to_reclaim)
		freed += swap_out(nr_to_reclaim - freed);
	current->flags &= ~PF_MEMALLOC;
	return freed;
}

static DECLARE_WAIT_QUEUE_HEAD(kswapd_wait);
static bool kswapd_wanted, kswapd_runs;

/* The kernel's own task for this: it begins when few pages are left, so that who needs one seldom has to wait. */
static noinline int kswapd(void *unused)
{
	for (;;) {
		wait_event(kswapd_wait, kswapd_wanted);
		kswapd_wanted = false;
		while (nr_free_pages() < high_wmark_pages() && try_to_free_pages(SWAP_CLUSTER_MAX))
			cond_resched();
	}
}

/* Called by whoever allocates and sees that few pages are left. */
void wakeup_kswapd(void)
{
	if (!kswapd_runs || kswapd_wanted)
		return;
	kswapd_wanted = true;
	wake_up(&kswapd_wait);
}

void __init kswapd_run(void)
{
	kswapd_runs = kernel_thread(kswapd, NULL, "kswapd0") > 0;
}

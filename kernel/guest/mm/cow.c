/*
 * Copy on write: fork shares every page, closed to writing in both tables; whoever writes first takes a copy.
 * Linux: mm/memory.c.
 */
#include <asm/tlbflush.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/swap.h>

/* Nobody else has the page any more: it need not be copied. */
static noinline vm_fault_t wp_page_reuse(struct vm_fault *vmf)
{
	*vmf->pte = maybe_mkwrite(vmf->orig_pte, vmf->vma) | _PAGE_DIRTY | _PAGE_ACCESSED;
	flush_tlb_page(vmf->vma->vm_mm, vmf->address);
	return 0;
}

/* A copy in place of old, which is NULL if it is the zero page or another that is not counted. */
static noinline vm_fault_t wp_page_copy(struct vm_fault *vmf, struct page *old)
{
	struct page *page;

	if (old)
		get_page(old);
	page = alloc_page(GFP_USER);
	if (page && *vmf->pte == vmf->orig_pte) {
		memcpy(page_address(page), pte_page_address(vmf->orig_pte), PAGE_SIZE);
		page_add_anon_rmap(page, vmf->vma);
		*vmf->pte = maybe_mkwrite(mk_pte(page, vmf->vma->vm_page_prot), vmf->vma) | _PAGE_DIRTY;
		flush_tlb_page(vmf->vma->vm_mm, vmf->address);
		if (old) {
			page_remove_rmap(old, vmf->vma);
			free_page_and_swap_cache(old);
		}
	} else if (page) {
		put_page(page);
	}
	if (old)
		put_page(old);
	return page ? 0 : VM_FAULT_OOM;
}

/* Is the page anonymous, and held by this entry alone? Its copy on the disk, if it has one, is then of no use. */
static bool reuse_swap_page(struct page *page)
{
	if (!page_test(page, PG_swapbacked) || page->mapping || page_mapcount(page) != 1)
		return false;
	try_to_free_swap(page);
	return page->_refcount == 1;
}

/* A write to a present page whose entry forbids it, though the area allows it. */
noinline vm_fault_t do_wp_page(struct vm_fault *vmf)
{
	struct page *page = vm_normal_page(vmf->orig_pte);

	if (vmf->vma->vm_flags & VM_SHARED)
		return wp_page_reuse(vmf);
	if (page && reuse_swap_page(page))
		return wp_page_reuse(vmf);
	return wp_page_copy(vmf, page);
}

/* One entry of the parent's, and the same for the child. */
static noinline void copy_present_pte(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma,
				      pte_t *dst_pte, pte_t *src_pte)
{
	struct page *page = vm_normal_page(*src_pte);

	if (is_cow_mapping(src_vma->vm_flags))
		pte_clear_bits(src_pte, _PAGE_RW);
	if (page) {
		get_page(page);
		if (page_test(page, PG_swapbacked) && !page->mapping)
			page_add_anon_rmap(page, dst_vma);
		else
			page_add_file_rmap(page, dst_vma);
	}
	*dst_pte = *src_pte;
}

/* The page is on the swap disk: one more has its place there. */
static void copy_nonpresent_pte(struct vm_area_struct *dst_vma, pte_t *dst_pte, pte_t pte)
{
	swap_duplicate(pte_to_swp_entry(pte));
	dst_vma->vm_mm->rss_stat.count[MM_SWAPENTS]++;
	*dst_pte = pte;
}

/* fork: what the child's area shows. Shared areas need nothing: their pages are found again by a fault. */
noinline int copy_page_range(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma)
{
	unsigned long address = src_vma->vm_start;
	pte_t *src_pte, *dst_pte;

	if (src_vma->vm_flags & VM_SHARED)
		return 0;
	for (; (src_pte = next_pte(src_vma->vm_mm->pgd, &address, src_vma->vm_end)); address += PAGE_SIZE) {
		dst_pte = alloc_pte(dst_vma->vm_mm->pgd, address);
		if (!dst_pte)
			return -ENOMEM;
		if (pte_present(*src_pte))
			copy_present_pte(dst_vma, src_vma, dst_pte, src_pte);
		else
			copy_nonpresent_pte(dst_vma, dst_pte, *src_pte);
	}
	return 0;
}

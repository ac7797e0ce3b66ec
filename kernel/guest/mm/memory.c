/*
 * A user's pages, made when they are first touched. handle_mm_fault tells by the page-table entry what is to be
 * done, as in Linux's mm/memory.c: none yet, so do_anonymous_page or do_fault; one that may not be written to,
 * so do_wp_page (cow.c); a place on the swap disk, so do_swap_page.
 */
#include <asm/tlbflush.h>
#include <linux/init.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/swap.h>

u8 empty_zero_page[PAGE_SIZE] __page_aligned_bss;

/*
 * Rights of a page when it is first mapped in an area of the given flags. A private one is not writable even if
 * the area is: the fault of the first write tells the kernel to give the area a page of its own.
 */
u64 vm_get_page_prot(unsigned long vm_flags)
{
	u64 prot = _PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED;

	if (!(vm_flags & VM_ACCESS_FLAGS))
		return _PAGE_PROTNONE | _PAGE_ACCESSED | _PAGE_NX;
	if ((vm_flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE))
		prot |= _PAGE_RW;
	if (!(vm_flags & VM_EXEC))
		prot |= _PAGE_NX;
	return prot;
}

/* The entry of a page that is vma's alone: writable if the area is. */
pte_t maybe_mkwrite(pte_t pte, const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_WRITE ? pte | _PAGE_RW : pte;
}

/* The counted page that an entry maps; NULL for the zero page. */
struct page *vm_normal_page(pte_t pte)
{
	return pte_special(pte) ? NULL : pfn_to_page(pte_pfn(pte));
}

/* Give vma an anonymous page, and the caller's reference to it, where it has none: 0, or -ENOMEM. */
int vm_insert_page(struct vm_area_struct *vma, unsigned long address, struct page *page)
{
	pte_t *pte = alloc_pte(vma->vm_mm->pgd, address);

	if (!pte)
		return -ENOMEM;
	BUG_ON(!pte_none(*pte));
	page_add_anon_rmap(page, vma);
	*pte = maybe_mkwrite(mk_pte(page, vma->vm_page_prot), vma) | _PAGE_DIRTY;
	return 0;
}

/* A page without a file. Reading finds the one page of zeros that all share; writing makes a new one. */
static noinline vm_fault_t do_anonymous_page(struct vm_fault *vmf)
{
	struct page *page;

	if (!(vmf->flags & FAULT_FLAG_WRITE)) {
		*vmf->pte = pfn_pte(__pa(empty_zero_page) >> PAGE_SHIFT, vmf->vma->vm_page_prot | _PAGE_SPECIAL);
		return 0;
	}
	page = alloc_page(GFP_USER | __GFP_ZERO);
	if (!page)
		return VM_FAULT_OOM;
	return vm_insert_page(vmf->vma, vmf->address, page) ? VM_FAULT_OOM : 0;
}

/* Map vmf->page, the file's own; the entry takes over its reference. */
static void finish_fault(struct vm_fault *vmf)
{
	pte_t entry = mk_pte(vmf->page, vmf->vma->vm_page_prot);

	if (vmf->flags & FAULT_FLAG_WRITE)
		entry |= _PAGE_DIRTY;
	page_add_file_rmap(vmf->page, vmf->vma);
	*vmf->pte = entry;
}

/* A private page is written to before it was ever read: copy the file's page at once. */
static noinline vm_fault_t do_cow_fault(struct vm_fault *vmf)
{
	struct page *copy = alloc_page(GFP_USER);
	vm_fault_t ret = copy ? vmf->vma->vm_ops->fault(vmf) : VM_FAULT_OOM;

	if (ret & VM_FAULT_ERROR) {
		if (copy)
			put_page(copy);
		return ret;
	}
	memcpy(page_address(copy), page_address(vmf->page), PAGE_SIZE);
	put_page(vmf->page);
	return vm_insert_page(vmf->vma, vmf->address, copy) ? VM_FAULT_OOM : ret;
}

/* Bytes around a touched page of a file that are mapped with it, if they are in memory. Linux: the same, by debugfs. */
static unsigned long fault_around_bytes = 65536;

static int __init fault_around_setup(char *str)
{
	fault_around_bytes = ALIGN_DOWN(memparse(str, &str), PAGE_SIZE);
	return 1;
}
__setup("fault_around_bytes=", fault_around_setup);

/* One fault for many pages that lie near each other: they are here anyway, and likely to be wanted next. */
static noinline void do_fault_around(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long start = max(ALIGN_DOWN(vmf->address, max(fault_around_bytes, PAGE_SIZE)), vma->vm_start);
	unsigned long end = min(start + fault_around_bytes, min(ALIGN_DOWN(vmf->address, PMD_SIZE) + PMD_SIZE, vma->vm_end));
	unsigned long va;

	for (va = max(start, ALIGN_DOWN(vmf->address, PMD_SIZE)); va < end; va += PAGE_SIZE) {
		pte_t *pte = vmf->pte + ((long)(va - vmf->address) >> PAGE_SHIFT);
		struct page *page = pte_none(*pte) ? vma->vm_ops->map_page(vma, linear_page_index(vma, va)) : NULL;

		if (!page)
			continue;
		page_add_file_rmap(page, vma);
		*pte = mk_pte(page, vma->vm_page_prot & ~_PAGE_ACCESSED);
	}
}

/* A page of a file: read, or shared with all who have the file. */
static noinline vm_fault_t do_read_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = vmf->vma->vm_ops->fault(vmf);

	if (ret & VM_FAULT_ERROR)
		return ret;
	finish_fault(vmf);
	if (vmf->vma->vm_ops->map_page && !(vmf->flags & FAULT_FLAG_WRITE))
		do_fault_around(vmf);
	return ret;
}

static noinline vm_fault_t do_fault(struct vm_fault *vmf)
{
	if ((vmf->flags & FAULT_FLAG_WRITE) && !(vmf->vma->vm_flags & VM_SHARED))
		return do_cow_fault(vmf);
	return do_read_fault(vmf);
}

/*
 * A page that was taken away: back from the swap disk, or from the swap cache. An entry that is the last to name
 * its place on the disk, and writes, has the page for itself.
 */
noinline vm_fault_t do_swap_page(struct vm_fault *vmf)
{
	swp_entry_t entry = pte_to_swp_entry(vmf->orig_pte);
	vm_fault_t ret = 0;
	struct page *page = swapin_readahead(entry, &ret);
	pte_t pte;

	if (!page)
		return ret;
	if (*vmf->pte != vmf->orig_pte) {
		put_page(page);
		return ret;
	}
	pte = mk_pte(page, vmf->vma->vm_page_prot);
	vmf->vma->vm_mm->rss_stat.count[MM_SWAPENTS]--;
	page_add_anon_rmap(page, vmf->vma);
	swap_free(entry);
	if ((vmf->flags & FAULT_FLAG_WRITE || vm_swap_full()) && page_mapcount(page) == 1 && try_to_free_swap(page))
		pte = maybe_mkwrite(pte, vmf->vma) | _PAGE_DIRTY;
	*vmf->pte = vmf->orig_pte = pte;
	if ((vmf->flags & FAULT_FLAG_WRITE) && !pte_write(pte))
		ret |= do_wp_page(vmf);
	return ret;
}

static noinline vm_fault_t handle_pte_fault(struct vm_fault *vmf)
{
	vmf->orig_pte = *vmf->pte;
	if (pte_none(vmf->orig_pte))
		return vmf->vma->vm_ops ? do_fault(vmf) : do_anonymous_page(vmf);
	if (is_swap_pte(vmf->orig_pte))
		return do_swap_page(vmf);
	if ((vmf->flags & FAULT_FLAG_WRITE) && !pte_write(vmf->orig_pte))
		return do_wp_page(vmf);
	*vmf->pte |= _PAGE_ACCESSED | (vmf->flags & FAULT_FLAG_WRITE ? _PAGE_DIRTY : 0);
	invlpg(vmf->address);		/* more rights than before: another processor that knows less faults, and comes here */
	return 0;
}

/* Called by the page fault for an access that vma allows: VM_FAULT_ bits, 0 if the access can be tried again. */
noinline vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int flags)
{
	struct vm_fault vmf = {
		.vma = vma,
		.address = address & PAGE_MASK,
		.pgoff = linear_page_index(vma, address),
		.flags = flags,
	};

	if (vma->vm_mm->flags & MMF_UNSTABLE)
		return VM_FAULT_SIGBUS;
	vmf.pte = alloc_pte(vma->vm_mm->pgd, address);
	return vmf.pte ? handle_pte_fault(&vmf) : VM_FAULT_OOM;
}

/* Forget what an entry of vma held. */
static void zap_pte(struct vm_area_struct *vma, pte_t pte)
{
	struct page *page;

	if (is_swap_pte(pte)) {
		vma->vm_mm->rss_stat.count[MM_SWAPENTS]--;
		swap_free(pte_to_swp_entry(pte));
		return;
	}
	page = vm_normal_page(pte);
	if (!page)
		return;
	if (pte_dirty(pte))
		page_set(page, PG_dirty);
	page_remove_rmap(page, vma);
	free_page_and_swap_cache(page);
}

#define MMU_GATHER_BUNDLE 32

/* Entries that are gone from vma's tables, and where they were: a page is free when no processor knows it any more. */
struct mmu_gather {
	struct vm_area_struct *vma;
	unsigned long start, end;
	unsigned int nr;
	pte_t ptes[MMU_GATHER_BUNDLE];
};

static void tlb_flush_mmu(struct mmu_gather *tlb)
{
	unsigned int i;

	if (!tlb->nr)
		return;
	flush_tlb_mm_range(tlb->vma->vm_mm, tlb->start, tlb->end);
	for (i = 0; i < tlb->nr; i++)
		zap_pte(tlb->vma, tlb->ptes[i]);
	tlb->nr = 0;
}

/* The pages of [start, end) are vma's no more. */
noinline void zap_page_range(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct mmu_gather tlb = { .vma = vma };
	pte_t *pte;

	for (; (pte = next_pte(vma->vm_mm->pgd, &start, end)); start += PAGE_SIZE) {
		if (!tlb.nr)
			tlb.start = start;
		tlb.end = start + PAGE_SIZE;
		tlb.ptes[tlb.nr++] = xchg_pte(pte, 0);
		if (tlb.nr == MMU_GATHER_BUNDLE)
			tlb_flush_mmu(&tlb);
	}
	tlb_flush_mmu(&tlb);
}

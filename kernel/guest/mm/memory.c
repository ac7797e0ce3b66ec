/* A user's pages: made when first touched. */
#include <linux/mm.h>
#include <linux/sched.h>

/* Rights of a page in an area of the given flags. A page that may not be read has no user bit at all. */
u64 vm_get_page_prot(unsigned long vm_flags)
{
	u64 prot = _PAGE_PRESENT | _PAGE_ACCESSED;

	if (vm_flags & (VM_READ | VM_WRITE | VM_EXEC))
		prot |= _PAGE_USER;
	if (vm_flags & VM_WRITE)
		prot |= _PAGE_RW;
	if (!(vm_flags & VM_EXEC))
		prot |= _PAGE_NX;
	return prot;
}

/* The page of vma at address, zeroed if it is new; its direct-map address, or NULL when memory is out. */
void *install_page(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long address)
{
	pte_t *pte = alloc_pte(mm->pgd, address);
	void *page;

	if (!pte)
		return NULL;
	if (pte_present(*pte))
		return pte_page_address(*pte);
	page = get_zeroed_page();
	if (page)
		*pte = __pa(page) | vm_get_page_prot(vma->vm_flags);
	return page;
}

/* Called by the page fault for an access that vma allows: 0, or -ENOMEM. */
noinline int handle_mm_fault(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long address)
{
	return install_page(mm, vma, address & PAGE_MASK) ? 0 : -ENOMEM;
}

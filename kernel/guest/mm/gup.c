/* A user's page for the kernel to write to, whether it is there or not. Linux: mm/gup.c. */
#include <linux/sched.h>

/* Direct-map address of vma's page, made or copied as by a user's write; NULL when memory is out. */
void *get_user_page(struct vm_area_struct *vma, unsigned long address)
{
	pte_t *pte = lookup_pte(vma->vm_mm->pgd, address);

	while (!pte || !pte_present(*pte) || !pte_write(*pte)) {
		if (handle_mm_fault(vma, address, FAULT_FLAG_WRITE) & VM_FAULT_ERROR)
			return NULL;
		pte = lookup_pte(vma->vm_mm->pgd, address);
	}
	return pte_page_address(*pte);
}

/* Make the pages of the current task's areas that lie in [start, start + len) present, as reading would. */
noinline void mm_populate(unsigned long start, unsigned long len)
{
	unsigned long va;

	for (va = start; va < start + len; va += PAGE_SIZE) {
		struct vm_area_struct *vma = find_vma(current->mm, va);
		pte_t *pte = lookup_pte(current->mm->pgd, va);

		if (!vma || vma->vm_start > va || (pte && !pte_none(*pte)))
			continue;
		if (handle_mm_fault(vma, va, vma->vm_flags & VM_WRITE ? FAULT_FLAG_WRITE : 0) & VM_FAULT_ERROR)
			return;
		cond_resched();
	}
}

/* A user's page for the kernel to write to, whether it is there or not. Linux: mm/gup.c. */
#include <linux/mm.h>

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

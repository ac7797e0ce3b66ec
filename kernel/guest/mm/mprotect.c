/* Other rights for what is mapped. Linux: mm/mprotect.c. */
#include <asm/tlbflush.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/sched.h>
#include <linux/syscalls.h>
#include "vma.h"

static noinline void change_protection(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long prot)
{
	unsigned long va = vma->vm_start;
	pte_t *pte;

	vma->vm_flags = (vma->vm_flags & ~VM_ACCESS_FLAGS) | prot;
	vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);
	for (; (pte = next_pte(mm->pgd, &va, vma->vm_end)); va += PAGE_SIZE) {
		pte_t old;

		if (!pte_present(*pte))
			continue;
		old = xchg_pte(pte, 0);
		*pte = pte_modify(old, vma->vm_page_prot);
	}
	flush_tlb_mm_range(mm, vma->vm_start, vma->vm_end);
}

/* May every area of the range have these rights? A shared file that was opened for reading can't be written to. */
static bool may_protect(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned long prot)
{
	struct vm_area_struct *vma;

	list_for_each_entry(vma, &mm->mmap, vm_list)
		if (vma->vm_start < end && vma->vm_end > start && (prot << 4 & ~vma->vm_flags & VM_MAYACCESS))
			return false;
	return true;
}

noinline long sys_mprotect(unsigned long start, size_t len, unsigned long prot)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long end;

	if (!len && !offset_in_page(start))
		return 0;
	if (!user_range(start, len, &end) || (prot & ~PROT_MASK))
		return -EINVAL;
	if (!range_is_mapped(mm, start, end))
		return -ENOMEM;
	if (!may_protect(mm, start, end, prot))
		return -EACCES;
	if ((prot & PROT_READ) && (current->personality & READ_IMPLIES_EXEC))
		prot |= PROT_EXEC;
	if (split_range(mm, start, end))
		return -ENOMEM;
	list_for_each_entry(vma, &mm->mmap, vm_list)
		if (vma->vm_start >= start && vma->vm_end <= end)
			change_protection(mm, vma, prot);
	vma_merge(mm, start, end);
	return 0;
}

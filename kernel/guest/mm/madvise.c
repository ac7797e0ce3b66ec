/* What a program says of its memory in advance, and asks about it. Linux: mm/madvise.c, mm/msync.c, mm/mincore.c. */
#include <asm/uaccess.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/syscalls.h>
#include "vma.h"

/* The pages go; who touches one again gets the file's, or zeros. */
static noinline void madvise_dontneed(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;

	list_for_each_entry(vma, &mm->mmap, vm_list)
		if (vma->vm_start < end && vma->vm_end > start)
			zap_page_range(vma, max(start, vma->vm_start), min(end, vma->vm_end));
}

noinline long sys_madvise(unsigned long start, size_t len, int behavior)
{
	unsigned long end;

	if (behavior < MADV_NORMAL || (behavior > MADV_DONTNEED && behavior != MADV_FREE))
		return -EINVAL;
	if (!len && !offset_in_page(start))
		return 0;
	if (!user_range(start, len, &end))
		return -EINVAL;
	if (behavior == MADV_WILLNEED)
		mm_populate(start, end - start);
	else if (behavior >= MADV_DONTNEED)
		madvise_dontneed(current->mm, start, end);
	return range_is_mapped(current->mm, start, end) ? 0 : -ENOMEM;
}

/* Files have their bytes in the pages that are mapped: there is nowhere to write them to. */
long sys_msync(unsigned long start, size_t len, int flags)
{
	unsigned long end;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	if (!len && !offset_in_page(start))
		return 0;
	if (!user_range(start, len, &end))
		return -EINVAL;
	return range_is_mapped(current->mm, start, end) ? 0 : -ENOMEM;
}

/* A byte for each page: is it in memory? */
long sys_mincore(unsigned long start, size_t len, unsigned char __user *vec)
{
	unsigned long end, va;

	if (!user_range(start, len, &end))
		return len ? (offset_in_page(start) ? -EINVAL : -ENOMEM) : 0;
	if (!range_is_mapped(current->mm, start, end))
		return -ENOMEM;
	for (va = start; va < end; va += PAGE_SIZE) {
		pte_t *pte = lookup_pte(current->mm->pgd, va);
		unsigned char resident = pte && pte_present(*pte);

		if (copy_to_user(vec++, &resident, 1))
			return -EFAULT;
	}
	return 0;
}

/* An area that grows, shrinks or moves, with its pages. Linux: mm/mremap.c. */
#include <asm/tlbflush.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/syscalls.h>
#include "vma.h"

/* Move the entries of [old, old + len) to new, whatever they hold: 0, or -ENOMEM with some moved. */
static noinline int move_page_tables(struct mm_struct *mm, unsigned long old, unsigned long new, unsigned long len)
{
	unsigned long va = old;
	pte_t *from, *to;

	for (; (from = next_pte(mm->pgd, &va, old + len)); va += PAGE_SIZE) {
		to = alloc_pte(mm->pgd, new + (va - old));
		if (!to)
			return -ENOMEM;
		*to = *from;
		*from = 0;
		flush_tlb_page(mm, va);
	}
	return 0;
}

/* The area [addr, addr + old_len) to new_addr, where new_len bytes are free. */
static noinline long move_vma(struct vm_area_struct *vma, unsigned long addr, unsigned long old_len,
			      unsigned long new_len, unsigned long new_addr)
{
	struct mm_struct *mm = vma->vm_mm;

	if (!copy_vma(mm, vma, addr, new_addr, new_addr + new_len))
		return -ENOMEM;
	if (move_page_tables(mm, addr, new_addr, min(old_len, new_len))) {
		move_page_tables(mm, new_addr, addr, min(old_len, new_len));
		do_munmap(mm, new_addr, new_addr + new_len);
		return -ENOMEM;
	}
	do_munmap(mm, addr, addr + old_len);
	vma_merge(mm, new_addr, new_addr + new_len);
	return new_addr;
}

/* Where it is: shrunk, or grown into what is free behind it; 0 if that is not. */
static long resize_in_place(struct vm_area_struct *vma, unsigned long addr, unsigned long old_len,
			    unsigned long new_len)
{
	struct mm_struct *mm = vma->vm_mm;
	unsigned long end = addr + new_len;

	if (new_len <= old_len)
		return new_len < old_len && do_munmap(mm, end, addr + old_len) ? -ENOMEM : (long)addr;
	if (addr + old_len != vma->vm_end || end > TASK_SIZE || !range_is_free(mm, vma->vm_end, end))
		return 0;
	vma->vm_end = end;
	vma_merge(mm, addr, end);
	return addr;
}

static long mremap_to(struct vm_area_struct *vma, unsigned long addr, unsigned long old_len, unsigned long new_len,
		      unsigned long new_addr)
{
	unsigned long end;

	if (!user_range(new_addr, new_len, &end) || (new_addr < addr + old_len && end > addr))
		return -EINVAL;
	if (new_addr < MMAP_MIN_ADDR)
		return -EPERM;
	if (do_munmap(vma->vm_mm, new_addr, end))
		return -ENOMEM;
	return move_vma(vma, addr, old_len, new_len, new_addr);
}

noinline long sys_mremap(unsigned long addr, unsigned long old_len, unsigned long new_len, unsigned long flags,
			 unsigned long new_addr)
{
	struct vm_area_struct *vma = find_vma(current->mm, addr);
	unsigned long end;
	long ret;

	if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) || (flags & MREMAP_FIXED && !(flags & MREMAP_MAYMOVE)))
		return -EINVAL;
	if (!new_len || !user_range(addr, old_len, &end) || new_len > TASK_SIZE)
		return -EINVAL;
	old_len = PAGE_ALIGN(old_len);
	new_len = PAGE_ALIGN(new_len);
	if (!vma || vma->vm_start > addr || end > vma->vm_end)
		return -EFAULT;
	if (new_len > old_len && !may_commit(new_len - old_len))
		return -ENOMEM;
	if (flags & MREMAP_FIXED)
		return mremap_to(vma, addr, old_len, new_len, new_addr);
	ret = resize_in_place(vma, addr, old_len, new_len);
	if (ret)
		return ret;
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	new_addr = get_unmapped_area(current->mm, new_len);
	return new_addr ? move_vma(vma, addr, old_len, new_len, new_addr) : -ENOMEM;
}

/*
 * The areas of a user's address space: a list by address, in which ranges are found, added, cut and joined. Linux
 * keeps them in a maple tree (mm/mmap.c, mm/vma.c); until 6.0 it was a red-black tree and a list.
 */
#include <asm/tlbflush.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/string.h>
#include "vma.h"

/* The first area that ends above addr, or NULL. It may begin above it too. */
struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma;

	list_for_each_entry(vma, &mm->mmap, vm_list)
		if (vma->vm_end > addr)
			return vma;
	return NULL;
}

bool range_is_free(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = find_vma(mm, start);

	return !vma || vma->vm_start >= end;
}

/* A new area of [start, end), page-aligned and free; NULL when memory is out. Takes a reference of file. */
struct vm_area_struct *insert_vm_area(struct mm_struct *mm, unsigned long start, unsigned long end,
				      unsigned long flags, struct file *file)
{
	struct vm_area_struct *next = find_vma(mm, start);
	struct vm_area_struct *vma = kzalloc(sizeof(*vma));

	if (!vma)
		return NULL;
	BUG_ON(start >= end || !range_is_free(mm, start, end));
	vma->vm_start = start;
	vma->vm_end = end;
	vma->vm_mm = mm;
	vma->vm_flags = flags | (flags & VM_SHARED ? 0 : VM_MAYACCESS);
	vma->vm_page_prot = vm_get_page_prot(flags);
	vma->vm_file = file ? get_file(file) : NULL;
	list_add_tail(&vma->vm_list, next ? &next->vm_list : &mm->mmap);
	return vma;
}

/* The page of its file, or of nothing, that an area shows at address. */
unsigned long linear_page_index(const struct vm_area_struct *vma, unsigned long address)
{
	return ((address - vma->vm_start) >> PAGE_SHIFT) + vma->vm_pgoff;
}

/* An area of mm that shows what old does in [start, end): of fork, of mremap, or old's upper half. */
struct vm_area_struct *copy_vma(struct mm_struct *mm, const struct vm_area_struct *old, unsigned long from,
				unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = insert_vm_area(mm, start, end, old->vm_flags, old->vm_file);

	if (!vma)
		return NULL;
	vma->vm_ops = old->vm_ops;
	vma->vm_pgoff = linear_page_index(old, from);
	return vma;
}

static void remove_vma(struct vm_area_struct *vma)
{
	list_del_init(&vma->vm_list);
	if (vma->vm_file)
		fput(vma->vm_file);
	kfree(vma);
}

void free_vm_areas(struct mm_struct *mm)
{
	struct vm_area_struct *vma, *next;

	list_for_each_entry_safe(vma, next, &mm->mmap, vm_list) {
		zap_page_range(vma, vma->vm_start, vma->vm_end);
		remove_vma(vma);
	}
}

/* fork's half: every area, with the pages it has, shared until they are written to. On failure mm is left for mmput. */
noinline int dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm)
{
	struct vm_area_struct *old, *vma;
	int err = 0;

	list_for_each_entry(old, &oldmm->mmap, vm_list) {
		vma = copy_vma(mm, old, old->vm_start, old->vm_start, old->vm_end);
		err = vma ? copy_page_range(vma, old) : -ENOMEM;
		if (err)
			break;
	}
	flush_tlb_mm(oldmm);
	return err;
}

/* Make addr, strictly inside vma, the border of two areas. */
noinline int split_vma(struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long end = vma->vm_end;

	vma->vm_end = addr;
	if (copy_vma(vma->vm_mm, vma, addr, addr, end))
		return 0;
	vma->vm_end = end;
	return -ENOMEM;
}

/* Make start and end borders of areas, so that whole areas can be changed. */
int split_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	unsigned long borders[] = { start, end };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(borders); i++) {
		struct vm_area_struct *vma = find_vma(mm, borders[i]);

		if (vma && vma->vm_start < borders[i] && split_vma(vma, borders[i]))
			return -ENOMEM;
	}
	return 0;
}

/* Does next go on where vma ends, in every respect? */
static bool can_vma_merge(const struct vm_area_struct *vma, const struct vm_area_struct *next)
{
	return vma->vm_end == next->vm_start && vma->vm_flags == next->vm_flags && vma->vm_ops == next->vm_ops &&
	       vma->vm_file == next->vm_file &&
	       (!vma->vm_ops || linear_page_index(vma, vma->vm_end) == next->vm_pgoff);
}

/* Make one area of neighbours that are alike, where one begins or ends in [start, end]. */
noinline void vma_merge(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma, *next;

	list_for_each_entry_safe(vma, next, &mm->mmap, vm_list) {
		if (&next->vm_list == &mm->mmap || next->vm_start > end)
			return;
		if (next->vm_start < start || !can_vma_merge(vma, next))
			continue;
		next->vm_start = vma->vm_start;
		next->vm_pgoff = vma->vm_pgoff;
		remove_vma(vma);
	}
}

/* Nothing is mapped in [start, end) any more: 0, or -ENOMEM. */
noinline int do_munmap(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma, *next;
	int err = split_range(mm, start, end);

	if (err)
		return err;
	list_for_each_entry_safe(vma, next, &mm->mmap, vm_list) {
		if (vma->vm_start < start || vma->vm_end > end)
			continue;
		zap_page_range(vma, vma->vm_start, vma->vm_end);
		remove_vma(vma);
	}
	return 0;
}

/* Page-aligned bounds of a user's request; false if they are not its to ask for. */
bool user_range(unsigned long start, unsigned long len, unsigned long *end)
{
	if (offset_in_page(start) || !len || len > TASK_SIZE || start > TASK_SIZE - PAGE_ALIGN(len))
		return false;
	*end = start + PAGE_ALIGN(len);
	return true;
}

/* Is every page of [start, end) in some area? */
bool range_is_mapped(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	while (start < end) {
		struct vm_area_struct *vma = find_vma(mm, start);

		if (!vma || vma->vm_start > start)
			return false;
		start = vma->vm_end;
	}
	return true;
}

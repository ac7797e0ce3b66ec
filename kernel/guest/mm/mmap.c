/* The areas of a user's address space, and the calls that change them. */
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/swap.h>
#include <linux/syscalls.h>

#define PROT_READ	1
#define PROT_WRITE	2
#define PROT_EXEC	4
#define PROT_MASK	(PROT_READ | PROT_WRITE | PROT_EXEC)
#define MAP_PRIVATE	0x02
#define MAP_FIXED	0x10
#define MAP_ANONYMOUS	0x20

BUILD_BUG_ON(VM_READ != PROT_READ || VM_WRITE != PROT_WRITE || VM_EXEC != PROT_EXEC);

/* The first area that ends above addr, or NULL. It may begin above it too. */
struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma;

	list_for_each_entry(vma, &mm->mmap, vm_list)
		if (vma->vm_end > addr)
			return vma;
	return NULL;
}

/* No single wish may be for more than all memory and swap (Linux: overcommit_memory 0). */
static bool may_commit(unsigned long len)
{
	return len >> PAGE_SHIFT <= totalram_pages() + total_swap_pages();
}

static bool range_is_free(struct mm_struct *mm, unsigned long start, unsigned long end)
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
		vma = insert_vm_area(mm, old->vm_start, old->vm_end, old->vm_flags, old->vm_file);
		err = vma ? copy_page_range(vma, old) : -ENOMEM;
		if (err)
			break;
	}
	__flush_tlb_all();
	return err;
}

/* Make addr, strictly inside vma, the border of two areas. */
static int split_vma(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long end = vma->vm_end;

	vma->vm_end = addr;
	if (insert_vm_area(mm, addr, end, vma->vm_flags, vma->vm_file))
		return 0;
	vma->vm_end = end;
	return -ENOMEM;
}

/* Make start and end borders of areas, so that whole areas can be changed. */
static int split_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	unsigned long borders[] = { start, end };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(borders); i++) {
		struct vm_area_struct *vma = find_vma(mm, borders[i]);

		if (vma && vma->vm_start < borders[i] && split_vma(mm, vma, borders[i]))
			return -ENOMEM;
	}
	return 0;
}

static int do_munmap(struct mm_struct *mm, unsigned long start, unsigned long end)
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
static bool user_range(unsigned long start, unsigned long len, unsigned long *end)
{
	if (offset_in_page(start) || !len || len > TASK_SIZE || start > TASK_SIZE - PAGE_ALIGN(len))
		return false;
	*end = start + PAGE_ALIGN(len);
	return true;
}

/* The highest free range of len bytes below mm->mmap_base, or 0. */
unsigned long get_unmapped_area(struct mm_struct *mm, unsigned long len)
{
	unsigned long end = mm->mmap_base;
	struct vm_area_struct *vma;

	list_for_each_entry_reverse(vma, &mm->mmap, vm_list) {
		if (vma->vm_start >= end)
			continue;
		if (vma->vm_end <= end && end - vma->vm_end >= len)
			break;
		end = vma->vm_start;
	}
	return end >= len + MMAP_MIN_ADDR ? end - len : 0;
}

long sys_mmap(unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags,
	      unsigned long fd, unsigned long off)
{
	struct mm_struct *mm = current->mm;
	unsigned long end;

	if (!(flags & MAP_ANONYMOUS) || !(flags & MAP_PRIVATE) || (prot & ~PROT_MASK))
		return -EINVAL;
	if (!user_range(flags & MAP_FIXED ? addr : 0, len, &end))
		return -EINVAL;
	len = PAGE_ALIGN(len);
	if (!may_commit(len))
		return -ENOMEM;
	if (!(flags & MAP_FIXED))
		addr = get_unmapped_area(mm, len);
	if (addr < MMAP_MIN_ADDR)
		return flags & MAP_FIXED ? -EPERM : -ENOMEM;
	if (do_munmap(mm, addr, addr + len))
		return -ENOMEM;
	return insert_vm_area(mm, addr, addr + len, prot, NULL) ? (long)addr : -ENOMEM;
}

long sys_munmap(unsigned long addr, size_t len)
{
	unsigned long end;

	if (!user_range(addr, len, &end))
		return -EINVAL;
	return do_munmap(current->mm, addr, end);
}

static void change_protection(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long prot)
{
	unsigned long va = vma->vm_start;
	pte_t *pte;

	vma->vm_flags = (vma->vm_flags & ~VM_ACCESS_FLAGS) | prot;
	vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);
	for (; (pte = next_pte(mm->pgd, &va, vma->vm_end)); va += PAGE_SIZE) {
		if (!pte_present(*pte))
			continue;
		*pte = pte_modify(*pte, vma->vm_page_prot);
		invlpg(va);
	}
}

/* Is every page of [start, end) in some area? */
static bool range_is_mapped(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	while (start < end) {
		struct vm_area_struct *vma = find_vma(mm, start);

		if (!vma || vma->vm_start > start)
			return false;
		start = vma->vm_end;
	}
	return true;
}

long sys_mprotect(unsigned long start, size_t len, unsigned long prot)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long end;

	if (!len && !offset_in_page(start))
		return 0;
	if (!user_range(start, len, &end) || (prot & ~PROT_MASK))
		return -EINVAL;
	if (!range_is_mapped(mm, start, end) || split_range(mm, start, end))
		return -ENOMEM;
	list_for_each_entry(vma, &mm->mmap, vm_list)
		if (vma->vm_start >= start && vma->vm_end <= end)
			change_protection(mm, vma, prot);
	return 0;
}

/* Move the end of the heap; an impossible wish leaves it where it was, and the answer tells. */
long sys_brk(unsigned long brk)
{
	struct mm_struct *mm = current->mm;
	unsigned long old_end = PAGE_ALIGN(mm->brk), new_end = PAGE_ALIGN(brk);

	if (brk < mm->start_brk || brk > mm->mmap_base)
		return mm->brk;
	if (new_end < old_end && do_munmap(mm, new_end, old_end))
		return mm->brk;
	if (new_end > old_end &&
	    (!may_commit(new_end - old_end) || !range_is_free(mm, old_end, new_end + PAGE_SIZE) ||
	     !insert_vm_area(mm, old_end, new_end, VM_READ | VM_WRITE, NULL)))
		return mm->brk;
	mm->brk = brk;
	return brk;
}

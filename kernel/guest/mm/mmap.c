/* The calls that add to a user's address space, and take away. Linux: mm/mmap.c, mm/util.c. */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/sched.h>
#include <linux/swap.h>
#include <linux/syscalls.h>
#include "vma.h"

BUILD_BUG_ON(VM_READ != PROT_READ || VM_WRITE != PROT_WRITE || VM_EXEC != PROT_EXEC);

/* No single wish may be for more than all memory and swap (Linux: overcommit_memory 0). */
bool may_commit(unsigned long len)
{
	return len >> PAGE_SHIFT <= totalram_pages() + total_swap_pages();
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

/* What an area of file may be: 0 with *vm_flags, or -EACCES where the file was not opened for it. */
static int file_vm_flags(const struct file *file, unsigned long prot, unsigned long flags, unsigned long *vm_flags)
{
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;

	if (!(file->f_mode & FMODE_READ) || (shared && (prot & PROT_WRITE) && !(file->f_mode & FMODE_WRITE)))
		return -EACCES;
	*vm_flags = prot | VM_MAYREAD | VM_MAYEXEC;
	if (shared)
		*vm_flags |= VM_SHARED | VM_MAYSHARE;
	if (!shared || (file->f_mode & FMODE_WRITE))
		*vm_flags |= VM_MAYWRITE;
	return file->f_op->mmap ? 0 : -ENODEV;
}

/* An area of [addr, addr + len), which is free, that shows file from pgoff on, or nothing: addr, or -errno. */
static noinline long mmap_region(struct file *file, unsigned long addr, unsigned long len, unsigned long vm_flags,
				 unsigned long pgoff)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma = insert_vm_area(mm, addr, addr + len, vm_flags, file);
	int err = vma ? 0 : -ENOMEM;

	if (!err)
		vma->vm_pgoff = pgoff;
	if (!err && file)
		err = file->f_op->mmap(file, vma);
	else if (!err && (vm_flags & VM_SHARED))
		err = shmem_zero_setup(vma);
	if (err) {
		if (vma)
			do_munmap(mm, addr, addr + len);
		return err;
	}
	vma_merge(mm, addr, addr + len);
	return addr;
}

/* So low that a null pointer of the kernel's, with a small offset, could meet it (Linux: cap_mmap_addr). */
static bool may_map_low(unsigned long addr)
{
	return addr >= MMAP_MIN_ADDR || current_cred()->euid == GLOBAL_ROOT_UID;
}

/* Where it goes: where it must, where it would like to, or where there is room. */
static long choose_address(struct mm_struct *mm, unsigned long addr, unsigned long len, unsigned long flags)
{
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (!may_map_low(addr))
			return -EPERM;
		return flags & MAP_FIXED || range_is_free(mm, addr, addr + len) ? (long)addr : -EEXIST;
	}
	addr = PAGE_ALIGN(addr);
	if (addr >= MMAP_MIN_ADDR && addr <= TASK_SIZE - len && range_is_free(mm, addr, addr + len))
		return addr;
	addr = get_unmapped_area(mm, len);
	return addr >= MMAP_MIN_ADDR ? (long)addr : -ENOMEM;
}

/* The kernel's side of mmap; len is whole pages. */
noinline long do_mmap(struct file *file, unsigned long addr, unsigned long len, unsigned long prot,
		      unsigned long flags, unsigned long pgoff)
{
	unsigned long vm_flags;
	int err = 0;

	if ((prot & PROT_READ) && (current->personality & READ_IMPLIES_EXEC))
		prot |= PROT_EXEC;
	vm_flags = prot;
	if ((flags & MAP_TYPE) != MAP_PRIVATE)
		vm_flags |= VM_SHARED | VM_MAYSHARE | VM_MAYACCESS;
	if (file)
		err = file_vm_flags(file, prot, flags, &vm_flags);
	if (err)
		return err;
	if (!may_commit(len) && (!file || (vm_flags & (VM_SHARED | VM_WRITE)) == VM_WRITE))
		return -ENOMEM;
	addr = choose_address(current->mm, addr, len, flags);
	if (IS_ERR(addr))
		return addr;
	if (do_munmap(current->mm, addr, addr + len))
		return -ENOMEM;
	return mmap_region(file, addr, len, vm_flags, pgoff);
}

static bool map_type_is_known(unsigned long flags)
{
	unsigned long type = flags & MAP_TYPE;

	return type == MAP_PRIVATE || type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
}

noinline long sys_mmap(unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags,
		       unsigned long fd, unsigned long off)
{
	struct file *file = flags & MAP_ANONYMOUS ? NULL : fget(fd);
	bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	unsigned long end;
	long ret;

	if (!map_type_is_known(flags) || (prot & ~PROT_MASK) || offset_in_page(off))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS) && !file)
		return -EBADF;
	if (!user_range(fixed ? addr : 0, len, &end))
		return !fixed && len > TASK_SIZE ? -ENOMEM : -EINVAL;
	ret = do_mmap(file, addr, PAGE_ALIGN(len), prot, flags, file ? off >> PAGE_SHIFT : 0);
	if (!IS_ERR(ret) && (flags & MAP_POPULATE))
		mm_populate(ret, PAGE_ALIGN(len));
	return ret;
}

long sys_munmap(unsigned long addr, size_t len)
{
	unsigned long end;

	if (!user_range(addr, len, &end))
		return -EINVAL;
	return do_munmap(current->mm, addr, end);
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
	vma_merge(mm, old_end, new_end);
	mm->brk = brk;
	return brk;
}

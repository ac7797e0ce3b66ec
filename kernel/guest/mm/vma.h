#ifndef MM_VMA_H
#define MM_VMA_H

#include <linux/mm.h>

/* vma.c, for mmap and its relatives */
bool range_is_free(struct mm_struct *mm, unsigned long start, unsigned long end);
bool range_is_mapped(struct mm_struct *mm, unsigned long start, unsigned long end);
bool user_range(unsigned long start, unsigned long len, unsigned long *end);
struct vm_area_struct *copy_vma(struct mm_struct *mm, const struct vm_area_struct *old, unsigned long from,
				unsigned long start, unsigned long end);
int split_vma(struct vm_area_struct *vma, unsigned long addr);
int split_range(struct mm_struct *mm, unsigned long start, unsigned long end);
void vma_merge(struct mm_struct *mm, unsigned long start, unsigned long end);
int do_munmap(struct mm_struct *mm, unsigned long start, unsigned long end);

/* mmap.c */
bool may_commit(unsigned long len);

#endif

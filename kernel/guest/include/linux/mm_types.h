#ifndef _LINUX_MM_TYPES_H
#define _LINUX_MM_TYPES_H

#include <asm/pgtable.h>
#include <linux/cpumask.h>
#include <linux/list.h>

struct address_space;
struct file;
struct vm_operations_struct;

/*
 * What the kernel knows of one page frame of RAM. They lie side by side at VMEMMAP_START, by frame number; the
 * members and their places are Linux's (include/linux/mm_types.h), which uses most of them twice.
 */
struct page {
	unsigned long flags;		/* 1 << PG_... */
	struct list_head lru;		/* in the list of free pages */
	struct address_space *mapping;	/* the file whose page it is; NULL: nobody's, or anonymous */
	unsigned long index;		/* its number in the file */
	unsigned long private;		/* with PG_swapcache: the swap entry that it is a copy of */
	int _mapcount;			/* entries of users' page tables that map it, less one */
	int _refcount;			/* who holds it: each entry above, a cache, the kernel; 0: it is free */
	unsigned long unused;
};

BUILD_BUG_ON(sizeof(struct page) != 64);

/* Linux's numbers (include/linux/page-flags.h). */
enum pageflags {
	PG_locked = 0,
	PG_referenced = 1,
	PG_uptodate = 2,
	PG_dirty = 3,
	PG_slab = 9,
	PG_swapcache = 10,		/* Linux: PG_owner_priv_1 */
	PG_reserved = 12,		/* the kernel's image, the loader's; no one may free it */
	PG_swapbacked = 19,		/* anonymous: under pressure it goes to swap, not to a file */
};

/* Of an address space: pages by their kind, as /proc/PID/status counts them. */
enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, NR_MM_COUNTERS };

struct mm_rss_stat {
	long count[NR_MM_COUNTERS];
};

/* One range of a user's address space, [vm_start, vm_end), all with the same rights. */
struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct mm_struct *vm_mm;
	u64 vm_page_prot;		/* rights of a page as it is first mapped; see vm_get_page_prot */
	unsigned long vm_flags;
	const struct vm_operations_struct *vm_ops;	/* NULL: anonymous */
	unsigned long vm_pgoff;		/* page of vm_file that vm_start shows */
	struct file *vm_file;
	struct list_head vm_list;	/* in mm_struct.mmap, by address */
};

#define AT_VECTOR_SIZE	24

/* mm_struct.flags: the OOM killer took the pages away, and there are none to be had here. */
#define MMF_OOM_SKIP	(1UL << 21)
#define MMF_UNSTABLE	(1UL << 22)

struct mm_struct {
	pgd_t *pgd;
	struct list_head mmap;		/* of vm_area_struct */
	int mm_users;			/* tasks that run in it */
	int mm_count;			/* one for all users, one for each borrower of the page tables */
	struct cpumask cpu_bitmap;	/* processors that have it loaded */
	unsigned long flags;		/* MMF_... */
	unsigned long swap_address;	/* where the search for pages to swap out goes on */
	struct mm_rss_stat rss_stat;
	unsigned long hiwater_rss;	/* most pages that it had at a time */
	unsigned long start_code, end_code, start_data, end_data;
	unsigned long start_brk, brk, start_stack;
	unsigned long arg_start, arg_end, env_start, env_end;
	unsigned long mmap_base;	/* mmap gives addresses below */
	unsigned long vdso;		/* address of the vDSO, or 0 */
	struct desc_struct *ldt;	/* a page, or NULL */
	unsigned long saved_auxv[AT_VECTOR_SIZE][2];
};

#endif

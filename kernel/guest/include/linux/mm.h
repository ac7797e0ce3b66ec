#ifndef _LINUX_MM_H
#define _LINUX_MM_H

#include <linux/gfp.h>
#include <linux/mm_types.h>

struct pt_regs;

/* Rights, and what kind of area it is (Linux: include/linux/mm.h, whose numbers these are). */
#define VM_READ		0x0001UL
#define VM_WRITE	0x0002UL
#define VM_EXEC		0x0004UL
#define VM_SHARED	0x0008UL
#define VM_MAYREAD	0x0010UL	/* what mprotect may make of it */
#define VM_MAYWRITE	0x0020UL
#define VM_MAYEXEC	0x0040UL
#define VM_MAYSHARE	0x0080UL
#define VM_GROWSDOWN	0x0100UL
#define VM_STACK_FLAGS	(VM_READ | VM_WRITE | VM_GROWSDOWN)

#define VM_ACCESS_FLAGS	(VM_READ | VM_WRITE | VM_EXEC)
#define VM_MAYACCESS	(VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)

/* How an access faulted, for handle_mm_fault (Linux: enum fault_flag). */
#define FAULT_FLAG_WRITE	0x001
#define FAULT_FLAG_USER		0x040
#define FAULT_FLAG_INSTRUCTION	0x100

/* What became of it (Linux: enum vm_fault_reason). */
typedef unsigned int vm_fault_t;

#define VM_FAULT_OOM		0x0001
#define VM_FAULT_SIGBUS		0x0002
#define VM_FAULT_MAJOR		0x0004	/* a disk had to be read */
#define VM_FAULT_ERROR		(VM_FAULT_OOM | VM_FAULT_SIGBUS)

/* A fault on its way through memory.c. */
struct vm_fault {
	struct vm_area_struct *vma;
	unsigned long address;		/* of the page */
	unsigned long pgoff;		/* number of the page in vma->vm_file */
	unsigned int flags;		/* FAULT_FLAG_... */
	pte_t *pte;			/* the entry, in its table */
	pte_t orig_pte;			/* what it was when the fault began */
	struct page *page;		/* from vm_ops->fault, with a reference */
};

struct vm_operations_struct {
	/* The page of vmf->pgoff, with a reference, as vmf->page. */
	vm_fault_t (*fault)(struct vm_fault *vmf);
	/* The same if it costs nothing, else NULL: for the pages around one that was touched. */
	struct page *(*map_page)(struct vm_area_struct *vma, unsigned long pgoff);
};

extern struct mm_struct init_mm;

/* Every frame has its struct page; the map has holes where there is no RAM. */
#define vmemmap			((struct page *)VMEMMAP_START)
#define pfn_to_page(pfn)	(vmemmap + (pfn))
#define page_to_pfn(page)	((unsigned long)((page) - vmemmap))
#define page_to_phys(page)	(page_to_pfn(page) << PAGE_SHIFT)
#define page_address(page)	__va(page_to_phys(page))
#define virt_to_page(address)	pfn_to_page(__pa(address) >> PAGE_SHIFT)

static inline bool page_test(const struct page *page, enum pageflags flag)
{
	return page->flags & 1UL << flag;
}

static inline void page_set(struct page *page, enum pageflags flag)
{
	page->flags |= 1UL << flag;
}

static inline void page_clear(struct page *page, enum pageflags flag)
{
	page->flags &= ~(1UL << flag);
}

static inline int page_mapcount(const struct page *page)
{
	return page->_mapcount + 1;
}

/* An area whose pages are its own once written to: it can be copied page by page, on the first write. */
static inline bool is_cow_mapping(unsigned long vm_flags)
{
	return (vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/* page_alloc.c */
unsigned long totalram_pages(void);
unsigned long nr_free_pages(void);
unsigned long min_wmark_pages(void);
unsigned long low_wmark_pages(void);
unsigned long high_wmark_pages(void);
void free_page_and_swap_cache(struct page *page);

/* rmap.c */
void page_add_anon_rmap(struct page *page, struct vm_area_struct *vma);
void page_add_file_rmap(struct page *page, struct vm_area_struct *vma);
void page_remove_rmap(struct page *page, struct vm_area_struct *vma);
unsigned long get_mm_rss(const struct mm_struct *mm);

/* slab.c */
void *kzalloc(size_t size);
void kfree(const void *object);
char *kstrdup(const char *s);

/* vmalloc.c: kernel stacks, with an unmapped page range below each. */
void vmalloc_init(void);
void *alloc_thread_stack(void);
void free_thread_stack(void *stack);
bool stack_guard_hit(unsigned long address);

/* init.c */
void mem_init(void);

/* mmap.c */
struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr);
struct vm_area_struct *insert_vm_area(struct mm_struct *mm, unsigned long start, unsigned long end,
				      unsigned long flags, struct file *file);
unsigned long get_unmapped_area(struct mm_struct *mm, unsigned long len);
unsigned long linear_page_index(const struct vm_area_struct *vma, unsigned long address);
void free_vm_areas(struct mm_struct *mm);
long do_mmap(struct file *file, unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags,
	     unsigned long pgoff);
int dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm);

/* memory.c */
vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int flags);
struct page *vm_normal_page(pte_t pte);
u64 vm_get_page_prot(unsigned long vm_flags);
pte_t maybe_mkwrite(pte_t pte, const struct vm_area_struct *vma);
int vm_insert_page(struct vm_area_struct *vma, unsigned long address, struct page *page);
void zap_page_range(struct vm_area_struct *vma, unsigned long start, unsigned long end);

/* gup.c */
void *get_user_page(struct vm_area_struct *vma, unsigned long address);
void mm_populate(unsigned long start, unsigned long len);

/* shmem.c */
int shmem_zero_setup(struct vm_area_struct *vma);

/* cow.c */
vm_fault_t do_wp_page(struct vm_fault *vmf);
int copy_page_range(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma);

/* layout.c */
unsigned long arch_mmap_rnd(bool compat);
unsigned long randomize_stack_top(bool compat);
unsigned long arch_randomize_brk(unsigned long brk);
unsigned long arch_align_stack(unsigned long sp);
void arch_pick_mmap_layout(struct mm_struct *mm, bool compat);

/* fork.c */
struct mm_struct *mm_alloc(void);
void mmput(struct mm_struct *mm);
void mmdrop(struct mm_struct *mm);

/* fault.c */
void print_vma_addr(const char *prefix, unsigned long ip);

#endif

#ifndef _LINUX_MM_H
#define _LINUX_MM_H

#include <asm/pgtable.h>
#include <linux/list.h>

struct file;
struct mm_struct;
struct pt_regs;

#define VM_READ		0x0001UL
#define VM_WRITE	0x0002UL
#define VM_EXEC		0x0004UL
#define VM_GROWSDOWN	0x0100UL
#define VM_STACK_FLAGS	(VM_READ | VM_WRITE | VM_GROWSDOWN)

/* One range of a user's address space, [vm_start, vm_end), all with the same rights. */
struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	unsigned long vm_flags;
	struct file *vm_file;		/* the program it came from; its pages are private copies */
	struct list_head vm_list;	/* in mm_struct.mmap, by address */
};

#define AT_VECTOR_SIZE	24

struct mm_struct {
	pgd_t *pgd;
	struct list_head mmap;		/* of vm_area_struct */
	int mm_users;			/* tasks that run in it */
	int mm_count;			/* one for all users, one for each borrower of the page tables */
	unsigned long start_code, end_code, start_data, end_data;
	unsigned long start_brk, brk, start_stack;
	unsigned long arg_start, arg_end, env_start, env_end;
	unsigned long mmap_base;	/* mmap gives addresses below */
	unsigned long vdso;		/* address of the vDSO, or 0 */
	unsigned long saved_auxv[AT_VECTOR_SIZE][2];
};

extern struct mm_struct init_mm;

/* page_alloc.c: zeroed pages in the direct map; NULL when memory is out. */
void *get_zeroed_page(void);
void free_page(void *page);
unsigned long nr_free_pages(void);

/* slab.c */
void kmem_cache_init(void);
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
void free_vm_areas(struct mm_struct *mm);
int dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm);

/* memory.c */
int handle_mm_fault(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long address);
void *install_page(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long address);
u64 vm_get_page_prot(unsigned long vm_flags);

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

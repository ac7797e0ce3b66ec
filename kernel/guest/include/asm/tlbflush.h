#ifndef _ASM_TLBFLUSH_H
#define _ASM_TLBFLUSH_H

#include <asm/processor.h>

/* Forget all translations but the global ones, which are the kernel's. */
static inline void flush_tlb_local(void)
{
	write_cr3(read_cr3());
}

/* Forget the global ones too: a change of CR4.PGE does that, whichever way it goes (SDM 3A 4.10.4.1). */
static inline void __flush_tlb_all(void)
{
	unsigned long cr4 = read_cr4();

	write_cr4(cr4 ^ X86_CR4_PGE);
	write_cr4(cr4);
	flush_tlb_local();
}

struct mm_struct;

/* mm/tlb.c */
void local_flush_tlb_range(unsigned long start, unsigned long end);
void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start, unsigned long end);
void flush_tlb_mm(struct mm_struct *mm);
void flush_tlb_page(struct mm_struct *mm, unsigned long addr);
void flush_tlb_kernel_range(unsigned long start, unsigned long end);
void flush_tlb_all(void);
void switch_mm(struct mm_struct *prev, struct mm_struct *next);
void leave_lazy_mm(void);

#endif
